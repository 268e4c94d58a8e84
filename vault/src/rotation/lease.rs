//! Who rotates, and how far that is.

use super::{Pass, RotationStep, boundary, number};
use crate::epoch::EpochKey;
use crate::error::VaultError;
use crate::vault::Vault;
use deadpool_postgres::Transaction;
use domain::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio_postgres::Row;
use uuid::Uuid;

/// So long after its last step a process that died holds up the others.
const LEASE: Duration = Duration::from_secs(60);
/// One transaction's pages: about as many rows as fit a hundred milliseconds.
const PAGES: i64 = 64;

const TAKE: &str = "UPDATE keyring.rotation SET holder = $1, expires_at_us = $2 WHERE holder IS NULL OR expires_at_us <= $3";
const KEEP: &str = "UPDATE keyring.rotation SET expires_at_us = $2 WHERE holder = $1";
const RELEASE: &str = "UPDATE keyring.rotation SET holder = NULL, expires_at_us = 0 WHERE holder = $1";
const ENTER: &str = "UPDATE keyring.rotation SET pass = $2, done = 0, settled = pg_current_wal_insert_lsn(),
    total = coalesce(pg_relation_size($3::text::regclass) / current_setting('block_size')::bigint, 0), expires_at_us = $4 WHERE holder = $1
    RETURNING total";
const ADVANCE: &str = "UPDATE keyring.rotation SET done = $4, expires_at_us = $5 WHERE holder = $1 AND pass = $2 AND done = $3";
const LEAVE: &str = "UPDATE keyring.rotation SET pass = NULL, done = 0, total = 0, settled = NULL WHERE holder = $1";
// The pages' rows are read and written again; that they are on the disk is seen to before the old key goes. Waiting for somebody else's row for long could
// be waiting for each other.
const IN_A_BATCH: &str = "SET LOCAL synchronous_commit = off; SET LOCAL lock_timeout = '200ms'";

/// The right to rotate, as long as its token stands in the row.
pub struct Rotation {
    pub(super) vault: Vault,
    token: Uuid,
    /// The open epoch's key as it was last read from its provider.
    reread: Mutex<Option<Arc<EpochKey>>>,
}

/// Pages of a pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct At {
    pub(super) pass: Pass,
    pub(super) done: i64,
    pub(super) total: i64,
}

impl At {
    pub(super) fn end(&self) -> i64 {
        self.done + PAGES
    }

    /// The pages of this batch as the bounds of a `ctid`.
    pub(super) fn bounds(&self) -> (String, String) {
        (format!("({},0)", self.done), format!("({},0)", self.end()))
    }
}

impl Rotation {
    pub(super) async fn take(vault: &Vault) -> Result<Option<Self>, VaultError> {
        let token = Uuid::from_bytes(crate::cipher::random());
        let now = vault.keyring().clock.now();
        let client = vault.keyring().pool.get().await?;
        let taken = client.execute(TAKE, &[&token, &(now + LEASE).micros(), &now.micros()]).await?;
        Ok((taken == 1).then(|| Self { vault: vault.clone(), token, reread: Mutex::new(None) }))
    }

    /// Lets the next one have it at once.
    pub async fn release(self) -> Result<(), VaultError> {
        self.vault.keyring().pool.get().await?.execute(RELEASE, &[&self.token]).await?;
        Ok(())
    }

    pub(super) async fn keep(&self) -> Result<(), VaultError> {
        let client = self.vault.keyring().pool.get().await?;
        held(client.execute(KEEP, &[&self.token, &self.expiry()]).await?)
    }

    /// What is being gone through; `None` before it is begun.
    pub(super) async fn pass(&self) -> Result<Option<(Pass, At)>, VaultError> {
        let row = self.row().await?;
        let pass = row.get::<_, Option<i16>>("pass").and_then(Pass::from_number);
        Ok(pass.map(|pass| (pass, At { pass, done: row.get("done"), total: row.get("total") })))
    }

