//! The tables beside those that queries see: made, taken over from a dead process, dropped, and changed places with. Tables and bookmark come and
//! go in one transaction, so a crash at any moment leaves both or neither.

use crate::bookmark::{HOLDER, LEASE, Lease, position};
use crate::generation::Generation;
use crate::{Projection, ProjectionError};
use deadpool_postgres::{Client, Transaction};
use domain::{Position, Timestamp};
use event_store::Fault;
use uuid::Uuid;

const BEGIN: &str =
    "INSERT INTO ops.bookmark (reader, position, version, lease, lease_expires_at_us, holder) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (reader) DO NOTHING";
const LOOK: &str =
    "SELECT position, version, lease IS NOT NULL AND lease_expires_at_us > $2 AS held FROM ops.bookmark WHERE reader = $1 FOR UPDATE";
const TAKE: &str =
    "UPDATE ops.bookmark SET position = $2, version = $3, lease = $4, lease_expires_at_us = $5, holder = $6 WHERE reader = $1";
const RENAME: &str = "UPDATE ops.bookmark SET reader = $2, lease = $3, lease_expires_at_us = $4, holder = $5 WHERE reader = $1";
const FORGET: &str = "DELETE FROM ops.bookmark WHERE reader = $1";
const MAKE: &str = "SELECT ops.make_generation($1, $2, $3::text[])";
const DROP: &str = "SELECT ops.drop_generation($1, $2)";
const SAME_SHAPE: &str = "SELECT ops.read_shape('read', $1::text[]) IS NOT DISTINCT FROM ops.read_shape($2, $1::text[])";
const ADOPT: &str = "SELECT ops.adopt_former($1, $2::text[])";

/// The code with which the database says that tables which should be alike are not.
const SHAPE_CHANGED: &str = "LM801";

/// A bookmark as found.
struct Found {
    position: Position,
    version: i32,
    /// By a process that lives, as far as anybody knows.
    held: bool,
}

/// Opens a room to fill: as a process that died left it, when that is still of use, and empty otherwise. To fill the next content, the former one
/// goes: there are never more than two of them, and one to compare with.
pub(crate) async fn open(
    client: &mut Client,
    projection: &'static Projection,
    generation: Generation,
    token: Uuid,
    now: Timestamp,
) -> Result<Lease, ProjectionError> {
    let reader = generation.reader(projection);
    let transaction = client.transaction().await?;
    let start = Position::START;
    let expires = (now + LEASE).micros();
    let begun = transaction.execute(BEGIN, &[&reader, &&start.to_bytes()[..], &projection.version, &token, &expires, &*HOLDER]).await? == 1;
    let mut from = start;
    if !begun {
        let found = look(&transaction, projection, generation, now).await?.ok_or(ProjectionError::Busy)?;
        from = reusable(&transaction, projection, generation, &found).await?.unwrap_or(start);
        transaction.execute(TAKE, &[&reader, &&from.to_bytes()[..], &projection.version, &token, &expires, &*HOLDER]).await?;
    }
    if from == start {
        if generation == Generation::Next {
            refuse_beside_newer(&transaction, projection).await?;
            discard_within(&transaction, projection, Generation::Former).await?;
        }
        transaction.execute(MAKE, &[&generation.schema(), &projection.name, &projection.table_names()]).await?;
    }
    transaction.commit().await?;
    Ok(Lease { projection, generation, token, reader, position: from })
}

/// What a newer program made is not replaced, except by the way back.
async fn refuse_beside_newer(transaction: &Transaction<'_>, projection: &Projection) -> Result<(), ProjectionError> {
    let select = "SELECT version FROM ops.bookmark WHERE reader = $1 AND version > $2";
    match transaction.query_opt(select, &[&Generation::Live.reader(projection), &projection.version]).await? {
        Some(row) => Err(ProjectionError::OtherVersion { found: row.get(0), known: projection.version }),
        None => Ok(()),
    }
}

