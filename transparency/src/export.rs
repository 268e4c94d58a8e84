//! Making a bundle. Pages are read and written one after the other, so a large history needs no more memory than a small one.

use crate::bundle::{EventsFormat, Explanation, FileEntry, MANIFEST_FORMAT, Manifest, write_line};
use crate::checkpoint::{Checkpoint, Log};
use crate::entry::{Entry, bundle};
use crate::logs::{Logs, LogsError};
use crate::note::Note;
use crate::proof::{root_at, tiles_for};
use crate::tile::{TILE_WIDTH, TileId};
use crate::verify::{BEGINNINGS, END_OF_EPOCH, LOSS, explained_by};
use base64::prelude::{BASE64_STANDARD, Engine};
use domain::{Category, EnvelopeKeys, KeyId, OrganizationId, Position, RecordedEvent, SlotContent, Timestamp, event_schemas};
use event_store::Filter;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Events of a page: whole tiles.
const PAGE: u64 = 16 * TILE_WIDTH;

#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Logs(#[from] LogsError),
    #[error("nothing of this organisation is signed yet")]
    NothingSigned,
    #[error("a file of the bundle cannot be written")]
    File(#[from] std::io::Error),
}

/// A bundle of which only the manifest is missing.
pub struct Export {
    directory: PathBuf,
    manifest: Manifest,
    /// Every key that an envelope in it names.
    pub keys: BTreeSet<KeyId>,
    /// Those whose end an event in it explains.
    explained: HashSet<KeyId>,
}

impl Logs {
    /// Writes what is signed of an organisation's history, all of it or what happened from `since` until before `until`.
    pub async fn export(
        &self,
        directory: &Path,
        organization: OrganizationId,
        (since, until): (Option<Timestamp>, Option<Timestamp>),
        format: EventsFormat,
        public: [u8; 32],
    ) -> Result<Export, ExportError> {
        let log = Log::Organization(organization);
        let (checkpoint, note) = self.checkpoint(log).await?.ok_or(ExportError::NothingSigned)?;
        let range = self.range(organization, checkpoint.size, since, until).await?;
        let manifest = Manifest {
            format: MANIFEST_FORMAT.to_owned(),
            organization,
            events_format: format,
            first: range.start,
            count: range.end - range.start,
            tree_size: checkpoint.size,
            event_types: BTreeMap::new(),
            unreadable_keys: vec![],
            files: BTreeMap::new(),
        };
        let mut export = Export { directory: directory.to_owned(), manifest, keys: BTreeSet::new(), explained: HashSet::new() };
        export.write("checkpoint", note.as_bytes())?;
        self.export_events(&mut export, range.clone()).await?;
        self.export_tiles(&mut export, log, &checkpoint, range).await?;
        self.export_platform(&mut export, organization, &checkpoint).await?;
        export.write("keys", format!("{}\n{}\n", log.verifier_key(public), Log::Platform.verifier_key(public)).as_bytes())?;
        let mut schemas = event_schemas();
        schemas.retain(|schema| export.manifest.event_types.contains_key(schema.event_type));
        for schema in schemas {
            let path = format!("schemas/{}.{}.json", schema.event_type, schema.schema_version);
            export.write(&path, format!("{:#}\n", schema.schema).as_bytes())?;
        }
        Ok(export)
    }

