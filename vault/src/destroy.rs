//! Destroying keys: first into the anchor, then out of the keyring.

use crate::anchor::{self, Destruction};
use crate::epochs::hold_open;
use crate::error::VaultError;
use crate::key_directory::KeyDirectory;
use crate::key_name::{BucketName, class_from_number};
use crate::keyring::load::load;
use crate::keyring::{KeyState, Keyring};
use crate::vault::{Vault, blocking};
use deadpool_postgres::Transaction;
use domain::{KeyId, OrganizationId, Timestamp};
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;
use uuid::Uuid;

/// Held while keys are destroyed, by one process at a time.
const DESTRUCTION_LOCK: i64 = 0x6c65_7468_6465_7374;
const BATCH: usize = 1_000;

const BUCKETS: &str = "SELECT id, organization, class, bucket FROM keyring.bucket WHERE id = ANY($1)";

// Every id gets a tombstone, also one that this keyring has never seen: a restored keyring may be older than the key.
const DELETE: &str = "
    WITH keys AS (DELETE FROM keyring.key WHERE id = ANY($1))
    INSERT INTO keyring.destroyed (id, destroyed_at, newest_epoch)
    SELECT u.id, u.destroyed_at, u.newest_epoch FROM unnest($1::uuid[], $2::timestamptz[], $3::integer[]) AS u(id, destroyed_at, newest_epoch)
    ON CONFLICT (id) DO NOTHING";

// The older table first, each in a statement of its own: a rotation that copies an address holds its older row, and the statement after the wait sees
// the copy.
const LOOKUPS: &str = "SELECT epoch FROM keyring.epoch WHERE lookup AND state IN (1, 2) ORDER BY epoch";
const DELETE_ADDRESSES: &str = "DELETE FROM keyring.lookup WHERE epoch = $1 AND key = ANY($2)";

// The row stays, and keeps the bucket from coming back. A bucket that the restored keyring never knew gets such a row.
const CLOSE_BUCKET: &str = "
    INSERT INTO keyring.bucket (id, organization, class, bucket, epoch, destroyed_at) VALUES ($1, $2, $3, $4, 0, $5)
    ON CONFLICT ON CONSTRAINT bucket_name DO UPDATE SET wrapped = NULL, destroyed_at = EXCLUDED.destroyed_at
    WHERE bucket.id = EXCLUDED.id AND bucket.wrapped IS NOT NULL";

impl Vault {
    /// Destroys keys in all live systems: they are named in the anchor, durably, then deleted; only (id, time) stays. Repeating it changes nothing.
    /// Other processes stop using the keys within one lease, this one at once.
    pub async fn destroy(&self, keys: &[KeyId]) -> Result<(), VaultError> {
        for batch in keys.chunks(BATCH) {
            self.destroy_batch(batch).await?;
        }
        Ok(())
    }

