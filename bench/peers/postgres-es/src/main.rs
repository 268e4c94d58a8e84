//! Appends single events to new streams with postgres-es: `postgres-es-peer DATABASE-ADDRESS WRITERS SECONDS CONNECTIONS`
//!
//! Prints how many a second became durable. It goes to the repository directly: the framework would also load the aggregate before each command.

use anyhow::Context;
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{PersistedEventRepository, SerializedEvent};
use cqrs_es::{Aggregate, DomainEvent};
use postgres_es::PostgresEventRepository;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::postgres::PgPoolOptions;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The table as its documentation declares it.
const SCHEMA: &str = "CREATE TABLE IF NOT EXISTS events (
    aggregate_type text NOT NULL, aggregate_id text NOT NULL, sequence bigint CHECK (sequence >= 0) NOT NULL, event_type text NOT NULL,
    event_version text NOT NULL, payload json NOT NULL, metadata json NOT NULL, PRIMARY KEY (aggregate_type, aggregate_id, sequence))";

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, address, writers, seconds, connections] = arguments.as_slice() else {
        anyhow::bail!("usage: postgres-es-peer DATABASE-ADDRESS WRITERS SECONDS CONNECTIONS")
    };
    let (writers, seconds, connections): (usize, f64, u32) = (writers.parse()?, seconds.parse()?, connections.parse()?);
    let patience = Duration::from_secs(60);
    let pool = PgPoolOptions::new().max_connections(connections.min(writers as u32)).acquire_timeout(patience).connect(address).await?;
    sqlx::query(SCHEMA).execute(&pool).await?;
    let repository = Arc::new(PostgresEventRepository::new(pool));
    // The first appends open the connections.
    measure(&repository, writers, Duration::from_millis(500)).await?;
    println!("{}", measure(&repository, writers, Duration::from_secs_f64(seconds)).await?);
    Ok(())
}

async fn measure(repository: &Arc<PostgresEventRepository>, writers: usize, span: Duration) -> anyhow::Result<f64> {
    let begin = Instant::now();
    let tasks: Vec<_> = (0..writers).map(|_| tokio::spawn(write(repository.clone(), begin + span))).collect();
    let mut events = 0;
    for task in tasks {
        events += task.await??;
    }
    Ok(f64::from(events) / begin.elapsed().as_secs_f64())
}

async fn write(repository: Arc<PostgresEventRepository>, until: Instant) -> anyhow::Result<u32> {
    let mut events = 0;
    while Instant::now() < until {
        repository.persist::<Email>(&[event()], None).await.context("an append fails")?;
        events += 1;
    }
    Ok(events)
}

fn event() -> SerializedEvent {
    let (payload, metadata) = (json!({ "body": "x".repeat(389) }), json!({ "correlation": "x".repeat(130) }));
    SerializedEvent::new(Uuid::now_v7().to_string(), 1, Email::TYPE.into(), "EmailQueued".into(), "1".into(), payload, metadata)
}

/// Types that the library asks for; nothing is ever applied.
#[derive(Default, Serialize, Deserialize)]
struct Email;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct EmailQueued;

impl DomainEvent for EmailQueued {
    fn event_type(&self) -> String {
        "EmailQueued".into()
    }

    fn event_version(&self) -> String {
        "1".into()
    }
}

impl Aggregate for Email {
    const TYPE: &'static str = "email";
    type Command = ();
    type Event = EmailQueued;
    type Error = Infallible;
    type Services = ();

    async fn handle(&mut self, (): (), (): &(), _: &EventSink<Self>) -> Result<(), Infallible> {
        Ok(())
    }

    fn apply(&mut self, _: EmailQueued) {}
}
