//! What is signed, when, and what is refused.

use domain::{
    Actor, Category, Clock, CorrelationId, Event, EventId, Evidence, EvidenceEvent, FormerLog, LogEnd, LossAccepted, ManualClock, NewEvent,
    OrganizationId, PublicKey, RootHash, SealedSlots, SeededIds, StreamName, SystemActor, Timestamp,
};
use event_store::{EventStore, ExpectedVersion, PostgresConfig, PostgresStore, StreamAppend};
use std::sync::Arc;
use std::time::Duration;
use test_support::{Role, TestDatabase};
use transparency::{Checkpoint, Log, Logs, Note, former_entry, verify_consistency, verify_inclusion};
use uuid::Uuid;
use vault::{Signer, Vault, VaultConfig, VaultError, VouchedTree, anchored_log, begin_new_log, signature_holds};
use workers::publish_checkpoints;

struct World {
    database: TestDatabase,
    clock: ManualClock,
    store: EventStore,
    logs: Logs,
    vault: Vault,
    signer: Signer,
    keys: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let database = TestDatabase::create().await;
        let clock = ManualClock::new(Timestamp::from_micros(1_790_000_000_000_000));
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let pool = database.pool(Role::App, 4);
        let config = PostgresConfig::new(database.url.parse().unwrap(), pool.clone(), shared.clone());
        let store = EventStore::Postgres(PostgresStore::start(config).await.unwrap());
        let logs = Logs::new(transparency::Parts { store: store.clone(), pool, clock: shared, ids: Arc::new(SeededIds::new(1)) });
        let keys = tempfile::tempdir().unwrap();
        let vault = vault(&database, &clock, &keys).await;
        let signer = vault.signer().await.unwrap();
        Self { database, clock, store, logs, vault, signer, keys }
    }

    async fn append(&self, organization: OrganizationId, count: usize) -> Vec<EventId> {
        let event = || NewEvent {
            id: EventId(Uuid::now_v7()),
            event_type: "EmailQueued".into(),
            schema_version: 1,
            occurred_at: self.clock.now(),
            actor: Actor::System(SystemActor::Delivery),
            correlation: CorrelationId(Uuid::now_v7()),
            causation: None,
            facts: b"{}".to_vec(),
            slots: SealedSlots::default(),
            salt: *Uuid::new_v4().as_bytes(),
        };
        let events: Vec<NewEvent> = (0..count).map(|_| event()).collect();
        let ids = events.iter().map(|event| event.id).collect();
        let stream = StreamName::new(Category::Email, organization, Uuid::now_v7());
        self.store.append(StreamAppend { stream, expected: ExpectedVersion::NoStream, events }).await.unwrap();
        ids
    }

    async fn publish(&self) -> bool {
        publish_checkpoints(&self.logs, &self.signer).await.unwrap()
    }

    /// The database is another one, whose log knows nothing of this one's.
    async fn fall_back(&mut self) {
        let other = World::new().await;
        let World { database, store, logs, .. } = other;
        (self.database, self.store, self.logs) = (database, store, logs);
    }

    async fn accept_loss(&self, former: FormerLog) {
        let nothing = LossAccepted { last_event: None, since: None, missing_event: None, until: None, unexplained_keys: 0, former: None };
        let event = EvidenceEvent::from(LossAccepted { former: Some(former), ..nothing });
        let (event_type, schema_version) = event.event_type();
        let new = NewEvent {
            id: EventId(Uuid::now_v7()),
            event_type: event_type.into(),
            schema_version,
            occurred_at: self.clock.now(),
            actor: Actor::System(SystemActor::Platform),
            correlation: CorrelationId(Uuid::now_v7()),
            causation: None,
            facts: event.facts(),
            slots: SealedSlots::default(),
            salt: *Uuid::new_v4().as_bytes(),
        };
        let stream = Evidence::stream_of_recordings();
        self.store.append(StreamAppend { stream, expected: ExpectedVersion::NoStream, events: vec![new] }).await.unwrap();
    }

    /// The newest checkpoint, whose signature holds.
    async fn checkpoint(&self, log: Log) -> Option<Checkpoint> {
        let note: Note = self.logs.note(log).await.unwrap()?.parse().unwrap();
        assert!(log.verifier_key(self.signer.public_key()).signed(&note, signature_holds));
        let checkpoint: Checkpoint = note.text.parse().unwrap();
        assert_eq!(checkpoint.origin, log.origin(&self.signer.public_key()));
        Some(checkpoint)
    }

    async fn counted(&self, query: &str) -> i64 {
        self.database.client().await.query_one(query, &[]).await.unwrap().get(0)
    }
}

