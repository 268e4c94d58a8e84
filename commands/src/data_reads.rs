//! Who read how much of whose data, and why: reads are counted for each actor, purpose, kind of data and day.
//!
//! They are counted in memory and written together every few seconds, so that a page of fifty rows costs no statement. What a killed process has not
//! written is lost: counts are working state, not facts. Refusals and openings at the command line are facts, and events (`data_access.rs`).

use crate::Fault;
use deadpool_postgres::Pool;
use domain::{Actor, ApiKeyId, Class, Clock, DataName, Day, OrganizationId, Purpose, SystemActor, Term, UserId, word_of};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio_postgres::{Client, Row};
use uuid::Uuid;

const INTERVAL: Duration = Duration::from_secs(10);
/// Different counts in memory at most, while they cannot be written; others are not begun then.
const COUNTS_MAX: usize = 100_000;
/// Rows that a question is answered with, the newest days first.
pub const DATA_READS_MAX: i64 = 1_000;

// In one order, so that two processes that write at once do not wait for each other in a circle.
const WRITE: &str = "
    INSERT INTO ops.data_read AS t (organization, day, actor, actor_id, purpose, data, count)
    SELECT * FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::bigint[])
    ON CONFLICT (organization, day, actor, actor_id, purpose, data) DO UPDATE SET count = t.count + EXCLUDED.count";
const FORGET: &str = "DELETE FROM ops.data_read WHERE day < $1";
const ASK: &str = "
    SELECT day, actor, actor_id, purpose, data, count FROM ops.data_read WHERE organization = $1 AND day BETWEEN $2 AND $3
    ORDER BY day DESC, actor, actor_id, purpose, data LIMIT $4";

/// Openings of one kind of data, by one actor, for one purpose, on one day (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataRead {
    pub day: Day,
    pub actor: Actor,
    pub purpose: Purpose,
    pub data: DataName,
    /// Envelopes that were opened; each is about one person.
    pub count: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Counted {
    organization: OrganizationId,
    day: Day,
    actor: Actor,
    purpose: Purpose,
    data: DataName,
}

/// Counts of one process. Cheap to clone.
#[derive(Clone)]
pub struct DataReads(Arc<Shared>);

struct Shared {
    pool: Pool,
    clock: Arc<dyn Clock>,
    counts: Mutex<HashMap<Counted, u64>>,
    /// The day on which old rows were last removed.
    tidied: AtomicI32,
}

impl DataReads {
    /// Must be called on a tokio runtime: a task writes the counts.
    pub(crate) fn start(pool: Pool, clock: Arc<dyn Clock>) -> Self {
        let shared = Arc::new(Shared { pool, clock: clock.clone(), counts: Mutex::default(), tidied: AtomicI32::new(i32::MIN) });
        tokio::spawn(write_now_and_then(Arc::downgrade(&shared), clock));
        Self(shared)
    }

    /// One envelope of each of these organisations was opened.
    pub(crate) fn count(&self, actor: Actor, purpose: Purpose, data: DataName, organizations: impl Iterator<Item = OrganizationId>) {
        let day = self.0.clock.now().day();
        let mut counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for organization in organizations {
            let counted = Counted { organization, day, actor, purpose, data };
            if counts.len() < COUNTS_MAX || counts.contains_key(&counted) {
                *counts.entry(counted).or_default() += 1;
            }
        }
    }

    /// Writes what was counted so far; kept for another time where that fails. A caller who goes away meanwhile takes nothing along.
    pub async fn flush(&self) -> Result<(), Fault> {
        let reads = self.clone();
        let written = tokio::spawn(async move { reads.write_all().await }).await;
        written.unwrap_or(Err(Fault::Invariant("writing counts does not panic")))
    }

    async fn write_all(&self) -> Result<(), Fault> {
        let taken = std::mem::take(&mut *self.0.counts.lock().unwrap_or_else(PoisonError::into_inner));
        if let Err(fault) = self.write(&taken).await {
            let mut counts = self.0.counts.lock().unwrap_or_else(PoisonError::into_inner);
            taken.into_iter().for_each(|(counted, count)| *counts.entry(counted).or_default() += count);
            return Err(fault);
        }
        self.tidy().await
    }