    /// From the first event that is new enough to the last that is old enough: what lies between belongs to it, whatever its time.
    async fn range(
        &self,
        organization: OrganizationId,
        size: u64,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> Result<Range<u64>, LogsError> {
        if since.is_none() && until.is_none() {
            return Ok(0..size);
        }
        let (mut first, mut end, mut index) = (None, 0, 0);
        while index < size {
            let events = self.events(organization, index..(index + PAGE).min(size)).await?;
            for (place, event) in (index..).zip(&events) {
                let at = event.header.occurred_at;
                if first.is_none() && since.is_none_or(|since| at >= since) {
                    first = Some(place);
                }
                if until.is_none_or(|until| at < until) {
                    end = place + 1;
                }
            }
            index += PAGE;
        }
        let first = first.unwrap_or(size);
        Ok(first..end.max(first))
    }

    async fn export_events(&self, export: &mut Export, range: Range<u64>) -> Result<(), ExportError> {
        let (organization, format) = (export.manifest.organization, export.manifest.events_format);
        let mut file = export.create("events.jsonl")?;
        let mut from = range.start;
        while from < range.end {
            let to = ((from / PAGE + 1) * PAGE).min(range.end);
            let events = self.events(organization, from..to).await?;
            if events.len() as u64 != to - from {
                return Err(LogsError::Malformed.into());
            }
            for (index, event) in (from..).zip(&events) {
                export.note(event);
                file.write(write_line(event, index, format).as_bytes())?;
            }
            export.write_entries(&events, from)?;
            from = to;
        }
        file.finish(export)
    }

    /// The tiles that hold the range's leaves, those above them, and those from which the root follows.
    async fn export_tiles(&self, export: &mut Export, log: Log, checkpoint: &Checkpoint, range: Range<u64>) -> Result<(), ExportError> {
        let size = checkpoint.size;
        let mut tiles = tiles_for(size, |nodes| root_at(size, nodes));
        for level in (0u8..7).take_while(|level| !range.is_empty() && size >> (8 * level) > 0) {
            let (first, last) = (range.start >> (8 * (level + 1)), (range.end - 1) >> (8 * (level + 1)));
            let hashes = size >> (8 * level);
            for number in first..=last.min((hashes - 1) / TILE_WIDTH) {
                let width = u16::try_from((hashes - number * TILE_WIDTH).min(TILE_WIDTH)).expect("256 at most");
                tiles.insert(TileId { level, number, width });
            }
        }
        let tiles: Vec<TileId> = tiles.into_iter().collect();
        for some in tiles.chunks(256) {
            let contents = self.tiles(log, some).await?;
            for tile in some {
                export.write(&tile.to_string(), contents.get(tile).ok_or(LogsError::Malformed)?)?;
            }
        }
        Ok(())
    }

    async fn export_platform(&self, export: &mut Export, organization: OrganizationId, checkpoint: &Checkpoint) -> Result<(), ExportError> {
        let index = self.platform_index_of(organization, checkpoint.size).await?.ok_or(ExportError::NothingSigned)?;
        let proof = self.prove(Log::Platform, index).await?.ok_or(ExportError::NothingSigned)?;
        export.write("platform/checkpoint", proof.checkpoint.as_bytes())?;
        export.write("platform/proof", proof.text().as_bytes())?;
        self.export_cosigned(export, &proof.checkpoint).await?;
        if self.former().await?.is_some() {
            let first = self.prove(Log::Platform, 0).await?.ok_or(ExportError::NothingSigned)?;
            export.write("platform/former", first.text().as_bytes())?;
        }
        Ok(())
    }

    /// The newest of the platform's checkpoints that a witness has signed, and that the platform log goes on from it. A checkpoint of a moment ago, as that of
    /// an export is, has no witness yet.
    async fn export_cosigned(&self, export: &mut Export, newest: &str) -> Result<(), ExportError> {
        let size = |note: &str| Some(note.parse::<Note>().ok()?.text.parse::<Checkpoint>().ok()?.size);
        let newest = size(newest).ok_or(LogsError::Malformed)?;
        let Some((cosigned, note)) = self.cosigned().await?.filter(|(cosigned, _)| cosigned.size <= newest) else { return Ok(()) };
        let path = self.consistency(Log::Platform, cosigned.size, newest).await?;
        let lines: String = path.iter().map(|hash| BASE64_STANDARD.encode(hash) + "\n").collect();
        export.write("platform/cosigned", note.as_bytes())?;
        export.write("platform/consistency", lines.as_bytes())
    }

    /// A person's account is the platform's to forget, and epochs are its to end. Its events that explain why keys which this history names are
    /// gone, those that ended an epoch, and losses that were accepted, are added with proofs.
    pub async fn explain(&self, export: &mut Export, gone: &[KeyId]) -> Result<(), ExportError> {
        export.manifest.unreadable_keys = gone.to_vec();
        let unexplained: HashSet<KeyId> = gone.iter().filter(|key| !export.explained.contains(key)).copied().collect();
        let mut file = export.create("explanations.jsonl")?;
        let filter = Filter {
            categories: vec![Category::Erasure, Category::Platform, Category::Evidence],
            organization: Some(OrganizationId::PLATFORM),
            event_types: BEGINNINGS.iter().chain(&["SubjectKeyDestroyed", END_OF_EPOCH, LOSS]).map(|word| (*word).to_owned()).collect(),
        };
        let mut after = Position::START;
        loop {
            let events = self.store.read_matching(after, 1_000, &filter).await.map_err(LogsError::from)?;
            let Some(last) = events.last() else { break };
            after = last.position;
            for event in events.iter().filter(|event| concerns(event, &unexplained)) {
                let Some(index) = self.index_of(OrganizationId::PLATFORM, event.header.event_id).await? else { continue };
                let Some(proof) = self.prove(Log::Organization(OrganizationId::PLATFORM), index).await? else { continue };
                file.write(Explanation::line(event, &proof).as_bytes())?;
            }
        }
        file.finish(export)
    }
}

fn concerns(event: &RecordedEvent, unexplained: &HashSet<KeyId>) -> bool {
    [END_OF_EPOCH, LOSS].contains(&&*event.header.event_type) || keys_of(event).iter().any(|key| unexplained.contains(key))
}

/// The keys whose end an event explains.
fn keys_of(event: &RecordedEvent) -> Vec<KeyId> {
    explained_by(&event.header.event_type, &event.facts).unwrap_or_default()
}

impl Export {
    /// Writes the manifest, and thereby ends the bundle.
    pub fn finish(self) -> Result<Manifest, ExportError> {
        let text = serde_json::to_string_pretty(&self.manifest).expect("a manifest is plain structs with text keys");
        std::fs::write(self.directory.join("manifest.json"), text + "\n")?;
        Ok(self.manifest)
    }