    /// Whether all these keys are gone, asked of the database and not of this process's memory.
    pub async fn are_destroyed(&self, keys: &[KeyId]) -> Result<bool, VaultError> {
        for state in load(self.keyring(), keys.to_vec()).await? {
            if !matches!(state?, KeyState::Destroyed) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Those of these keys that nothing can be opened with any more: destroyed, or not in this keyring at all.
    pub async fn gone_among(&self, keys: &[KeyId]) -> Result<Vec<KeyId>, VaultError> {
        let states = load(self.keyring(), keys.to_vec()).await?;
        let is_gone = |state: &Result<KeyState, VaultError>| matches!(state, Ok(KeyState::Destroyed) | Err(VaultError::UnknownKey(_)));
        Ok(keys.iter().zip(&states).filter(|(_, state)| is_gone(state)).map(|(key, _)| *key).collect())
    }

    /// How long all these keys have been gone, by the database's clock; `None` while one of them lives.
    pub async fn destroyed_for(&self, keys: &[KeyId]) -> Result<Option<Duration>, VaultError> {
        if !self.are_destroyed(keys).await? {
            return Ok(None);
        }
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let client = self.keyring().pool.get().await?;
        let select =
            "SELECT (extract(epoch FROM max(destroyed_at)) * 1000000)::int8, (extract(epoch FROM clock_timestamp()) * 1000000)::int8
                      FROM keyring.destroyed WHERE id = ANY($1)";
        let row = client.query_one(select, &[&ids]).await?;
        let now = self.keyring().clock.database_time(Timestamp::from_micros(row.get(1)));
        // No key at all: nobody ever held one.
        let newest: Option<i64> = row.get(0);
        Ok(Some(newest.map_or(Duration::MAX, |newest| now.since(Timestamp::from_micros(newest)))))
    }

    async fn destroy_batch(&self, keys: &[KeyId]) -> Result<(), VaultError> {
        let keyring = self.keyring();
        let mut client = keyring.pool.get().await?;
        let transaction = client.transaction().await?;
        transaction.query("SELECT pg_advisory_xact_lock($1)", &[&DESTRUCTION_LOCK]).await?;
        // While it is held no newer epoch can come to wrap these keys.
        let newest_epoch = hold_open(&transaction, "FOR SHARE").await?;
        let destructions = describe(&transaction, keys, keyring.clock.now(), newest_epoch).await?;
        let (directory, lines) = (keyring.directory.clone(), destructions.clone());
        blocking(move || anchor::append(&directory, &lines)).await?;
        delete(&transaction, &destructions, newest_epoch).await?;
        let committed = transaction.commit().await;
        // Also after a failed commit: whether it happened is not known.
        keyring.cache.forget(keys);
        Ok(committed?)
    }
}

/// Deletes every key that the anchor names and a restored keyring has brought back.
pub(crate) async fn apply_anchor(keyring: &Keyring) -> Result<(), VaultError> {
    let directory = keyring.directory.clone();
    let destructions = blocking(move || anchor::read_all(&directory)).await?;
    if destructions.is_empty() {
        return Ok(());
    }
    let mut client = keyring.pool.get().await?;
    let transaction = client.transaction().await?;
    transaction.query("SELECT pg_advisory_xact_lock($1)", &[&DESTRUCTION_LOCK]).await?;
    let newest_epoch = hold_open(&transaction, "FOR SHARE").await?;
    for batch in destructions.chunks(BATCH) {
        delete(&transaction, batch, newest_epoch).await?;
    }
    Ok(transaction.commit().await?)
}

/// The subjects' keys that the anchor in this key directory names: the log has a word on the destruction of each. Needs no database.
pub async fn anchored_keys(key_dir: PathBuf) -> Result<Vec<KeyId>, VaultError> {
    let read = move || anchor::read_all(&KeyDirectory::open(&key_dir, None)?);
    let lines = blocking(read).await?;
    Ok(lines.iter().filter(|line| line.bucket.is_none()).map(|line| line.key).collect())
}

/// What the anchor must say about these keys.
async fn describe(transaction: &Transaction<'_>, keys: &[KeyId], at: Timestamp, newest_epoch: i32) -> Result<Vec<Destruction>, VaultError> {
    let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
    let mut buckets = HashMap::new();
    for row in transaction.query(BUCKETS, &[&ids]).await? {
        let key = KeyId(row.get("id"));
        let class = class_from_number(row.get("class")).ok_or(VaultError::RowTampered(key))?;
        let organization = OrganizationId(row.get("organization"));
        buckets.insert(key, BucketName { organization, class, bucket: row.get("bucket") });
    }
    Ok(keys.iter().map(|key| Destruction { key: *key, at, newest_epoch: Some(newest_epoch), bucket: buckets.get(key).copied() }).collect())
}

async fn delete(transaction: &Transaction<'_>, destructions: &[Destruction], newest_epoch: i32) -> Result<(), VaultError> {
    let (ids, times): (Vec<Uuid>, Vec<_>) = destructions.iter().map(|line| (line.key.0, line.at.to_datetime())).unzip();
    let epochs: Vec<i32> = destructions.iter().map(|line| line.newest_epoch.unwrap_or(newest_epoch)).collect();
    for row in transaction.query(LOOKUPS, &[]).await? {
        transaction.execute(DELETE_ADDRESSES, &[&row.get::<_, i32>(0), &ids]).await?;
    }
    transaction.execute(DELETE, &[&ids, &times, &epochs]).await?;
    for Destruction { key, at, bucket, .. } in destructions {
        if let Some(BucketName { organization, class, bucket }) = bucket {
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 5] =
                [&key.0, &organization.0, &class.number(), bucket, &at.to_datetime()];
            transaction.execute(CLOSE_BUCKET, &values).await?;
        }
    }
    Ok(())
}
