//! How fast read models are made from the log, beside COPY of the same event rows in thousands.
//!
//! `scripts/with-postgres cargo run --release -p projections --example catch_up [MESSAGES]`

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time, and its ids decide nothing")]

use bytes::Bytes;
use domain::*;
use event_store::{EventStore, ExpectedVersion, PostgresConfig, PostgresStore, StreamAppend};
use futures::{SinkExt, TryStreamExt};
use projections::{Freshness, Parts, Projector, all};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};
use test_support::{Role, TestDatabase};
use tokio::sync::watch;

/// Messages accepted before the first of them are delivered: outcomes fall into other batches than acceptances.
const WINDOW: usize = 2_000;
const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

#[tokio::main]
async fn main() {
    let messages = std::env::args().nth(1).map_or(40_000, |text| text.parse().expect("MESSAGES is a number"));
    let database = TestDatabase::create().await;
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW));
    let config = PostgresConfig::new(database.url.parse().expect("a valid address"), database.pool(Role::App, 4), clock.clone());
    let store = EventStore::Postgres(PostgresStore::start(config).await.expect("the store starts"));
    fill(&store, messages).await;
    let events = store.head().await.expect("the log is readable").commit as f64;
    let freshness = Freshness::new(database.pool(Role::App, 2), clock.clone());
    let pool = database.pool(Role::Projector, 12);
    let ids = Arc::new(SeededIds::new(1));
    let projector = Projector::new(Parts { store: store.clone(), pool, clock, ids, freshness: freshness.clone() });
    let copy = copy(&database, events).await;
    println!("{events} events; COPY of their rows, 1,000 a commit: {copy:.0}/s");
    for projection in all().iter().filter(|projection| projection.categories.contains(&Category::Email)) {
        for _ in 0..2 {
            let began = Instant::now();
            projector.rebuild(projection, |_| {}).await.expect("the log can be replayed");
            let rate = events / began.elapsed().as_secs_f64();
            println!("rebuild of {}: {rate:.0}/s, ratio {:.2}", projection.name, rate / copy);
        }
    }
    let owner = database.client().await;
    let tables: Vec<&str> = all().iter().flat_map(|projection| projection.tables).map(|table| table.name).collect();
    let empty = format!("DELETE FROM ops.bookmark; TRUNCATE {}", tables.join(", "));
    owner.batch_execute(&empty).await.expect("the read models can be emptied");
    let (shutdown, told) = watch::channel(false);
    let began = Instant::now();
    let running = tokio::spawn(async move { projector.run(all(), told).await });
    let names: Vec<&str> = all().iter().map(|projection| projection.name).collect();
    let head = store.head().await.expect("the log is readable");
    assert!(freshness.at_least(&names, head, Duration::from_secs(3600)).await);
    let rate = events / began.elapsed().as_secs_f64();
    println!("all at once: {rate:.0}/s, ratio {:.2}", rate / copy);
    shutdown.send_replace(true);
    let _ = running.await;
    store.shutdown().await;
}

async fn fill(store: &EventStore, messages: usize) {
    let ids = SeededIds::new(7);
    let organizations: Vec<OrganizationId> = (0..20).map(|_| OrganizationId(ids.time_ordered(NOW))).collect();
    for window in 0..messages.div_ceil(WINDOW) {
        let (mut queued, mut moved) = (Vec::new(), Vec::new());
        for number in 0..WINDOW.min(messages - window * WINDOW) {
            let stream = StreamName::new(Category::Email, organizations[number % 20], ids.time_ordered(NOW));
            let facts = r#"{"recipients":[{"number":0,"field":"to","details":1}],"sender":0,"tags":[],"scheduled_at":null,"transport":{"by":"sandbox"},"interface":"rest","size_bytes":2048}"#;
            queued.push(append(stream, ExpectedVersion::NoStream, &[("EmailQueued", facts, 2)], &ids));
            let outcome =
                r#"{"attempt":1,"outcomes":[{"recipient":0,"reply_code":250,"enhanced_status":[2,0,0],"reason":null,"reply":0}]}"#;
            let delivery = [("TransmissionStarted", r#"{"attempt":1,"recipients":[0]}"#, 0), ("EmailRelayed", outcome, 1)];
            moved.push(append(stream, ExpectedVersion::Exact(0), &delivery, &ids));
        }
        for outcome in store.append_batch(queued).await.into_iter().chain(store.append_batch(moved).await) {
            outcome.expect("the log takes it");
        }
    }
}

fn append(stream: StreamName, expected: ExpectedVersion, events: &[(&'static str, &str, usize)], ids: &SeededIds) -> StreamAppend {
    let envelope = || {
        let mut bytes = vec![1, 1];
        (0..14).for_each(|_| bytes.extend_from_slice(ids.random().as_bytes()));
        SlotContent::Envelope(bytes)
    };
    let events = events.iter().map(|(event_type, facts, slots)| NewEvent {
        id: EventId(ids.time_ordered(NOW)),
        event_type: (*event_type).into(),
        schema_version: 1,
        occurred_at: NOW,
        actor: Actor::ApiKey(ApiKeyId(stream.organization.0)),
        correlation: CorrelationId(ids.time_ordered(NOW)),
        causation: None,
        facts: facts.as_bytes().to_vec(),
        slots: SealedSlots::new((0..*slots).map(|_| envelope()).collect()),
        salt: ids.salt(),
    });
    StreamAppend { stream, expected, events: events.collect() }
}

/// Rows per second into a table with the log's columns and indexes.
async fn copy(database: &TestDatabase, events: f64) -> f64 {
    let client = database.client().await;
    client.batch_execute("CREATE TABLE ops.copied (LIKE log.event INCLUDING ALL)").await.expect("a table can be made");
    let mut chunks = Vec::new();
    let mut after = 0;
    while (after as f64) < events {
        let rows =
            format!("COPY (SELECT * FROM log.event WHERE position > {after} AND position <= {after} + 1000) TO STDOUT (FORMAT binary)");
        let rows = pin!(client.copy_out(&rows).await.expect("rows can be read"));
        let parts: Vec<Bytes> = rows.try_collect().await.expect("rows can be read");
        chunks.push(Bytes::from(parts.concat()));
        after += 1000;
    }
    let began = Instant::now();
    for chunk in chunks {
        let mut sink = pin!(client.copy_in("COPY ops.copied FROM STDIN (FORMAT binary)").await.expect("rows can be written"));
        sink.send(chunk).await.expect("rows can be written");
        sink.finish().await.expect("rows can be written");
    }
    events / began.elapsed().as_secs_f64()
}
