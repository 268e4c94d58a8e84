//! One process at a time moves the logs on.

use crate::logs::{Logs, LogsError};
use deadpool_postgres::Transaction;
use domain::Position;
use std::time::Duration;
use uuid::Uuid;

/// How long a process that says nothing keeps the logs to itself.
const LEASE: Duration = Duration::from_secs(5);
const READER: &str = "transparency";

const ACQUIRE: &str = "INSERT INTO ops.bookmark AS b (reader, position, lease, lease_expires_at_us) VALUES ($1, $2, $3, $4)
    ON CONFLICT (reader) DO UPDATE SET lease = EXCLUDED.lease, lease_expires_at_us = EXCLUDED.lease_expires_at_us
    WHERE b.lease IS NULL OR b.lease_expires_at_us <= $5 RETURNING position";
const MOVE: &str =
    "UPDATE ops.bookmark SET position = $4, event = $5, lease_expires_at_us = $6 WHERE reader = $1 AND position = $2 AND lease = $3";
const HOLD: &str = "UPDATE ops.bookmark SET lease_expires_at_us = $3 WHERE reader = $1 AND lease = $2";
const FORGET: &str = "DELETE FROM ops.bookmark WHERE reader = 'transparency';
    TRUNCATE ops.transparency_log, ops.transparency_tile, ops.transparency_bundle, ops.transparency_checkpoint";
const RELEASE: &str = "UPDATE ops.bookmark SET lease = NULL, lease_expires_at_us = 0 WHERE reader = $1 AND lease = $2";

/// The right to move the logs on, and how far they have come.
pub struct Lease {
    token: Uuid,
    pub(crate) position: Position,
}

impl Logs {
    /// `None`: another process has it.
    pub async fn acquire(&self) -> Result<Option<Lease>, LogsError> {
        let (token, now) = (self.ids.random(), self.clock.now());
        let start = Position::START.to_bytes();
        let client = self.pool.get().await?;
        let row = client.query_opt(ACQUIRE, &[&READER, &&start[..], &token, &(now + LEASE).micros(), &now.micros()]).await?;
        row.map(|row| {
            let bytes: [u8; 16] = row.get::<_, &[u8]>(0).try_into().map_err(|_| LogsError::Malformed)?;
            Ok(Lease { token, position: Position::from_bytes(bytes) })
        })
        .transpose()
    }

    pub async fn release(&self, lease: Lease) -> Result<(), LogsError> {
        self.pool.get().await?.execute(RELEASE, &[&READER, &lease.token]).await?;
        Ok(())
    }

    /// Forgets what holds positions, because the log has moved and its events stand elsewhere. The next round makes it again, the same.
    pub async fn forget(transaction: &tokio_postgres::Transaction<'_>) -> Result<(), LogsError> {
        transaction.batch_execute(FORGET).await?;
        Ok(())
    }

    /// Moves the bookmark, in the transaction that moves the logs.
    pub(crate) async fn advance(&self, transaction: &Transaction<'_>, lease: &Lease, to: Position, event: Uuid) -> Result<(), LogsError> {
        let (from, to) = (lease.position.to_bytes(), to.to_bytes());
        let expires = (self.clock.now() + LEASE).micros();
        let moved = transaction.execute(MOVE, &[&READER, &&from[..], &lease.token, &&to[..], &event, &expires]).await?;
        if moved == 1 { Ok(()) } else { Err(LogsError::LeaseLost) }
    }

    /// Keeps the logs still while something is made of them, in the transaction that keeps it.
    pub(crate) async fn hold(&self, transaction: &Transaction<'_>, lease: &Lease) -> Result<(), LogsError> {
        let expires = (self.clock.now() + LEASE).micros();
        let held = transaction.execute(HOLD, &[&READER, &lease.token, &expires]).await?;
        if held == 1 { Ok(()) } else { Err(LogsError::LeaseLost) }
    }
}
