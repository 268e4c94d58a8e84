//! How fast one core looks through a bundle: `cargo run --release -p transparency --example verify_speed [EVENTS] [DIRECTORY]`. The bundle is made up here.
#![expect(clippy::disallowed_methods, reason = "it measures real time, and its ids decide nothing")]

use domain::*;
use ed25519_dalek::{Signer, SigningKey, Verifier, VerifyingKey};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;
use transparency::*;
use uuid::Uuid;

const ORGANIZATION: OrganizationId = OrganizationId(Uuid::from_u128(0xA1));

fn verify(public: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    let key = VerifyingKey::from_bytes(public).expect("the key is one");
    key.verify(message, &signature.try_into().expect("the signature has 64 bytes")).is_ok()
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

fn write(directory: &Path, path: &str, content: &[u8]) {
    let path = directory.join(path);
    std::fs::create_dir_all(path.parent().expect("a file lies in a directory")).expect("directories can be made");
    std::fs::write(path, content).expect("the disk takes it");
}

fn make(directory: &Path, events: u64) {
    let (key, mut edge, mut full) = (SigningKey::from_bytes(&[7; 32]), Edge::default(), Vec::new());
    let public = key.verifying_key().to_bytes();
    std::fs::create_dir_all(directory).expect("directories can be made");
    let mut file = BufWriter::new(File::create(directory.join("events.jsonl")).expect("the file can be made"));
    for number in 0..events {
        let event = event(number);
        file.write_all(write_line(&event, number, EventsFormat::Jsonl).as_bytes()).expect("the disk takes it");
        edge.push(Entry::of(&event).leaf(), &mut full);
    }
    file.flush().expect("the disk takes it");
    for tile in full {
        write(directory, &TileId { level: tile.level, number: tile.number, width: 256 }.to_string(), &tile.hashes);
    }
    for (tile, hashes) in edge.partial() {
        write(directory, &tile.to_string(), hashes);
    }
    let note = |log: Log, size: u64, root: Hash| {
        let text = Checkpoint { origin: log.origin(&public), size, root }.text();
        Note { signatures: vec![log.verifier_key(public).line(key.sign(text.as_bytes()).to_vec())], text }.to_string()
    };
    let log = Log::Organization(ORGANIZATION);
    let recorded = RecordedCheckpoint { organization: ORGANIZATION, size: events, root: RootHash(edge.root()) };
    let platform = note(Log::Platform, 1, transparency::leaf_hash(platform_entry(&recorded).as_bytes()));
    write(directory, "checkpoint", note(log, events, edge.root()).as_bytes());
    write(directory, "platform/proof", Proof { index: 0, path: vec![], checkpoint: platform.clone() }.text().as_bytes());
    write(directory, "platform/checkpoint", platform.as_bytes());
    write(directory, "keys", format!("{}\n", log.verifier_key(public)).as_bytes());
    write(directory, "explanations.jsonl", b"");
    let size = directory.join("events.jsonl").metadata().expect("it was written").len();
    let manifest = Manifest {
        format: MANIFEST_FORMAT.into(),
        organization: ORGANIZATION,
        events_format: EventsFormat::Jsonl,
        first: 0,
        count: events,
        tree_size: events,
        event_types: BTreeMap::new(),
        unreadable_keys: vec![],
        // Its hash is wrong, and is computed like any other.
        files: BTreeMap::from([("events.jsonl".to_owned(), FileEntry { bytes: size, sha256: String::new() })]),
    };
    write(directory, "manifest.json", serde_json::to_string(&manifest).expect("a manifest has a JSON form").as_bytes());
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let events = arguments.next().map_or(1_000_000, |count| count.parse().expect("a number of events"));
    let kept = tempfile::tempdir().expect("a directory can be made");
    let directory = arguments.next().map_or(kept.path().join("bundle"), Into::into);
    make(&directory, events);
    let options = VerifyOptions { verify, key: None, witnesses: vec![], receipts: BTreeSet::new(), whole: true, earlier: vec![] };
    for _ in 0..3 {
        let began = Instant::now();
        let report = verify_bundle(&directory, &options).expect("the bundle can be read");
        let took = began.elapsed();
        assert_eq!((report.events, report.integrity.count, report.completeness.count, report.erasure.count), (events, 1, 0, 0));
        println!("{events} events in {took:.2?}: {:.0} events/s on one core", events as f64 / took.as_secs_f64());
    }
}
