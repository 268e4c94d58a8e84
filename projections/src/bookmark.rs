//! How far a projection has come, and who may move it.

use crate::generation::Generation;
use crate::{Projection, ProjectionError};
use deadpool_postgres::{Client, Transaction};
use domain::{EventId, Position, RecordedEvent, Timestamp};
use std::sync::LazyLock;
use std::time::Duration;
use uuid::Uuid;

/// How long a process that says nothing keeps a projection. A standby waits this long after a crash.
pub(crate) const LEASE: Duration = Duration::from_secs(5);

/// This process, for people who ask who moves a projection. Nothing is decided by it.
pub(crate) static HOLDER: LazyLock<String> = LazyLock::new(|| {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let host = host.trim();
    format!("{}:{}", if host.is_empty() { "here" } else { host }, std::process::id())
});

/// Content of another version is not moved: an older one is replaced as a whole, a newer one is another program's.
const ACQUIRE: &str =
    "INSERT INTO ops.bookmark AS b (reader, position, lease, lease_expires_at_us, version, holder) VALUES ($1, $2, $3, $4, $5, $7)
    ON CONFLICT (reader) DO UPDATE SET lease = EXCLUDED.lease, lease_expires_at_us = EXCLUDED.lease_expires_at_us, holder = EXCLUDED.holder
    WHERE b.version = EXCLUDED.version AND (b.lease IS NULL OR b.lease_expires_at_us <= $6 OR b.lease = EXCLUDED.lease)
    RETURNING position";

const VERSION: &str = "SELECT version FROM ops.bookmark WHERE reader = $1";

const MOVE: &str = "UPDATE ops.bookmark SET position = $4, event = coalesce($5, event), lease_expires_at_us = $6
    WHERE reader = $1 AND position = $2 AND lease = $3";

const RELEASE: &str = "UPDATE ops.bookmark SET lease = NULL, lease_expires_at_us = 0, holder = NULL WHERE reader = $1 AND lease = $2";

/// The right to move one generation of a projection, as long as its token stands in the bookmark.
pub(crate) struct Lease {
    pub projection: &'static Projection,
    pub generation: Generation,
    pub token: Uuid,
    /// The bookmark's name.
    pub reader: String,
    /// The bookmark's position as stored.
    pub position: Position,
}

impl Lease {
    /// Of what queries see. `None`: another process has it, or the content is of an older version and will be replaced.
    pub async fn acquire(
        client: &Client,
        projection: &'static Projection,
        token: Uuid,
        now: Timestamp,
    ) -> Result<Option<Self>, ProjectionError> {
        let reader = Generation::Live.reader(projection);
        let start = Position::START.to_bytes();
        let expires = (now + LEASE).micros();
        let statement = client.prepare_cached(ACQUIRE).await?;
        let row =
            client.query_opt(&statement, &[&reader, &&start[..], &token, &expires, &projection.version, &now.micros(), &*HOLDER]).await?;
        if let Some(row) = row {
            return Ok(Some(Self { projection, generation: Generation::Live, token, reader, position: position(row.get(0)) }));
        }
        let found: Option<i32> = client.query_opt(VERSION, &[&reader]).await?.map(|row| row.get(0));
        match found {
            Some(found) if found > projection.version => Err(ProjectionError::OtherVersion { found, known: projection.version }),
            _ => Ok(None),
        }
    }

    /// Applies what the projection wants to see of the events and moves the bookmark, both or neither.
    pub async fn advance(
        &mut self,
        client: &mut Client,
        events: &[&RecordedEvent],
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

    pub async fn mark(
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
        let moved = transaction.execute(&statement, &[&self.reader, &&from[..], &self.token, &&to[..], &event, &expires]).await?;
        if moved == 1 { Ok(()) } else { Err(ProjectionError::LeaseLost) }
    }

    /// Lets the next one have it at once.
    pub async fn release(&self, client: &Client) -> Result<(), ProjectionError> {
        client.execute(RELEASE, &[&self.reader, &self.token]).await?;
        Ok(())
    }
}

pub(crate) fn position(bytes: &[u8]) -> Position {
    Position::from_bytes(bytes.try_into().expect("a bookmark's position has sixteen bytes"))
}