async fn vault(database: &TestDatabase, clock: &ManualClock, keys: &tempfile::TempDir) -> Vault {
    let config = VaultConfig {
        pool: database.pool(Role::Vault, 2),
        key_dir: keys.path().join("keys"),
        providers: vault::ProviderSettings::default(),
        data_dir: None,
        clock: Arc::new(clock.clone()),
        cache_keys_max: 100,
    };
    Vault::start(config).await.unwrap()
}

fn organization() -> OrganizationId {
    OrganizationId(Uuid::now_v7())
}

#[tokio::test]
async fn c4_2_checkpoints_are_signed_where_there_is_news_and_go_on_from_each_other() {
    let world = World::new().await;
    assert!(world.publish().await);
    assert_eq!(world.counted("SELECT count(*) FROM log.event").await, 0, "nothing happened, so nothing is recorded");
    let (one, other) = (organization(), organization());
    let ids = world.append(one, 300).await;
    world.append(other, 1).await;
    world.publish().await;
    let first = world.checkpoint(Log::Organization(one)).await.unwrap();
    assert_eq!((first.size, world.checkpoint(Log::Organization(other)).await.unwrap().size), (300, 1));
    assert_eq!(world.checkpoint(Log::Platform).await.unwrap().size, 2);
    // The recording of checkpoints is no news.
    world.publish().await;
    world.publish().await;
    assert_eq!(world.counted("SELECT count(*) FROM log.event WHERE event_type = 'CheckpointsRecorded'").await, 1);
    world.append(one, 500).await;
    world.publish().await;
    let second = world.checkpoint(Log::Organization(one)).await.unwrap();
    assert_eq!((second.size, world.checkpoint(Log::Organization(other)).await.unwrap().size), (800, 1));
    let proof = world.logs.consistency(Log::Organization(one), 300, 800).await.unwrap();
    assert_eq!(verify_consistency((300, &first.root), (800, &second.root), &proof), Ok(()));
    // And any event is shown to be in it.
    assert_eq!(world.logs.index_of(one, ids[299]).await.unwrap(), Some(299));
    assert_eq!(world.logs.index_of(other, ids[299]).await.unwrap(), None);
    let proof = world.logs.prove(Log::Organization(one), 299).await.unwrap().unwrap();
    let leaf = transparency::Entry::of(&world.logs.events(one, 299..300).await.unwrap()[0]).leaf();
    assert_eq!(verify_inclusion(&leaf, 299, 800, &proof.path, &second.root), Ok(()));
    assert_eq!(world.logs.prove(Log::Organization(one), 800).await.unwrap(), None);
}

#[tokio::test]
async fn every_checkpoint_is_a_leaf_of_the_platform_log() {
    let world = World::new().await;
    let one = organization();
    world.append(one, 3).await;
    world.publish().await;
    let index = world.logs.platform_index_of(one, 3).await.unwrap().unwrap();
    let proof = world.logs.prove(Log::Platform, index).await.unwrap().unwrap();
    let recorded = world.checkpoint(Log::Organization(one)).await.unwrap();
    let entry = Checkpoint { origin: one.0.simple().to_string(), ..recorded }.text();
    let platform = world.checkpoint(Log::Platform).await.unwrap();
    assert_eq!(verify_inclusion(&transparency::leaf_hash(entry.as_bytes()), index, platform.size, &proof.path, &platform.root), Ok(()));
    assert!(proof.text().starts_with("c2sp.org/tlog-proof@v1\nindex 0\n"), "{}", proof.text());
}