    fn note(&mut self, event: &RecordedEvent) {
        *self.manifest.event_types.entry(event.header.event_type.to_string()).or_default() += 1;
        self.explained.extend(keys_of(event));
        for slot in event.slots.iter() {
            if let SlotContent::Envelope(envelope) = slot
                && let Some(keys) = EnvelopeKeys::of(envelope)
            {
                self.keys.extend([keys.subject_key, keys.bucket_key]);
            }
        }
    }

    /// The bundles of entries that this page holds whole.
    fn write_entries(&mut self, events: &[RecordedEvent], first: u64) -> Result<(), ExportError> {
        let entries: Vec<Entry> = events.iter().map(Entry::of).collect();
        let end = first + entries.len() as u64;
        for number in first.div_ceil(TILE_WIDTH)..end.div_ceil(TILE_WIDTH) {
            let (low, high) = (number * TILE_WIDTH, ((number + 1) * TILE_WIDTH).min(self.manifest.tree_size));
            if high > end {
                continue;
            }
            let tile = TileId { level: 0, number, width: u16::try_from(high - low).expect("256 at most") };
            let within = |index: u64| usize::try_from(index - first).expect("a page is small");
            let content = bundle(entries[within(low)..within(high)].iter().map(|entry| &entry.0[..]));
            self.write(&tile.entries_path(), &content)?;
        }
        Ok(())
    }

    fn write(&mut self, path: &str, content: &[u8]) -> Result<(), ExportError> {
        let mut file = self.create(path)?;
        file.write(content)?;
        file.finish(self)
    }

    fn create(&self, path: &str) -> Result<Writing, ExportError> {
        let full = self.directory.join(path);
        std::fs::create_dir_all(full.parent().expect("a file lies in a directory"))?;
        Ok(Writing { path: path.to_owned(), file: BufWriter::new(File::create_new(full)?), hash: Sha256::new(), bytes: 0 })
    }
}

/// A file of the bundle on its way.
struct Writing {
    path: String,
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Writing {
    fn write(&mut self, content: &[u8]) -> Result<(), ExportError> {
        self.hash.update(content);
        self.bytes += content.len() as u64;
        Ok(self.file.write_all(content)?)
    }

    fn finish(mut self, export: &mut Export) -> Result<(), ExportError> {
        self.file.flush()?;
        let sha256 = self.hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        export.manifest.files.insert(self.path, FileEntry { bytes: self.bytes, sha256 });
        Ok(())
    }
}