/// How far somebody else's content can be used; `None`: not at all.
async fn reusable(
    transaction: &Transaction<'_>,
    projection: &Projection,
    generation: Generation,
    found: &Found,
) -> Result<Option<Position>, ProjectionError> {
    if found.held {
        return Err(ProjectionError::Busy);
    }
    if found.version > projection.version {
        return Err(ProjectionError::OtherVersion { found: found.version, known: projection.version });
    }
    if generation == Generation::Check || found.version < projection.version {
        return Ok(None);
    }
    let alike: bool = transaction.query_one(SAME_SHAPE, &[&projection.table_names(), &generation.schema()]).await?.get(0);
    Ok(alike.then_some(found.position))
}

/// What queries saw before is filled on, to be seen again.
pub(crate) async fn adopt_former(
    client: &mut Client,
    projection: &'static Projection,
    token: Uuid,
    now: Timestamp,
) -> Result<Lease, ProjectionError> {
    let generation = Generation::Next;
    let (former, reader) = (Generation::Former.reader(projection), generation.reader(projection));
    let transaction = client.transaction().await?;
    let Some(found) = look(&transaction, projection, Generation::Former, now).await? else { return Err(ProjectionError::NoFormer) };
    if found.version != projection.version {
        return Err(ProjectionError::OtherVersion { found: found.version, known: projection.version });
    }
    // While something is being built there is no former content; the row is locked all the same, so that nobody begins meanwhile.
    if look(&transaction, projection, generation, now).await?.is_some() {
        return Err(ProjectionError::Busy);
    }
    transaction.execute(ADOPT, &[&projection.name, &projection.table_names()]).await.map_err(shape_error)?;
    let expires = (now + LEASE).micros();
    transaction.execute(RENAME, &[&former, &reader, &token, &expires, &*HOLDER]).await?;
    transaction.commit().await?;
    Ok(Lease { projection, generation, token, reader, position: found.position })
}

/// Drops what stands in a side room, unless a living process works on it. Whether there was anything.
pub(crate) async fn discard(
    client: &mut Client,
    projection: &Projection,
    generation: Generation,
    now: Timestamp,
) -> Result<bool, ProjectionError> {
    let transaction = client.transaction().await?;
    let Some(found) = look(&transaction, projection, generation, now).await? else { return Ok(false) };
    if found.held {
        return Err(ProjectionError::Busy);
    }
    discard_within(&transaction, projection, generation).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Drops what this process has filled.
pub(crate) async fn close(client: &mut Client, lease: &Lease) -> Result<(), ProjectionError> {
    let transaction = client.transaction().await?;
    let held = "SELECT FROM ops.bookmark WHERE reader = $1 AND lease = $2 FOR UPDATE";
    if transaction.query_opt(held, &[&lease.reader, &lease.token]).await?.is_none() {
        return Err(ProjectionError::LeaseLost);
    }
    discard_within(&transaction, lease.projection, lease.generation).await?;
    transaction.commit().await?;
    Ok(())
}

async fn discard_within(transaction: &Transaction<'_>, projection: &Projection, generation: Generation) -> Result<(), ProjectionError> {
    transaction.execute(DROP, &[&generation.schema(), &projection.name]).await?;
    transaction.execute(FORGET, &[&generation.reader(projection)]).await?;
    Ok(())
}

async fn look(
    transaction: &Transaction<'_>,
    projection: &Projection,
    generation: Generation,
    now: Timestamp,
) -> Result<Option<Found>, ProjectionError> {
    let row = transaction.query_opt(LOOK, &[&generation.reader(projection), &now.micros()]).await?;
    Ok(row.map(|row| Found { position: position(row.get(0)), version: row.get(1), held: row.get(2) }))
}

/// Tables that were changed by a migration are another thing than a fault of the database.
pub(crate) fn shape_error(error: tokio_postgres::Error) -> ProjectionError {
    match Fault::from(&error) {
        Fault::Refused(code) if code == SHAPE_CHANGED => ProjectionError::ShapeChanged,
        fault => ProjectionError::Database(fault),
    }
}