    async fn write(&self, taken: &HashMap<Counted, u64>) -> Result<(), Fault> {
        if taken.is_empty() {
            return Ok(());
        }
        let client = self.0.pool.get().await?;
        let mut rows: Vec<_> = taken.iter().map(|(counted, count)| columns(counted, *count)).collect();
        rows.sort_unstable();
        let organizations: Vec<Uuid> = rows.iter().map(|row| row.0).collect();
        let days: Vec<i32> = rows.iter().map(|row| row.1).collect();
        let actors: Vec<&str> = rows.iter().map(|row| &*row.2).collect();
        let ids: Vec<Uuid> = rows.iter().map(|row| row.3).collect();
        let purposes: Vec<&str> = rows.iter().map(|row| &*row.4).collect();
        let data: Vec<&str> = rows.iter().map(|row| row.5).collect();
        let counts: Vec<i64> = rows.iter().map(|row| row.6).collect();
        let statement = client.prepare_cached(WRITE).await?;
        client.execute(&statement, &[&organizations, &days, &actors, &ids, &purposes, &data, &counts]).await?;
        Ok(())
    }

    /// Once a day: counts are kept as long as what they tell of, without an organisation's own settings.
    async fn tidy(&self) -> Result<(), Fault> {
        let today = self.0.clock.now().day().0;
        let Some(Term::Days(days)) = Class::Ops.retention().term else { return Ok(()) };
        if self.0.tidied.load(Ordering::Relaxed) == today {
            return Ok(());
        }
        self.0.pool.get().await?.execute(FORGET, &[&(today - i32::from(days))]).await?;
        self.0.tidied.store(today, Ordering::Relaxed);
        Ok(())
    }
}

async fn write_now_and_then(shared: Weak<Shared>, clock: Arc<dyn Clock>) {
    loop {
        clock.sleep_until(clock.now() + INTERVAL).await;
        let Some(shared) = shared.upgrade() else { return };
        if shared.pool.is_closed() {
            return;
        }
        if let Err(fault) = DataReads(shared).flush().await {
            tracing::warn!(%fault, "counts of reads could not be written, and are kept for another time");
        }
    }
}

/// What stands in the table for an actor without an id: Lethemail itself.
const NOBODY: Uuid = Uuid::nil();

type Columns = (Uuid, i32, String, Uuid, String, &'static str, i64);

fn columns(counted: &Counted, count: u64) -> Columns {
    let (actor, id) = match counted.actor {
        Actor::Member(user) => ("member".to_owned(), user.0),
        Actor::ApiKey(key) => ("api_key".to_owned(), key.0),
        Actor::System(part) => (word_of(part), NOBODY),
    };
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    (counted.organization.0, counted.day.0, actor, id, word_of(counted.purpose), counted.data.as_str(), count)
}

/// What was read of an organisation's data on these days, the newest first, at most [`DATA_READS_MAX`] rows. What processes counted in the last seconds
/// may be missing.
pub async fn data_reads(client: &Client, organization: OrganizationId, first: Day, last: Day) -> Result<Vec<DataRead>, Fault> {
    let rows = client.query(ASK, &[&organization.0, &first.0, &last.0, &DATA_READS_MAX]).await?;
    rows.iter().map(|row| read(row).ok_or(Fault::Invariant("a counted read has the form in which it was written"))).collect()
}

fn read(row: &Row) -> Option<DataRead> {
    let (actor, id): (&str, Uuid) = (row.get("actor"), row.get("actor_id"));
    let actor = match actor {
        "member" => Actor::Member(UserId(id)),
        "api_key" => Actor::ApiKey(ApiKeyId(id)),
        part => Actor::System(parsed::<SystemActor>(part)?),
    };
    let count = u64::try_from(row.get::<_, i64>("count")).ok()?;
    Some(DataRead { day: Day(row.get("day")), actor, purpose: parsed(row.get("purpose"))?, data: parsed(row.get("data"))?, count })
}

fn parsed<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(Value::String(word.to_owned())).ok()
}
