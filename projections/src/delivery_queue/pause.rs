//! Whether what waits may be sent at all. A restored queue must not: what was sent after the backup was made would be sent again.

use crate::QueryError;
use deadpool_postgres::ClientWrapper;
use domain::Timestamp;

/// Since when nothing is claimed any more, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    pub since: Timestamp,
    pub reason: String,
}

/// What waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    pub messages: u64,
    /// Of these, what would be sent at once.
    pub due: u64,
    pub oldest_due: Option<Timestamp>,
}

pub async fn paused(client: &ClientWrapper) -> Result<Option<Pause>, QueryError> {
    let row = client.query_opt("SELECT paused_at_us, reason FROM ops.delivery_pause WHERE resumed_at_us IS NULL", &[]).await?;
    Ok(row.map(|row| Pause { since: Timestamp::from_micros(row.get(0)), reason: row.get(1) }))
}

/// What was claimed before is still finished. `false`: it is paused already, and the first reason stays.
pub async fn pause(client: &ClientWrapper, now: Timestamp, reason: &str) -> Result<bool, QueryError> {
    let insert = "INSERT INTO ops.delivery_pause (paused_at_us, reason) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    Ok(client.execute(insert, &[&now.micros(), &reason]).await? == 1)
}

/// `false`: it was not paused.
pub async fn resume(client: &ClientWrapper, now: Timestamp, reason: &str) -> Result<bool, QueryError> {
    let update = "UPDATE ops.delivery_pause SET resumed_at_us = $1, resume_reason = $2 WHERE resumed_at_us IS NULL";
    Ok(client.execute(update, &[&now.micros(), &reason]).await? == 1)
}

pub async fn waiting(client: &ClientWrapper, now: Timestamp) -> Result<Waiting, QueryError> {
    let select =
        "SELECT count(*), count(*) FILTER (WHERE due_at_us <= $1), min(due_at_us) FILTER (WHERE due_at_us <= $1) FROM read.delivery_queue";
    let row = client.query_one(select, &[&now.micros()]).await?;
    let count = |column| row.get::<_, i64>(column).cast_unsigned();
    Ok(Waiting { messages: count(0), due: count(1), oldest_due: row.get::<_, Option<i64>>(2).map(Timestamp::from_micros) })
}
