//! Buckets whose time has come lose their key (rows M1.7, M4.3, M4.4). By the database's clock and by the rows: nothing is counted from when somebody last
//! looked. What an organisation decided, and what is held, comes in from whoever can read the log.

mod due;

use crate::error::VaultError;
use crate::key_name::class_from_number;
use crate::vault::Vault;
use domain::{Class, Day, KeyId, OrganizationId, Timestamp};
use due::{COUNT, DUE, DueColumns};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio_postgres::Row;
use uuid::Uuid;

/// Which buckets are due at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct DueBuckets {
    pub at: Timestamp,
    /// The last due day of organisations that are not kept for as long as is usual.
    pub days: BTreeMap<OrganizationId, Day>,
    pub held: Vec<HeldDays>,
}

/// Days of an organisation, both included, whose keys are not destroyed for now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldDays {
    pub organization: OrganizationId,
    pub from: Day,
    pub until: Day,
}

/// A bucket whose key is destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiredBucket {
    pub key: KeyId,
    pub organization: OrganizationId,
    pub class: Class,
    pub bucket: i32,
}

/// A bucket that is there, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketRecord {
    pub key: KeyId,
    pub class: Class,
    /// Days since 1970 for OPS and WEB, the year and the month in which it ends for FIN, 0 otherwise.
    pub bucket: i32,
    pub destroyed_at: Option<Timestamp>,
}

/// What the clock says, and whether that is to be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockLook {
    Steady(Timestamp),
    /// It has moved so far since the last look that a person has to say whether it is right.
    Jumped {
        last: Timestamp,
        now: Timestamp,
    },
}

/// Further than this the clock does not move between two looks, unless it, or whoever ran this, was away.
const CLOCK_MOVE_MAX: Duration = Duration::from_secs(48 * 3600);

const LOOK: &str = "SELECT last_run_us, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now_us FROM keyring.sweep FOR UPDATE";
const LOOKED: &str = "UPDATE keyring.sweep SET last_run_us = $1";
const COUNTED: &str = "UPDATE keyring.sweep SET overdue = $1 WHERE overdue <> $1";

const UNRECORDED: &str =
    "SELECT id, organization, class, bucket FROM keyring.bucket WHERE destroyed_at IS NOT NULL AND NOT recorded ORDER BY id LIMIT $1";
const RECORDED: &str = "UPDATE keyring.bucket SET recorded = true WHERE id = $1";
const OF_ORGANIZATION: &str = "SELECT id, class, bucket, (extract(epoch FROM destroyed_at) * 1000000)::bigint AS destroyed_at_us
    FROM keyring.bucket WHERE organization = $1 ORDER BY class, bucket";

impl Vault {
    /// Looks at the database's clock before buckets expire by it.
    pub async fn look_at_clock(&self) -> Result<ClockLook, VaultError> {
        let mut client = self.keyring().pool.get().await?;
        let transaction = client.transaction().await?;
        let row = transaction.query_one(LOOK, &[]).await?;
        let now = self.keyring().clock.database_time(Timestamp::from_micros(row.get("now_us")));
        let last = row.get::<_, Option<i64>>("last_run_us").map(Timestamp::from_micros);
        if let Some(last) = last.filter(|last| now.since(*last).max(last.since(now)) > CLOCK_MOVE_MAX) {
            return Ok(ClockLook::Jumped { last, now });
        }
        transaction.execute(LOOKED, &[&now.micros()]).await?;
        transaction.commit().await?;
        Ok(ClockLook::Steady(now))
    }

    /// Destroys the keys of due buckets, the oldest two of each organisation and class. A crash in between leaves the rest to the next look.
    pub async fn destroy_due(&self, due: &DueBuckets) -> Result<Vec<ExpiredBucket>, VaultError> {
        let columns = DueColumns::of(due);
        let found = self.keyring().pool.get().await?.query(DUE, &columns.arguments()).await?;
        let expired = found.iter().map(expired).collect::<Result<Vec<_>, _>>()?;
        let keys: Vec<KeyId> = expired.iter().map(|bucket| bucket.key).collect();
        self.destroy(&keys).await?;
        Ok(expired)
    }

    /// How many due buckets have a key still. Remembered, so that whoever looks after the installation learns of it.
    pub async fn count_overdue(&self, due: &DueBuckets) -> Result<i64, VaultError> {
        let client = self.keyring().pool.get().await?;
        let overdue = client.query_one(COUNT, &DueColumns::of(due).arguments()).await?.get(0);
        client.execute(COUNTED, &[&overdue]).await?;
        Ok(overdue)
    }

    /// A person has looked at the clock: what it says holds from now on.
    pub async fn accept_clock(&self) -> Result<(), VaultError> {
        Ok(self.keyring().pool.get().await?.batch_execute("UPDATE keyring.sweep SET last_run_us = NULL").await?)
    }

    /// Destroyed buckets that no event speaks of yet.
    pub async fn unrecorded_buckets(&self, limit: i64) -> Result<Vec<ExpiredBucket>, VaultError> {
        self.keyring().pool.get().await?.query(UNRECORDED, &[&limit]).await?.iter().map(expired).collect()
    }

    pub async fn bucket_is_recorded(&self, key: KeyId) -> Result<(), VaultError> {
        self.keyring().pool.get().await?.execute(RECORDED, &[&key.0]).await?;
        Ok(())
    }

    /// Every bucket that an organisation has or had, by class and then the oldest first.
    pub async fn bucket_records(&self, organization: OrganizationId) -> Result<Vec<BucketRecord>, VaultError> {
        let rows = self.keyring().pool.get().await?.query(OF_ORGANIZATION, &[&organization.0]).await?;
        let record = |row: &Row| {
            let key = KeyId(row.get("id"));
            let class = class_from_number(row.get("class")).ok_or(VaultError::RowTampered(key))?;
            let destroyed_at = row.get::<_, Option<i64>>("destroyed_at_us").map(Timestamp::from_micros);
            Ok(BucketRecord { key, class, bucket: row.get("bucket"), destroyed_at })
        };
        rows.iter().map(record).collect()
    }
}

fn expired(row: &Row) -> Result<ExpiredBucket, VaultError> {
    let key = KeyId(row.get::<_, Uuid>("id"));
    let class = class_from_number(row.get("class")).ok_or(VaultError::RowTampered(key))?;
    Ok(ExpiredBucket { key, organization: OrganizationId(row.get("organization")), class, bucket: row.get("bucket") })
}
