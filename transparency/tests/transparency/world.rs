//! A log with its Merkle trees, signed by a key that is not the vault's, and bundles of it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::{
    Actor, Category, Clock, CorrelationId, ENVELOPE_OVERHEAD, EventId, KeyId, ManualClock, NewEvent, OrganizationId, SealedSlots,
    SeededIds, SlotContent, StreamName, SystemActor, Timestamp,
};
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier as _, VerifyingKey};
use event_store::{EventStore, ExpectedVersion, PostgresConfig, PostgresStore, StreamAppend};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use test_support::{Role, TestDatabase};
use transparency::*;
use uuid::Uuid;

pub struct World {
    pub clock: ManualClock,
    pub store: EventStore,
    pub logs: Logs,
    pub key: SigningKey,
    pub directory: tempfile::TempDir,
    _database: TestDatabase,
}

pub const ORGANIZATION: OrganizationId = OrganizationId(Uuid::from_u128(0xA1));
pub const START: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

pub fn verify(public: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    let (Ok(public), Ok(signature)) = (VerifyingKey::from_bytes(public), Signature::from_slice(signature)) else { return false };
    public.verify(message, &signature).is_ok()
}

pub fn key_id(number: u128) -> KeyId {
    KeyId(Uuid::from_u128(number))
}

/// What an envelope looks like from outside.
pub fn envelope(key: KeyId) -> SlotContent {
    let mut bytes = vec![1, 1];
    bytes.extend_from_slice(key.0.as_bytes());
    bytes.extend_from_slice(&[0xBB; 16]);
    bytes.resize(ENVELOPE_OVERHEAD + 64, 0xCC);
    SlotContent::Envelope(bytes)
}

impl World {
    pub async fn new() -> Self {
        let database = TestDatabase::create().await;
        let clock = ManualClock::new(START);
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let pool = database.pool(Role::App, 4);
        let config = PostgresConfig::new(database.url.parse().unwrap(), pool.clone(), shared.clone());
        let store = EventStore::Postgres(PostgresStore::start(config).await.unwrap());
        let logs = Logs::new(Parts { store: store.clone(), pool, clock: shared, ids: Arc::new(SeededIds::new(1)) });
        let key = SigningKey::from_bytes(&[7; 32]);
        Self { clock, store, logs, key, directory: tempfile::tempdir().unwrap(), _database: database }
    }

    /// Appends events to a stream of their own; the clock moves on by a second with each.
    pub async fn append(&self, organization: OrganizationId, events: Vec<(&'static str, String, Vec<SlotContent>)>) -> Vec<EventId> {
        let mut recorded = Vec::new();
        for (event_type, facts, slots) in events {
            self.clock.advance(Duration::from_secs(1));
            recorded.push(NewEvent {
                id: EventId(Uuid::now_v7()),
                event_type: event_type.into(),
                schema_version: 1,
                occurred_at: self.clock.now(),
                actor: Actor::System(SystemActor::Delivery),
                correlation: CorrelationId(Uuid::now_v7()),
                causation: None,
                facts: facts.into_bytes(),
                slots: SealedSlots::new(slots),
                salt: *Uuid::new_v4().as_bytes(),
            });
        }
        let ids = recorded.iter().map(|event| event.id).collect();
        let stream = StreamName::new(Category::Erasure, organization, Uuid::now_v7());
        self.store.append(StreamAppend { stream, expected: ExpectedVersion::NoStream, events: recorded }).await.unwrap();
        ids
    }

    /// So many events that each name a key of their own.
    pub async fn fill(&self, count: u128) -> Vec<EventId> {
        let events = (0..count).map(|number| ("EmailQueued", format!("{{\"number\":{number}}}"), vec![envelope(key_id(0x1000 + number))]));
        self.append(ORGANIZATION, events.collect()).await
    }

    pub async fn destroy(&self, organization: OrganizationId, key: KeyId) -> EventId {
        self.append(organization, vec![("SubjectKeyDestroyed", format!("{{\"keys\":[\"{key}\"]}}"), vec![])]).await[0]
    }

    /// What the worker does, with this key.
    pub async fn publish(&self) {
        let public = self.key.verifying_key().to_bytes();
        let mut lease = self.logs.acquire().await.unwrap().unwrap();
        self.logs.record(&mut lease).await.unwrap();
        let unsigned = self.logs.unsigned().await.unwrap();
        let notes: Vec<String> = (unsigned.checkpoints.iter().zip(unsigned.texts(&public)))
            .map(|((log, _, _), text)| signed(&text, &log.verifier_key(public), &self.key).to_string())
            .collect();
        self.logs.publish(&lease, &unsigned, &notes).await.unwrap();
        self.logs.release(lease).await.unwrap();
    }

    pub async fn export(&self, name: &str, gone: &[KeyId]) -> Bundle {
        self.export_between(name, gone, (None, None), EventsFormat::Jsonl).await
    }

    pub async fn export_between(
        &self,
        name: &str,
        gone: &[KeyId],
        between: (Option<Timestamp>, Option<Timestamp>),
        format: EventsFormat,
    ) -> Bundle {
        self.publish().await;
        let directory = self.directory.path().join(name);
        let public = self.key.verifying_key().to_bytes();
        let mut export = self.logs.export(&directory, ORGANIZATION, between, format, public).await.unwrap();
        self.logs.explain(&mut export, gone).await.unwrap();
        export.finish().unwrap();
        Bundle { directory, key: Log::Organization(ORGANIZATION).verifier_key(public) }
    }
}

pub fn signed(text: &str, as_key: &VerifierKey, key: &SigningKey) -> Note {
    Note { text: text.to_owned(), signatures: vec![as_key.line(key.sign(text.as_bytes()).to_vec())] }
}

/// Files that somebody may have changed.
pub struct Bundle {
    pub directory: PathBuf,
    pub key: VerifierKey,
}

impl Bundle {
    pub fn options(&self) -> VerifyOptions {
        VerifyOptions {
            verify,
            key: Some(self.key.clone()),
            witnesses: vec![],
            receipts: Default::default(),
            whole: false,
            earlier: vec![],
        }
    }

