//! What was built and what queries see change places.

use crate::ProjectionError;
use crate::bookmark::{HOLDER, LEASE, Lease, position};
use crate::generation::Generation;
use crate::side_room::shape_error;
use deadpool_postgres::{Client, Transaction};
use domain::{Position, Timestamp};
use tokio_postgres::error::SqlState;

/// Taking the lease from a living process is safe: that one's next move misses. It has it again in a moment.
const FREEZE: &str =
    "INSERT INTO ops.bookmark AS b (reader, position, lease, lease_expires_at_us, version, holder) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (reader) DO UPDATE SET lease = EXCLUDED.lease, lease_expires_at_us = EXCLUDED.lease_expires_at_us, holder = EXCLUDED.holder
    RETURNING position";

/// Queries that come while this one waits for the tables wait behind it, so it does not wait long; it gives up before PostgreSQL looks for
/// a deadlock (after a second), so that no query of somebody else's is ever the one that is ended.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '100ms'";
const SWITCH: &str = "SELECT ops.switch_generation($1, $2::text[])";
const KEEP_FORMER: &str = "INSERT INTO ops.bookmark (reader, position, event, version)
    SELECT $2, position, event, version FROM ops.bookmark WHERE reader = $1 AND lease = $3 AND position = $4";
const TAKE_PLACE: &str = "WITH built AS (DELETE FROM ops.bookmark WHERE reader = $2 AND lease = $3 AND position = $4 RETURNING event)
    UPDATE ops.bookmark live SET position = $5, event = built.event, version = $6, lease = NULL, lease_expires_at_us = 0, holder = NULL
    FROM built WHERE live.reader = $1 AND live.lease = $3";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switched {
    Done,
    /// A query, a backup or a migration holds one of the tables.
    InUse,
}

/// What queries see stands still from now on, until the answer is dropped back with [`Lease::release`] or the lease runs out.
pub(crate) async fn freeze(client: &Client, next: &Lease, now: Timestamp) -> Result<Lease, ProjectionError> {
    let (projection, token) = (next.projection, next.token);
    let reader = Generation::Live.reader(projection);
    let start = Position::START.to_bytes();
    let expires = (now + LEASE).micros();
    let row = client.query_one(FREEZE, &[&reader, &&start[..], &token, &expires, &projection.version, &*HOLDER]).await?;
    Ok(Lease { projection, generation: Generation::Live, token, reader, position: position(row.get(0)) })
}

/// One short transaction: tables and bookmarks, both or neither. `reached` is how far the new content goes; it must not be behind the live one's.
pub(crate) async fn switch(client: &mut Client, next: &Lease, live: &Lease, reached: Position) -> Result<Switched, ProjectionError> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(LOCK_TIMEOUT).await?;
    // In the order in which every move takes its locks: tables first, then the bookmark.
    match transaction.execute(SWITCH, &[&next.projection.name, &next.projection.table_names()]).await {
        Ok(_) => {}
        Err(error) if matches!(error.code(), Some(&SqlState::LOCK_NOT_AVAILABLE | &SqlState::T_R_DEADLOCK_DETECTED)) => {
            return Ok(Switched::InUse);
        }
        Err(error) => return Err(shape_error(error)),
    }
    match move_bookmarks(&transaction, next, live, reached).await {
        Ok(()) => {}
        Err(ProjectionError::Database(event_store::Fault::Refused(code))) if code == SqlState::LOCK_NOT_AVAILABLE.code() => {
            return Ok(Switched::InUse);
        }
        Err(error) => return Err(error),
    }
    transaction.commit().await?;
    Ok(Switched::Done)
}

async fn move_bookmarks(transaction: &Transaction<'_>, next: &Lease, live: &Lease, reached: Position) -> Result<(), ProjectionError> {
    let (from, built, to) = (live.position.to_bytes(), next.position.to_bytes(), reached.to_bytes());
    let former = Generation::Former.reader(next.projection);
    let kept = transaction.execute(KEEP_FORMER, &[&live.reader, &former, &live.token, &&from[..]]).await?;
    let version = next.projection.version;
    let placed = transaction.execute(TAKE_PLACE, &[&live.reader, &next.reader, &next.token, &&built[..], &&to[..], &version]).await?;
    if (kept, placed) == (1, 1) { Ok(()) } else { Err(ProjectionError::LeaseLost) }
}
