//! Looking through an exported history on one core, beside hashing the same leaves and nothing else. The bundle is made up here.

use crate::Options;
use crate::report::{Report, Rounds, tell};
use anyhow::ensure;
use domain::*;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::hint::black_box;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;
use transparency::*;
use uuid::Uuid;

const EVENTS: u64 = 500_000;
const ORGANIZATION: OrganizationId = OrganizationId(Uuid::from_u128(0xA1));
const PUBLIC: [u8; 32] = [7; 32];

pub fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let kept = tempfile::tempdir()?;
    let directory = kept.path().join("bundle");
    make(&directory)?;
    // A signature is verified once for a whole history, so whose does not matter.
    let wanted =
        VerifyOptions { verify: |_, _, _| true, key: None, witnesses: vec![], receipts: BTreeSet::new(), whole: true, earlier: vec![] };
    let mut rounds = Rounds::default();
    for round in 0..options.rounds {
        tell("looking through a history", round);
        let bare = hash_alone();
        let began = Instant::now();
        let found = verify_bundle(&directory, &wanted)?;
        let took = began.elapsed();
        ensure!(found.events == EVENTS && found.exit_code() == 0, "the made-up history does not hold: {found:?}");
        rounds.add(EVENTS as f64 / took.as_secs_f64(), bare);
    }
    report.rounds("audit verify, one core, and hashing the leaves alone", "events/s", &rounds);
    Ok(())
}

/// As `EmailQueued` mostly is: two envelopes, a few hundred bytes of facts, in a stream of three events.
fn event(number: u64) -> RecordedEvent {
    let mut envelope = vec![1; 320];
    envelope[2..18].copy_from_slice(Uuid::from_u128(u128::from(number % 5_000)).as_bytes());
    let stream = StreamName::new(Category::Email, ORGANIZATION, Uuid::from_u128(u128::from(number / 3)));
    let new = NewEvent {
        id: EventId(Uuid::from_u128(u128::from(number))),
        event_type: "EmailQueued".into(),
        schema_version: 1,
        occurred_at: Timestamp::from_micros(1_790_000_000_000_000),
        actor: Actor::System(SystemActor::Delivery),
        correlation: CorrelationId(Uuid::from_u128(7)),
        causation: None,
        facts: vec![b' '; 280],
        slots: SealedSlots::new(vec![SlotContent::Envelope(envelope.clone()), SlotContent::Envelope(envelope)]),
        salt: [7; 16],
    };
    let header = new.header(stream, number % 3);
    let position = Position { commit: number + 1, prepare: number + 1 };
    let (header_bytes, recorded_at) = (header.to_bytes(), new.occurred_at);
    RecordedEvent { position, header, header_bytes, facts: new.facts, slots: new.slots, salt: new.salt, recorded_at }
}

/// Leaves of events that lie in memory, a second.
fn hash_alone() -> f64 {
    let events: Vec<RecordedEvent> = (0..1_000).map(event).collect();
    let began = Instant::now();
    for _ in 0..EVENTS / 1_000 {
        for event in &events {
            black_box(domain::leaf_hash(&event.salt, &event.header_bytes, &event.facts, &event.slots));
        }
    }
    EVENTS as f64 / began.elapsed().as_secs_f64()
}

struct Bundle<'a> {
    directory: &'a Path,
    files: BTreeMap<String, FileEntry>,
}

impl Bundle<'_> {
    fn write(&mut self, path: &str, content: &[u8]) -> anyhow::Result<()> {
        let full = self.directory.join(path);
        std::fs::create_dir_all(full.parent().unwrap_or(self.directory))?;
        std::fs::write(full, content)?;
        let entry = FileEntry { bytes: content.len() as u64, sha256: transparency::hex_digest(content) };
        self.files.insert(path.to_owned(), entry);
        Ok(())
    }
}

fn make(directory: &Path) -> anyhow::Result<()> {
    let (mut edge, mut full) = (Edge::default(), Vec::new());
    std::fs::create_dir_all(directory)?;
    let mut bundle = Bundle { directory, files: BTreeMap::new() };
    let mut file = BufWriter::new(File::create(directory.join("events.jsonl"))?);
    for number in 0..EVENTS {
        let event = event(number);
        file.write_all(write_line(&event, number, EventsFormat::Jsonl).as_bytes())?;
        edge.push(Entry::of(&event).leaf(), &mut full);
    }
    file.flush()?;
    // Its name is in the manifest by its real hash, so that the file is read for it as any other.
    let content = std::fs::read(directory.join("events.jsonl"))?;
    bundle.files.insert("events.jsonl".into(), FileEntry { bytes: content.len() as u64, sha256: transparency::hex_digest(&content) });
    for tile in full {
        bundle.write(&TileId { level: tile.level, number: tile.number, width: 256 }.to_string(), &tile.hashes)?;
    }
    for (tile, hashes) in edge.partial() {
        bundle.write(&tile.to_string(), hashes)?;
    }
    sign(&mut bundle, edge.root())?;
    let manifest = Manifest {
        format: MANIFEST_FORMAT.into(),
        organization: ORGANIZATION,
        events_format: EventsFormat::Jsonl,
        first: 0,
        count: EVENTS,
        tree_size: EVENTS,
        event_types: BTreeMap::new(),
        unreadable_keys: vec![],
        files: bundle.files,
    };
    std::fs::write(directory.join("manifest.json"), serde_json::to_string(&manifest)?)?;
    Ok(())
}

fn sign(bundle: &mut Bundle<'_>, root: Hash) -> anyhow::Result<()> {
    let note = |log: Log, size: u64, root: Hash| {
        let text = Checkpoint { origin: log.origin(&PUBLIC), size, root }.text();
        Note { signatures: vec![log.verifier_key(PUBLIC).line(vec![1; 64])], text }.to_string()
    };
    let log = Log::Organization(ORGANIZATION);
    let recorded = RecordedCheckpoint { organization: ORGANIZATION, size: EVENTS, root: RootHash(root) };
    let platform = note(Log::Platform, 1, transparency::leaf_hash(platform_entry(&recorded).as_bytes()));
    bundle.write("checkpoint", note(log, EVENTS, root).as_bytes())?;
    bundle.write("platform/proof", Proof { index: 0, path: vec![], checkpoint: platform.clone() }.text().as_bytes())?;
    bundle.write("platform/checkpoint", platform.as_bytes())?;
    bundle.write("keys", format!("{}\n", log.verifier_key(PUBLIC)).as_bytes())?;
    bundle.write("explanations.jsonl", b"")
}