    pub fn verify(&self) -> Report {
        verify_bundle(&self.directory, &self.options()).unwrap()
    }

    /// The exit code of the program in Python, and what it printed.
    pub fn verify_in_python(&self) -> (i32, String) {
        self.verify_in_python_with(&[])
    }

    /// With receipts for these events.
    pub fn verify_in_python_with(&self, receipts: &[EventId]) -> (i32, String) {
        let file = self.directory.with_extension("receipts");
        std::fs::write(&file, receipts.iter().map(|id| format!("{id}\n")).collect::<String>()).unwrap();
        let arguments = [self.directory.as_os_str(), self.key.to_string().as_ref(), file.as_os_str()].map(ToOwned::to_owned);
        run("scripts/python-peer", &[&["verifiers/verify.py".into()], &arguments[..]].concat())
    }

    /// Whether Go's checksum database's own code finds it whole, and what it printed.
    pub fn verify_in_go(&self) -> (bool, String) {
        let (code, printed) = run("scripts/go-sumdb", &[self.directory.as_os_str().to_owned()]);
        (code == 0, printed)
    }

    pub fn verify_in_pymerkle(&self) -> (bool, String) {
        let (code, printed) = run("scripts/python-peer", &["verifiers/pymerkle_check.py".into(), self.directory.as_os_str().to_owned()]);
        (code == 0, printed)
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.directory.join(path)).unwrap()
    }

    pub fn lines(&self) -> Vec<String> {
        self.read("events.jsonl").lines().map(str::to_owned).collect()
    }

    /// Writes a file, and its hash into the manifest: whoever changes a bundle does that too.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.directory.join(path), &content).unwrap();
        let sha256: String = Sha256::digest(&content).iter().map(|byte| format!("{byte:02x}")).collect();
        self.change_manifest(|manifest| manifest["files"][path]["sha256"] = sha256.into());
    }

    pub fn change_manifest(&self, change: impl FnOnce(&mut Value)) {
        let mut manifest: Value = serde_json::from_str(&self.read("manifest.json")).unwrap();
        change(&mut manifest);
        std::fs::write(self.directory.join("manifest.json"), manifest.to_string()).unwrap();
    }

    pub fn write_lines(&self, lines: &[String]) {
        self.write("events.jsonl", lines.iter().map(|line| format!("{line}\n")).collect::<String>());
    }

    /// Changes one field of a line: the bytes behind its base64.
    pub fn change_line(&self, number: usize, field: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut lines = self.lines();
        let mut line: Value = serde_json::from_str(&lines[number]).unwrap();
        let mut bytes = BASE64_STANDARD.decode(line[field].as_str().unwrap()).unwrap();
        change(&mut bytes);
        line[field] = BASE64_STANDARD.encode(bytes).into();
        lines[number] = line.to_string();
        self.write_lines(&lines);
    }
}

fn run(script: &str, arguments: &[OsString]) -> (i32, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let output = Command::new(root.join(script)).args(arguments).current_dir(root).output().unwrap();
    let printed = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    (output.status.code().unwrap(), printed)
}

/// The place of the first fault of each verdict; empty where it holds.
pub fn first_faults(report: &Report) -> [&str; 3] {
    [&report.integrity, &report.completeness, &report.erasure].map(|verdict| verdict.faults.first().map_or("", |fault| &fault.place))
}
