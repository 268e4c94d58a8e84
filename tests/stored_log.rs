//! The read models are made from a log of the first versions, as the program of that day stored it.

use domain::*;
use event_store::{EventStore, ExpectedVersion, PostgresConfig, PostgresStore, StreamAppend};
use lethemail::{SystemClock, SystemIds};
use projections::{Freshness, Projector};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use test_support::{Role, TestDatabase};
use tokio::sync::watch;

const STORED: &str = include_str!("../domain/tests/domain/stored_log_v1.jsonl");

fn append(line: &str) -> StreamAppend {
    let line: Value = serde_json::from_str(line).unwrap();
    let text = |name: &str| line[name].as_str().unwrap();
    let bytes = |hex: &str| (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect::<Vec<u8>>();
    let header: EventHeader = serde_json::from_str(text("header")).unwrap();
    let event = NewEvent {
        id: header.event_id,
        event_type: header.event_type,
        schema_version: header.schema_version,
        occurred_at: header.occurred_at,
        actor: header.actor,
        correlation: header.correlation,
        causation: header.causation,
        facts: text("facts").as_bytes().to_vec(),
        slots: SealedSlots::decode(&bytes(text("sealed"))).unwrap(),
        salt: bytes(text("salt")).try_into().unwrap(),
    };
    let expected = header.version.checked_sub(1).map_or(ExpectedVersion::NoStream, ExpectedVersion::Exact);
    StreamAppend { stream: header.stream, expected, events: vec![event] }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_read_model_is_made_from_a_log_of_the_first_versions() {
    let database = TestDatabase::create().await;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let app = database.pool(Role::App, 4);
    let config = PostgresConfig::new(database.url.parse().unwrap(), app.clone(), clock.clone());
    let store = EventStore::Postgres(PostgresStore::start(config).await.unwrap());
    for line in STORED.lines() {
        store.append(append(line)).await.unwrap();
    }
    let freshness = Freshness::new(app, clock.clone());
    let projector = Projector::new(projections::Parts {
        store: store.clone(),
        pool: database.pool(Role::Projector, 12),
        clock,
        ids: Arc::new(SystemIds),
        freshness: freshness.clone(),
    });
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(async move { projector.run(projections::all(), stopped).await });
    let names: Vec<&str> = projections::all().iter().map(|projection| projection.name).collect();
    let head = store.head().await.unwrap();
    assert!(freshness.at_least(&names, head, Duration::from_secs(60)).await, "a read model stands still");
    stop.send(true).unwrap();
    running.await.unwrap().unwrap();
    let queued = STORED.lines().filter(|line| line.contains("\\\"EmailQueued\\\"")).count();
    let client = database.client().await;
    let count = async |query: &str| client.query_one(query, &[]).await.unwrap().get::<_, i64>(0);
    assert_eq!(count("SELECT count(*) FROM read.emails").await, i64::try_from(queued).unwrap());
    assert_eq!(count("SELECT count(*) FROM read.organizations WHERE closed_at_us IS NOT NULL").await, 1);
    assert_eq!(count("SELECT count(*) FROM read.members").await, 0, "the only member left");
    assert!(count("SELECT count(*) FROM read.account_history").await > 20);
}