#[tokio::test]
async fn what_lies_in_the_database_is_made_again_the_same() {
    let world = World::new().await;
    let one = organization();
    for count in [300, 1, 255, 700] {
        world.append(one, count).await;
        world.publish().await;
    }
    let client = world.database.client().await;
    let before: String = client.query_one(CONTENT, &[]).await.unwrap().get(0);
    client.batch_execute(FORGET).await.unwrap();
    world.publish().await;
    let after: String = client.query_one(CONTENT, &[]).await.unwrap().get(0);
    assert_eq!(after, before);
    assert_eq!(world.checkpoint(Log::Organization(one)).await.unwrap().size, 1_256);
}

#[tokio::test]
async fn a_log_that_was_changed_or_cut_is_not_signed() {
    let world = World::new().await;
    let one = organization();
    world.append(one, 2).await;
    world.publish().await;
    let signed = world.logs.note(Log::Platform).await.unwrap();
    let client = world.database.client().await;
    // A restored database knows another past: the first checkpoint says something else.
    client
        .batch_execute(
            "UPDATE ops.transparency_tile SET hashes = decode(repeat('ab', 32), 'hex') WHERE log = 'ffffffff-ffff-ffff-ffff-ffffffffffff'",
        )
        .await
        .unwrap();
    world.append(one, 1).await;
    let refused = publish_checkpoints(&world.logs, &world.signer).await.unwrap_err();
    assert!(refused.to_string().contains("not those that were signed"), "{refused:#}");
    assert_eq!(world.logs.note(Log::Platform).await.unwrap(), signed);
    // Or it ends earlier.
    let lost = VouchedTree { size: 9, root: [1; 32] };
    world.signer.vouch(world.signer.vouched().await.unwrap(), lost, world.logs.end().await.unwrap().unwrap()).await.unwrap();
    world.append(one, 1).await;
    let refused = publish_checkpoints(&world.logs, &world.signer).await.unwrap_err();
    assert!(refused.to_string().contains("events were lost"), "{refused:#}");
    // The lease is not kept by a round that failed.
    assert!(world.logs.acquire().await.unwrap().is_some());
}

const CONTENT: &str = "SELECT md5(string_agg(md5(t::text), '' ORDER BY t::text)) FROM (
    SELECT 1, log::text, level, number, hashes FROM ops.transparency_tile
    UNION ALL SELECT 2, log::text, 0, number, events FROM ops.transparency_bundle
    UNION ALL SELECT 3, organization::text, 0, number, root FROM ops.transparency_checkpoint
    UNION ALL SELECT 4, log::text, 0, size, note::bytea FROM ops.transparency_log WHERE note IS NOT NULL) t";
const FORGET: &str = "TRUNCATE ops.transparency_log, ops.transparency_tile, ops.transparency_bundle, ops.transparency_checkpoint;
    DELETE FROM ops.bookmark WHERE reader = 'transparency'";

#[tokio::test]
async fn after_an_accepted_loss_a_new_key_signs_a_log_that_begins_with_the_former_one() {
    let mut world = World::new().await;
    let one = organization();
    world.append(one, 300).await;
    world.publish().await;
    world.append(one, 1).await;
    world.publish().await;
    let former = world.checkpoint(Log::Platform).await.unwrap();
    world.fall_back().await;
    world.append(one, 290).await;
    let refused = publish_checkpoints(&world.logs, &world.signer).await.unwrap_err();
    assert!(refused.to_string().contains("events were lost"), "{refused:#}");
    assert_eq!(world.logs.end().await.unwrap(), None, "nothing is recorded either");

    let key_dir = world.keys.path().join("keys");
    let old = world.signer.public_key();
    let lost = FormerLog { key: PublicKey(old), size: former.size, root: RootHash(former.root) };
    world.accept_loss(lost.clone()).await;
    // Whoever is cut off says it again.
    begin_new_log(key_dir.clone(), old).await.unwrap();
    begin_new_log(key_dir.clone(), old).await.unwrap();
    assert_eq!(anchored_log(key_dir.clone()).await.unwrap(), None);
    assert!(!key_dir.join("signing.old").exists());
    world.signer = world.vault.signer().await.unwrap();
    assert_ne!(world.signer.public_key(), old);
    world.publish().await;
    let platform = world.checkpoint(Log::Platform).await.unwrap();
    assert_eq!((platform.size, world.checkpoint(Log::Organization(one)).await.unwrap().size), (3, 290));
    let first = world.logs.prove(Log::Platform, 0).await.unwrap().unwrap();
    let leaf = transparency::leaf_hash(former_entry(&lost).as_bytes());
    assert_eq!(verify_inclusion(&leaf, 0, platform.size, &first.path, &platform.root), Ok(()));
    assert_eq!(world.logs.former().await.unwrap(), Some(lost));
    // What lies in the database follows from the log, also across the loss.
    let client = world.database.client().await;
    let before: String = client.query_one(CONTENT, &[]).await.unwrap().get(0);
    client.batch_execute(FORGET).await.unwrap();
    world.publish().await;
    assert_eq!(client.query_one(CONTENT, &[]).await.unwrap().get::<_, String>(0), before);
}

