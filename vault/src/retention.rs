//! Buckets whose time has come lose their key (rows M4.3, M4.4). By the database's clock and by the rows: nothing is counted from when somebody last looked.

use crate::error::VaultError;
use crate::key_name::class_from_number;
use crate::vault::Vault;
use domain::{Class, Day, KeyId, OrganizationId, Timestamp};
use std::time::Duration;
use tokio_postgres::Row;
use uuid::Uuid;

/// How long data is kept after the bucket that it fell into has closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetentionTerms {
    pub ops_days: u16,
    pub web_days: u16,
    pub fin_years: u16,
}

impl Default for RetentionTerms {
    fn default() -> Self {
        Self { ops_days: 90, web_days: 30, fin_years: 7 }
    }
}

/// A bucket whose key is destroyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpiredBucket {
    pub key: KeyId,
    pub organization: OrganizationId,
    pub class: Class,
    pub bucket: i32,
}

/// What came of a look at the buckets.
#[derive(Clone, Debug, PartialEq)]
pub enum Sweep {
    Swept(Vec<ExpiredBucket>),
    /// The clock has moved so far since the last look that a person has to say whether it is right.
    Halted {
        last: Timestamp,
        now: Timestamp,
    },
}

/// Further than this the clock does not move between two looks, unless it, or whoever ran this, was away.
const CLOCK_MOVE_MAX: Duration = Duration::from_secs(48 * 3600);

const LOOK: &str = "SELECT last_run_us, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now_us FROM keyring.sweep FOR UPDATE";
const LOOKED: &str = "UPDATE keyring.sweep SET last_run_us = $1";
// At most two days of an organisation in one look: a mistake is noticed before all is gone.
const DUE: &str = "
    SELECT id, organization, class, bucket FROM (
        SELECT b.id, b.organization, b.class, b.bucket, row_number() OVER (PARTITION BY b.organization, b.class ORDER BY b.bucket) AS place
        FROM keyring.bucket b JOIN unnest($1::smallint[], $2::integer[]) AS t(class, last) ON b.class = t.class AND b.bucket <= t.last
        WHERE b.destroyed_at IS NULL
    ) due WHERE place <= 2 ORDER BY bucket, id LIMIT 10000";
const UNRECORDED: &str =
    "SELECT id, organization, class, bucket FROM keyring.bucket WHERE destroyed_at IS NOT NULL AND NOT recorded ORDER BY id LIMIT $1";
const RECORDED: &str = "UPDATE keyring.bucket SET recorded = true WHERE id = $1";

impl Vault {
    /// Destroys the keys of buckets whose time has come. A crash in between leaves the rest to the next look.
    pub async fn sweep_buckets(&self, terms: RetentionTerms) -> Result<Sweep, VaultError> {
        let mut client = self.keyring().pool.get().await?;
        let transaction = client.transaction().await?;
        let row = transaction.query_one(LOOK, &[]).await?;
        let now = self.keyring().clock.database_time(Timestamp::from_micros(row.get("now_us")));
        let last = row.get::<_, Option<i64>>("last_run_us").map(Timestamp::from_micros);
        if let Some(last) = last.filter(|last| now.since(*last).max(last.since(now)) > CLOCK_MOVE_MAX) {
            return Ok(Sweep::Halted { last, now });
        }
        let (classes, lasts): (Vec<i16>, Vec<i32>) = terms.last_due(now.day()).iter().map(|(class, last)| (class.number(), *last)).unzip();
        let due = transaction.query(DUE, &[&classes, &lasts]).await?.iter().map(expired).collect::<Result<Vec<_>, _>>()?;
        transaction.execute(LOOKED, &[&now.micros()]).await?;
        transaction.commit().await?;
        drop(client);
        let keys: Vec<KeyId> = due.iter().map(|bucket| bucket.key).collect();
        self.destroy(&keys).await?;
        Ok(Sweep::Swept(due))
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
}

impl RetentionTerms {
    /// The last bucket of each class whose time has come. A bucket closes at its end, so its youngest data has been kept for the whole term.
    fn last_due(self, today: Day) -> [(Class, i32); 3] {
        let days = |term: u16| today.0 - i32::from(term) - 1;
        let year = crate::key_name::calendar_year(today);
        [(Class::Ops, days(self.ops_days)), (Class::Web, days(self.web_days)), (Class::Fin, year - i32::from(self.fin_years) - 1)]
    }
}

fn expired(row: &Row) -> Result<ExpiredBucket, VaultError> {
    let key = KeyId(row.get::<_, Uuid>("id"));
    let class = class_from_number(row.get("class")).ok_or(VaultError::RowTampered(key))?;
    Ok(ExpiredBucket { key, organization: OrganizationId(row.get("organization")), class, bucket: row.get("bucket") })
}
