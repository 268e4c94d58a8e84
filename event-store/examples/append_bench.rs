//! Append beside its limit: COPY of the same rows, in thousands, in the same run.
//!
//! `append_bench [SECONDS]` on a migrated, disposable database named by `BENCH_DATABASE_URL` (as a user who may `SET ROLE lethemail_app` and create tables).

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time, and its ids decide nothing")]

use domain::{
    Actor, Category, Clock, CorrelationId, EventId, Ids, ManualClock, NewEvent, OrganizationId, SealedSlots, SeededIds, SlotContent,
    StreamName, SystemActor, Timestamp,
};
use event_store::{EventStore, ExpectedVersion, PostgresConfig, PostgresStore, StreamAppend};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::NoTls;
use uuid::Uuid;

const SAMPLE: &str =
    "position, version, occurred_at, recorded_at, organization, stream_id, event_id, category, event_type, header, facts, sealed, salt";

#[tokio::main]
async fn main() {
    let url = std::env::var("BENCH_DATABASE_URL").expect("BENCH_DATABASE_URL names a disposable database");
    let span = Duration::from_secs_f64(std::env::args().nth(1).map_or(4.0, |text| text.parse().expect("SECONDS is a number")));
    let (mut client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("the database answers");
    tokio::spawn(connection);
    migrations::migrate(&mut client).await.expect("the database can be migrated");
    let store = open(&url).await;
    let mut rows = Vec::new();
    for (writers, streams) in
        [(64, Streams::New), (1, Streams::New), (64, Streams::New), (64, Streams::Few), (512, Streams::New), (512, Streams::Few)]
    {
        let (rate, p50, p99) = append(&store, writers, streams, span).await;
        let copy = copy(&client, span / 2).await;
        rows.push(format!(
            "append, {writers:>3} writers, {streams:?}: {rate:>7.0}/s  p50 {p50:?} p99 {p99:?}  COPY {copy:>7.0}/s  ratio {:.2}",
            rate / copy
        ));
        println!("{}", rows[rows.len() - 1]);
    }
    store.shutdown().await;
}

#[derive(Clone, Copy, Debug)]
enum Streams {
    /// Every append makes a stream, as accepting mail does.
    New,
    /// Every writer goes on with its own stream, ten events each, as delivering mail does.
    Few,
}

async fn open(url: &str) -> EventStore {
    let config: tokio_postgres::Config = url.parse().expect("the address is valid");
    let manager = deadpool_postgres::Manager::new(config.clone(), NoTls);
    let pool = deadpool_postgres::Pool::builder(manager).max_size(2).build().expect("the pool's settings are valid");
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_000_000_000)));
    EventStore::Postgres(PostgresStore::start(PostgresConfig::new(config, pool, clock)).await.expect("the store starts"))
}

/// Events per second, and the latency of one append.
async fn append(store: &EventStore, writers: usize, streams: Streams, span: Duration) -> (f64, Duration, Duration) {
    let (start, organization) = (Instant::now(), OrganizationId(Uuid::new_v4()));
    let tasks: Vec<_> = (0..writers).map(|_| tokio::spawn(write(store.clone(), organization, streams, start + span))).collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.expect("a writer does not panic"));
    }
    let rate = latencies.len() as f64 / start.elapsed().as_secs_f64();
    latencies.sort_unstable();
    (rate, latencies[latencies.len() / 2], latencies[latencies.len() * 99 / 100])
}

async fn write(store: EventStore, organization: OrganizationId, streams: Streams, until: Instant) -> Vec<Duration> {
    let mut latencies = Vec::new();
    let ids = SeededIds::new(Uuid::new_v4().as_u64_pair().0);
    let new_stream = || StreamName::new(Category::Email, organization, next(&ids));
    let mut stream = new_stream();
    let mut expected = ExpectedVersion::NoStream;
    while Instant::now() < until {
        let begin = Instant::now();
        let appended = store.append(StreamAppend { stream, expected, events: vec![event(next(&ids))] }).await.expect("the append succeeds");
        latencies.push(begin.elapsed());
        expected = ExpectedVersion::Exact(appended.last_version);
        if matches!(streams, Streams::New) || appended.last_version == 9 {
            (stream, expected) = (new_stream(), ExpectedVersion::NoStream);
        }
    }
    latencies
}

/// In the order of time, as real ids are, without asking the system for randomness: that would be the callers' cost.
fn next(ids: &SeededIds) -> Uuid {
    let millis = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_micros());
    ids.time_ordered(Timestamp::from_micros(i64::try_from(millis).unwrap_or(0)))
}

/// About as large as the acceptance of a short mail: 400 bytes sealed.
fn event(id: Uuid) -> NewEvent {
    let id = EventId(id);
    NewEvent {
        id,
        event_type: "EmailQueued".into(),
        schema_version: 1,
        occurred_at: Timestamp::from_micros(1_700_000_000_123_456),
        actor: Actor::System(SystemActor::Delivery),
        correlation: CorrelationId(id.0),
        causation: None,
        facts: br#"{"recipients":[{"number":0,"slot":0,"suppressed":false}],"scheduled_at":null,"size":2048}"#.to_vec(),
        slots: SealedSlots::new(vec![SlotContent::Envelope(vec![0xA5; 400])]),
        salt: *id.0.as_bytes(),
    }
}

/// COPY of the rows that were just appended, a thousand to a commit, into a table with the log's own columns and indexes.
async fn copy(client: &tokio_postgres::Client, span: Duration) -> f64 {
    let blocks = blocks(client).await;
    let (start, mut copied) = (Instant::now(), 0_u64);
    while start.elapsed() < span {
        client
            .batch_execute("DROP TABLE IF EXISTS public.copied; CREATE TABLE public.copied (LIKE log.event INCLUDING ALL)")
            .await
            .expect("the table can be made");
        for block in &blocks {
            let sink = client.copy_in(&format!("COPY public.copied ({SAMPLE}) FROM STDIN (FORMAT binary)")).await.expect("COPY begins");
            let mut sink = std::pin::pin!(sink);
            futures::SinkExt::send(&mut sink, block.clone()).await.expect("COPY takes rows");
            copied += sink.finish().await.expect("COPY commits");
        }
    }
    copied as f64 / start.elapsed().as_secs_f64()
}

async fn blocks(client: &tokio_postgres::Client) -> Vec<bytes::Bytes> {
    let head: i64 = client.query_one("SELECT max(position) FROM log.event", &[]).await.expect("the log can be read").get(0);
    let mut blocks = Vec::new();
    for block in 0..(head / 1_000).min(60) {
        let to = head - block * 1_000;
        let copy = format!(
            "COPY (SELECT {SAMPLE} FROM log.event WHERE position > {} AND position <= {to} ORDER BY position) TO STDOUT (FORMAT binary)",
            to - 1_000
        );
        let stream = client.copy_out(&copy).await.expect("COPY begins");
        let chunks: Vec<_> = futures::StreamExt::collect(stream).await;
        blocks.push(chunks.into_iter().flat_map(|chunk| chunk.expect("COPY gives rows")).collect());
    }
    blocks.reverse();
    blocks
}