#[tokio::test]
async fn a_crash_between_vouching_and_showing_is_gone_on_from() {
    let world = World::new().await;
    let one = organization();
    world.append(one, 5).await;
    let mut lease = world.logs.acquire().await.unwrap().unwrap();
    world.logs.record(&mut lease).await.unwrap();
    let unsigned = world.logs.unsigned().await.unwrap();
    let tree = VouchedTree { size: unsigned.platform_size, root: unsigned.platform_root };
    world.signer.vouch(None, tree, world.logs.end().await.unwrap().unwrap()).await.unwrap();
    // The process is gone; its lease ends by itself.
    assert!(!world.publish().await);
    world.clock.advance(Duration::from_secs(6));
    assert!(world.publish().await);
    assert_eq!(world.checkpoint(Log::Organization(one)).await.unwrap().size, 5);
    // And the dead process, should it live, changes nothing any more.
    assert!(matches!(world.logs.publish(&lease, &unsigned, &["x".into(), "y".into()]).await, Err(transparency::LogsError::LeaseLost)));
}

#[tokio::test]
async fn the_key_is_made_once_and_what_it_vouched_for_is_not_contradicted() {
    let world = World::new().await;
    let again = vault(&world.database, &world.clock, &world.keys).await.signer().await.unwrap();
    assert_eq!(again.public_key(), world.signer.public_key());
    let (small, large) = (VouchedTree { size: 3, root: [3; 32] }, VouchedTree { size: 9, root: [9; 32] });
    let end = LogEnd { event: EventId(Uuid::from_u128(5)), version: 4, leaf: [6; 32], at: world.clock.now() };
    world.signer.vouch(None, small, end).await.unwrap();
    again.vouch(Some(small), large, end).await.unwrap();
    again.vouch(Some(large), large, end).await.unwrap();
    for (from, to) in [
        (None, VouchedTree { size: 10, root: [1; 32] }),
        (Some(small), VouchedTree { size: 10, root: [1; 32] }),
        (Some(large), VouchedTree { size: 9, root: [8; 32] }),
        (Some(large), small),
    ] {
        assert!(matches!(world.signer.vouch(from, to, end).await, Err(VaultError::WouldContradict)));
    }
    assert_eq!(world.signer.vouched().await.unwrap(), Some(large));
    assert_eq!(again.end().await.unwrap(), Some(end));
    let anchored = anchored_log(world.keys.path().join("keys")).await.unwrap().unwrap();
    assert_eq!((anchored.public, anchored.tree, anchored.end), (again.public_key(), large, Some(end)));
    let signature = world.signer.sign(&["text".into()]).remove(0);
    assert!(signature_holds(&again.public_key(), b"text", &signature));
    assert!(!signature_holds(&again.public_key(), b"other", &signature));
    assert!(!signature_holds(&[0xFF; 32], b"text", &signature));
    // Two that begin at once have one key.
    let (keys, database) = (tempfile::tempdir().unwrap(), TestDatabase::create().await);
    let vault = vault(&database, &world.clock, &keys).await;
    let (one, other) = tokio::join!(vault.signer(), vault.signer());
    assert_eq!(one.unwrap().public_key(), other.unwrap().public_key());
    drop(world.vault);
}
