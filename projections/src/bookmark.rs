//! How far a projection has come, and who may move it.

use crate::{Projection, ProjectionError};
use deadpool_postgres::{Client, Transaction};
use domain::{EventId, Position, Timestamp};
use std::time::Duration;
use uuid::Uuid;

/// How long a process that says nothing keeps a projection. A standby waits this long after a crash.
pub(crate) const LEASE: Duration = Duration::from_secs(5);

const ACQUIRE: &str = "INSERT INTO ops.bookmark AS b (reader, position, lease, lease_expires_at_us, version) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (reader) DO UPDATE SET lease = EXCLUDED.lease, lease_expires_at_us = EXCLUDED.lease_expires_at_us
    WHERE b.lease IS NULL OR b.lease_expires_at_us <= $6 OR b.lease = EXCLUDED.lease
    RETURNING position, version";

/// Taking it from a living process is safe: that one's next move misses.
const SEIZE: &str = "INSERT INTO ops.bookmark AS b (reader, position, lease, lease_expires_at_us, version) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (reader) DO UPDATE SET lease = EXCLUDED.lease, lease_expires_at_us = EXCLUDED.lease_expires_at_us
    RETURNING position, version";

const MOVE: &str = "UPDATE ops.bookmark SET position = $4, event = coalesce($5, event), lease_expires_at_us = $6
    WHERE reader = $1 AND position = $2 AND lease = $3";

const RESET: &str = "UPDATE ops.bookmark SET position = $3, event = NULL, version = $4 WHERE reader = $1 AND lease = $2";

const RELEASE: &str = "UPDATE ops.bookmark SET lease = NULL, lease_expires_at_us = 0 WHERE reader = $1 AND lease = $2";

/// The right to move one projection, as long as its token stands in the bookmark.
pub(crate) struct Lease {
    projection: &'static Projection,
    token: Uuid,
    /// The bookmark's position as stored.
    position: Position,
}

impl Lease {
    /// `None`: another process has it.
    pub async fn acquire(
        client: &mut Client,
        projection: &'static Projection,
        token: Uuid,
        now: Timestamp,
    ) -> Result<Option<Self>, ProjectionError> {
        let start = Position::START.to_bytes();
        let expires = (now + LEASE).micros();
        let statement = client.prepare_cached(ACQUIRE).await?;
        let row =
            client.query_opt(&statement, &[&projection.name, &&start[..], &token, &expires, &projection.version, &now.micros()]).await?;
        match row {
            None => Ok(None),
            Some(row) => Self::begin(client, projection, token, position(row.get(0)), row.get(1)).await.map(Some),
        }
    }

    /// Takes it from whoever has it.
    pub async fn seize(client: &mut Client, projection: &'static Projection, token: Uuid, now: Timestamp) -> Result<Self, ProjectionError> {
        let start = Position::START.to_bytes();
        let expires = (now + LEASE).micros();
        let row = client.query_one(SEIZE, &[&projection.name, &&start[..], &token, &expires, &projection.version]).await?;
        Self::begin(client, projection, token, position(row.get(0)), row.get(1)).await
    }

    async fn begin(
        client: &mut Client,
        projection: &'static Projection,
        token: Uuid,
        position: Position,
        version: i32,
    ) -> Result<Self, ProjectionError> {
        let mut lease = Self { projection, token, position };
        if version > projection.version {
            lease.release(client).await?;
            return Err(ProjectionError::NewerContent { found: version, known: projection.version });
        }
        if version < projection.version {
            lease.start_over(client).await?;
        }
        Ok(lease)
    }

    pub fn position(&self) -> Position {
        self.position
    }

    /// Empties the tables and goes back to the start.
    pub async fn start_over(&mut self, client: &mut Client) -> Result<(), ProjectionError> {
        let projection = self.projection;
        let transaction = client.transaction().await?;
        // In the order in which every move takes its locks: rows first, then the bookmark.
        let tables: Vec<&str> = projection.tables.iter().map(|table| table.name).collect();
        transaction.batch_execute(&format!("TRUNCATE {}", tables.join(", "))).await?;
        let start = Position::START.to_bytes();
        let reset = transaction.execute(RESET, &[&projection.name, &self.token, &&start[..], &projection.version]).await?;
        if reset != 1 {
            return Err(ProjectionError::LeaseLost);
        }
        transaction.commit().await?;
        self.position = Position::START;
        Ok(())
    }

    /// Applies what the projection wants to see of the events and moves the bookmark, both or neither.
    pub async fn advance(
        &mut self,
        client: &mut Client,
        events: &[&domain::RecordedEvent],
        to: Position,
        now: Timestamp,
    ) -> Result<(), ProjectionError> {
        let transaction = client.transaction().await?;
        if !events.is_empty() {
            (self.projection.project)(&transaction, events).await?;
        }
        self.mark(&transaction, to, events.last().map(|event| event.header.event_id), now).await?;
        transaction.commit().await?;
        self.position = to;
        Ok(())
    }

    async fn mark(
        &self,
        transaction: &Transaction<'_>,
        to: Position,
        event: Option<EventId>,
        now: Timestamp,
    ) -> Result<(), ProjectionError> {
        let statement = transaction.prepare_cached(MOVE).await?;
        let (from, to) = (self.position.to_bytes(), to.to_bytes());
        let expires = (now + LEASE).micros();
        let event = event.map(|event| event.0);
        let moved = transaction.execute(&statement, &[&self.projection.name, &&from[..], &self.token, &&to[..], &event, &expires]).await?;
        if moved == 1 { Ok(()) } else { Err(ProjectionError::LeaseLost) }
    }

    /// Lets the next one have it at once.
    pub async fn release(&self, client: &Client) -> Result<(), ProjectionError> {
        client.execute(RELEASE, &[&self.projection.name, &self.token]).await?;
        Ok(())
    }
}

pub(crate) fn position(bytes: &[u8]) -> Position {
    Position::from_bytes(bytes.try_into().expect("a bookmark's position has sixteen bytes"))
}
