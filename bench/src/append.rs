//! Appending, with the store's own API, beside COPY of the same rows.

use crate::bare_insert;
use crate::latencies::Latencies;
use crate::made_up_events::next_id;
use crate::report::{Report, Rounds, tell};
use crate::writers::Pace;
use crate::{Options, copy_limit};
use domain::{
    Actor, Category, CorrelationId, EventId, ManualClock, NewEvent, OrganizationId, SealedSlots, SeededIds, SlotContent, StreamName,
    SystemActor, Timestamp,
};
use event_store::{EventStore, ExpectedVersion, PostgresConfig, PostgresStore, StreamAppend};
use std::sync::Arc;
use std::time::{Duration, Instant};
use test_support::{Role, TestDatabase};
use uuid::Uuid;

const CASES: [(usize, Streams); 4] = [(1, Streams::New), (64, Streams::New), (512, Streams::New), (64, Streams::OfTen)];
const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Streams {
    /// Every append makes a stream, as accepting mail does.
    New,
    /// Every writer goes on with its own stream, ten events each, as delivering mail does.
    OfTen,
}

pub async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let store = open_store(&database).await?;
    new_streams(&store, 64, Duration::from_secs(1)).await?;
    let mut cases: Vec<Rounds> = CASES.iter().map(|_| Rounds::default()).collect();
    let mut alone = Rounds::default();
    for round in 0..options.rounds {
        tell("append", round);
        for ((writers, streams), rounds) in CASES.iter().zip(&mut cases) {
            let pace = append(&store, *writers, *streams, options.span()).await?;
            rounds.add(pace.rate, copy_limit::rows_per_second(&client, options.span() / 3).await?);
            rounds.latencies.extend(pace.latencies);
            if *writers == 1 {
                alone.add(pace.rate, bare_insert::rows_per_second(&client, options.span() / 3).await?);
            }
        }
    }
    for ((writers, streams), rounds) in CASES.iter().zip(&cases) {
        let plural = if *writers == 1 { "" } else { "s" };
        let kind = if *streams == Streams::New { "" } else { ", streams of ten events" };
        let name = format!("append, {writers} writer{plural}{kind}");
        report.rounds(&name, "events/s", rounds);
        report.latencies(&name, &rounds.latencies);
    }
    report.rounds("append, 1 writer, beside a bare INSERT and COMMIT", "events/s", &alone);
    store.shutdown().await;
    Ok(())
}

pub async fn open_store(database: &TestDatabase) -> anyhow::Result<EventStore> {
    let config = PostgresConfig::new(database.url.parse()?, database.pool(Role::App, 4), Arc::new(ManualClock::new(START)));
    let store = PostgresStore::start(config).await.map_err(|fault| anyhow::anyhow!("the log cannot be opened: {fault}"))?;
    Ok(EventStore::Postgres(store))
}

/// Single events, each of which begins a stream.
pub async fn new_streams(store: &EventStore, writers: usize, span: Duration) -> anyhow::Result<Pace> {
    append(store, writers, Streams::New, span).await
}

pub async fn append(store: &EventStore, writers: usize, streams: Streams, span: Duration) -> anyhow::Result<Pace> {
    let (begin, organization) = (Instant::now(), OrganizationId(Uuid::new_v4()));
    let tasks: Vec<_> = (0..writers).map(|_| tokio::spawn(write(store.clone(), organization, streams, begin + span))).collect();
    let mut latencies = Latencies::default();
    for task in tasks {
        latencies.extend(task.await??);
    }
    Ok(Pace { rate: latencies.len() as f64 / begin.elapsed().as_secs_f64(), latencies })
}

async fn write(store: EventStore, organization: OrganizationId, streams: Streams, until: Instant) -> anyhow::Result<Latencies> {
    let mut latencies = Latencies::default();
    let ids = SeededIds::new(Uuid::new_v4().as_u64_pair().0);
    let new_stream = || StreamName::new(Category::Email, organization, next_id(&ids));
    let mut stream = new_stream();
    let mut expected = ExpectedVersion::NoStream;
    while Instant::now() < until {
        let begin = Instant::now();
        let appended = store.append(StreamAppend { stream, expected, events: vec![event(next_id(&ids))] }).await?;
        latencies.add(begin.elapsed());
        expected = ExpectedVersion::Exact(appended.last_version);
        if streams == Streams::New || appended.last_version == 9 {
            (stream, expected) = (new_stream(), ExpectedVersion::NoStream);
        }
    }
    Ok(latencies)
}

/// About as large as the acceptance of a short mail: 400 bytes sealed.
pub fn event(id: Uuid) -> NewEvent {
    let id = EventId(id);
    NewEvent {
        id,
        event_type: "EmailQueued".into(),
        schema_version: 1,
        occurred_at: START,
        actor: Actor::System(SystemActor::Delivery),
        correlation: CorrelationId(id.0),
        causation: None,
        facts: br#"{"recipients":[{"number":0,"slot":0,"suppressed":false}],"scheduled_at":null,"size":2048}"#.to_vec(),
        slots: SealedSlots::new(vec![SlotContent::Envelope(vec![0xA5; 400])]),
        salt: *id.0.as_bytes(),
    }
}