    pub(super) async fn progress(&self) -> Result<RotationStep, VaultError> {
        let pass = self.pass().await?;
        let (name, at) = pass.map_or(("beginning", None), |(pass, at)| (pass.name(), Some(at)));
        let pages = |pages: i64| u64::try_from(pages).unwrap_or(0);
        Ok(RotationStep::Progress { pass: name, done: at.map_or(0, |at| pages(at.done)), total: at.map_or(0, |at| pages(at.total)) })
    }

    /// Goes on with another pass from its first page.
    pub(super) async fn enter(&self, pass: Pass, closed: i32) -> Result<RotationStep, VaultError> {
        let client = self.vault.keyring().pool.get().await?;
        let entered = client.query_opt(ENTER, &[&self.token, &pass.number(), &pass.table(closed), &self.expiry()]).await?;
        entered.ok_or(VaultError::LeaseLost)?;
        drop(client);
        boundary("entered");
        if pass == Pass::Gate {
            return Ok(RotationStep::Rewrapped { epoch: number(closed) });
        }
        self.progress().await
    }

    /// Ends a batch, and after the last one enters the next pass. The batch's work and the progress are one transaction.
    pub(super) async fn advance(&self, transaction: Transaction<'_>, at: At, closed: i32) -> Result<RotationStep, VaultError> {
        let end = at.end().min(at.total);
        let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] = [&self.token, &at.pass.number(), &at.done, &end, &self.expiry()];
        held(transaction.execute(ADVANCE, &values).await?)?;
        transaction.commit().await?;
        boundary(at.pass.name());
        if end == at.total { self.enter(at.pass.next(), closed).await } else { self.progress().await }
    }

    /// Inside a transaction: fails when somebody else rotates by now.
    pub(super) async fn confirm(&self, transaction: &Transaction<'_>) -> Result<(), VaultError> {
        held(transaction.execute(KEEP, &[&self.token, &self.expiry()]).await?)
    }

    /// Inside a transaction: the rotation is through.
    pub(super) async fn leave(&self, transaction: &Transaction<'_>) -> Result<(), VaultError> {
        held(transaction.execute(LEAVE, &[&self.token]).await?)
    }

    pub(super) async fn now(&self) -> Result<Timestamp, VaultError> {
        let keyring = self.vault.keyring();
        let select = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
        let row = keyring.pool.get().await?.query_one(select, &[]).await?;
        Ok(keyring.clock.database_time(Timestamp::from_micros(row.get(0))))
    }

    /// The key of `epoch`, read from its provider once a lease, and not from this process's memory.
    pub(super) async fn reread_key(&self, epoch: i32) -> Result<Arc<EpochKey>, VaultError> {
        let kept = self.reread.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(key) = kept.filter(|key| key.epoch == epoch) {
            return Ok(key);
        }
        let key = Arc::new(crate::epochs::reread(self.vault.keyring(), epoch).await?);
        *self.reread.lock().unwrap_or_else(PoisonError::into_inner) = Some(key.clone());
        Ok(key)
    }

    async fn row(&self) -> Result<Row, VaultError> {
        let client = self.vault.keyring().pool.get().await?;
        let row = client.query_opt("SELECT pass, done, total FROM keyring.rotation WHERE holder = $1", &[&self.token]).await?;
        row.ok_or(VaultError::LeaseLost)
    }

    fn expiry(&self) -> i64 {
        (self.vault.keyring().clock.now() + LEASE).micros()
    }
}

/// A transaction for one batch.
pub(super) async fn batch(client: &mut deadpool_postgres::Client) -> Result<Transaction<'_>, VaultError> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(IN_A_BATCH).await?;
    Ok(transaction)
}

fn held(rows: u64) -> Result<(), VaultError> {
    if rows == 1 { Ok(()) } else { Err(VaultError::LeaseLost) }
}
