//! Event by event, each against its leaf.

use super::erasure::Erasures;
use super::held::Tiles;
use super::{Report, Verdict, VerifyError};
use crate::bundle::{HeaderView, Manifest, StoredEvent};
use crate::entry::Entry;
use crate::hash::to_hex;
use domain::EventId;
use sha2::{Digest, Sha256};
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use uuid::Uuid;

const FILE: &str = "events.jsonl";
/// Missing events told one by one; a tail that is cut off may be long.
const MISSING_TOLD: u64 = 1_000;

/// Says the file's SHA-256.
pub(super) fn look_through(
    directory: &Path,
    manifest: &Manifest,
    tiles: &mut Tiles,
    erasures: &mut Erasures,
    receipts: BTreeSet<EventId>,
    report: &mut Report,
) -> Result<String, VerifyError> {
    let unreadable = |error| VerifyError::Unreadable { path: FILE.to_owned(), error };
    let mut reader = BufReader::with_capacity(1 << 20, File::open(directory.join(FILE)).map_err(unreadable)?);
    let mut look = Look {
        manifest,
        organization: manifest.organization.to_string(),
        expected: manifest.first,
        missing: BTreeSet::new(),
        versions: HashMap::new(),
        gaps: Verdict::default(),
        receipts,
    };
    let (mut line, mut number, mut event) = (Vec::new(), 0u64, StoredEvent::default());
    let mut hash = Sha256::new();
    loop {
        line.clear();
        if reader.read_until(b'\n', &mut line).map_err(unreadable)? == 0 {
            break;
        }
        number += 1;
        hash.update(&line);
        match event.read(&line, manifest.events_format) {
            Ok(()) => look.event(&event, number, tiles, erasures, report),
            Err(_) => {
                report.integrity.fault(format!("{FILE} line {number}, event {}", look.expected), "this is no event");
                look.expected += 1;
            }
        }
    }
    look.conclude(report);
    Ok(to_hex(&hash.finalize().into()))
}

struct Look<'a> {
    manifest: &'a Manifest,
    /// As headers spell it.
    organization: String,
    /// Place in the log of the next event.
    expected: u64,
    missing: BTreeSet<u64>,
    /// Of each stream, the version that comes next.
    versions: HashMap<(u128, u8), u64>,
    /// What streams lack. It follows from every other fault, so it is told where there is none.
    gaps: Verdict,
    receipts: BTreeSet<EventId>,
}

impl Look<'_> {
    fn event(&mut self, event: &StoredEvent, line: u64, tiles: &mut Tiles, erasures: &mut Erasures, report: &mut Report) {
        report.events += 1;
        let place = || format!("{FILE} line {line}, event {}", event.index);
        let (header, slots) = match (serde_json::from_slice::<HeaderView<'_>>(&event.header), event.slots()) {
            (Ok(header), Some(slots)) => (header, slots),
            _ => {
                report.integrity.fault(place(), "its header or its envelopes are broken");
                self.expected += 1;
                return;
            }
        };
        let leaf = Entry::from_parts(&event.salt, &event.header, &event.facts, &slots).leaf();
        if tiles.leaf(self.expected, report) == Some(leaf) {
            if event.index != self.expected {
                report.integrity.fault(place(), format!("it stands at place {}, and says another", self.expected));
            }
            self.expected += 1;
        } else {
            self.out_of_place(event, &leaf, line, tiles, report);
        }
        if header.organization != self.organization && header.organization.parse() != Ok(self.manifest.organization.0) {
            report.integrity.fault(place(), "it is another organisation's");
        }
        if !self.receipts.is_empty()
            && let Ok(id) = header.event_id.parse::<Uuid>()
        {
            self.receipts.remove(&EventId(id));
        }
        self.version(&header, line);
        erasures.see(event.index, header.event_type, &event.facts, &slots, report);
    }

    /// What stands here is not what the log has at this place: something before it is missing, it stands elsewhere, or it was changed.
    fn out_of_place(&mut self, event: &StoredEvent, leaf: &crate::hash::Hash, line: u64, tiles: &mut Tiles, report: &mut Report) {
        let own = tiles.leaf(event.index, report).filter(|own| own == leaf).map(|_| event.index);
        let found =
            own.or_else(|| tiles.place_of(leaf, self.expected, report)).or_else(|| tiles.place_of(leaf, self.expected + 256, report));
        match found {
            Some(found) if found > self.expected => {
                self.missing.extend((self.expected..found).take(usize::try_from(MISSING_TOLD).unwrap_or(usize::MAX)));
                self.expected = found + 1;
            }
            Some(found) => {
                self.missing.remove(&found);
                report.integrity.fault(format!("{FILE} line {line}, event {found}"), "it stands in the wrong place, or twice");
            }
            None => {
                let place = format!("{FILE} line {line}, event {}", self.expected);
                report
                    .integrity
                    .fault(place, "it is not the event that was signed at this place: its header, facts, envelopes or salt were changed");
                self.expected += 1;
            }
        }
    }

    /// Within a stream nothing is missing either. An export that begins later has seen no stream's beginning.
    fn version(&mut self, header: &HeaderView<'_>, line: u64) {
        let Ok(stream) = header.stream.parse::<domain::StreamName>() else { return };
        let key = (stream.id.as_u128(), u8::try_from(stream.category.number()).unwrap_or(u8::MAX));
        let first = if self.manifest.first == 0 { 0 } else { header.version };
        let next = self.versions.entry(key).or_insert(first);
        if header.version != *next {
            let what = format!("version {} of {stream} comes where version {next} should", header.version);
            self.gaps.fault(format!("{FILE} line {line}"), what);
        }
        *next = header.version + 1;
    }

    fn conclude(mut self, report: &mut Report) {
        report.range = (self.manifest.first, self.expected);
        let end = self.manifest.end();
        if self.expected < end {
            self.missing.extend((self.expected..end).take(usize::try_from(MISSING_TOLD).unwrap_or(usize::MAX)));
        }
        for index in &self.missing {
            report.completeness.fault(format!("event {index}"), "the log has it, and it is not here");
        }
        if report.integrity.holds() && report.completeness.holds() {
            report.completeness = self.gaps;
        }
        for receipt in &self.receipts {
            report.completeness.fault(format!("event {receipt}"), "a receipt names it, and it is not here");
        }
        if end > report.tree_size {
            report.completeness.fault("manifest.json", format!("it says {end} events, and the checkpoint covers {}", report.tree_size));
        }
    }
}
