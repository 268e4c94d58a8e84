//! What there is to say about epochs.

use super::{Obstacle, Pass, RotationPolicy, condemn, number};
use crate::epochs::{BEING_MADE, CLOSED, CONDEMNED, DESTROYED, OPEN};
use crate::error::VaultError;
use crate::provider::{self, ProviderKey};
use crate::vault::{Vault, blocking};
use domain::{KeyId, KeyProvider, Timestamp};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio_postgres::Row;
use uuid::Uuid;

const EPOCHS: &str = "SELECT epoch, state, provider, provider_key, (extract(epoch FROM opened_at) * 1000000)::bigint AS opened_at_us,
    (extract(epoch FROM closed_at) * 1000000)::bigint AS closed_at_us, (extract(epoch FROM destroyed_at) * 1000000)::bigint AS destroyed_at_us
    FROM keyring.epoch ORDER BY epoch";
const GONE: &str = "SELECT coalesce(bool_and(state = $2), false) AS all_destroyed, (extract(epoch FROM max(destroyed_at)) * 1000000)::bigint AS destroyed_at_us,
    (extract(epoch FROM clock_timestamp()) * 1000000)::bigint AS now_us FROM keyring.epoch WHERE epoch <= $1";
const NEWEST: &str = "SELECT max(newest_epoch) FROM keyring.destroyed WHERE id = ANY($1)";

/// An epoch's row, as far as rotation needs it.
pub(super) struct EpochRow {
    pub(super) epoch: i32,
    pub(super) state: i16,
    pub(super) key: ProviderKey,
    pub(super) opened_at: Timestamp,
    closed_at: Option<Timestamp>,
    destroyed_at: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpochState {
    BeingMade,
    Open,
    Closed,
    /// Its key is about to be destroyed.
    Condemned,
    Destroyed,
}

#[derive(Clone, Debug, PartialEq)]
pub struct EpochRecord {
    pub epoch: u32,
    pub state: EpochState,
    /// Keeps the key that wraps the epoch's.
    pub provider: KeyProvider,
    pub opened_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub destroyed_at: Option<Timestamp>,
}

/// How far a rotation is.
#[derive(Clone, Debug, PartialEq)]
pub struct RotationStatus {
    pub pass: &'static str,
    pub pages_done: u64,
    pub pages_total: u64,
    /// Some process is at it.
    pub held: bool,
    /// What keeps the old key alive once all is wrapped again.
    pub obstacles: Vec<Obstacle>,
}

impl Vault {
    /// All epochs that ever were, the oldest first.
    pub async fn epochs(&self) -> Result<Vec<EpochRecord>, VaultError> {
        Ok(epochs(self).await?.iter().map(EpochRow::record).collect())
    }

    /// `None` when no rotation is under way.
    pub async fn rotation(&self, policy: &RotationPolicy) -> Result<Option<RotationStatus>, VaultError> {
        let client = self.keyring().pool.get().await?;
        let row = client.query_one("SELECT holder, expires_at_us, pass, done, total FROM keyring.rotation", &[]).await?;
        drop(client);
        let Some(pass) = row.get::<_, Option<i16>>("pass").and_then(Pass::from_number) else { return Ok(None) };
        let held =
            row.get::<_, Option<Uuid>>("holder").is_some() && row.get::<_, i64>("expires_at_us") > self.keyring().clock.now().micros();
        let pages = |name: &str| u64::try_from(row.get::<_, i64>(name)).unwrap_or(0);
        let obstacles = if pass == Pass::Gate { condemn::obstacles(self, policy).await? } else { vec![] };
        Ok(Some(RotationStatus { pass: pass.name(), pages_done: pages("done"), pages_total: pages("total"), held, obstacles }))
    }

    /// What keeps the provider of the next epoch, and those of the epochs that are not destroyed yet, from doing their part.
    pub async fn provider_obstacles(&self) -> Result<Vec<Obstacle>, VaultError> {
        let rows = epochs(self).await?;
        let needed = rows.iter().filter(|row| row.state != DESTROYED).map(|row| row.key.provider);
        let providers = self.keyring().providers.clone();
        let needed: BTreeSet<KeyProvider> = needed.chain([providers.current()]).collect();
        blocking(move || {
            let faults = needed.into_iter().filter_map(|provider| providers.ping(provider).err());
            faults.map(|error| Obstacle::of(&error).ok_or(error)).collect()
        })
        .await
    }

    /// The newest epoch that may ever have wrapped one of these destroyed keys: when its key is destroyed, no copy of anything opens them. `None`: none of
    /// them was ever here.
    pub async fn newest_epoch_of(&self, destroyed: &[KeyId]) -> Result<Option<u32>, VaultError> {
        let ids: Vec<Uuid> = destroyed.iter().map(|key| key.0).collect();
        let row = self.keyring().pool.get().await?.query_one(NEWEST, &[&ids]).await?;
        Ok(row.get::<_, Option<i32>>(0).map(number))
    }
}

impl Vault {
    /// How long the keys of all epochs up to this one have been destroyed, by the database's clock; `None` while one of them is not.
    pub async fn epochs_gone_for(&self, epoch: u32) -> Result<Option<Duration>, VaultError> {
        let row = self.keyring().pool.get().await?.query_one(GONE, &[&epoch.cast_signed(), &DESTROYED]).await?;
        let now = self.keyring().clock.database_time(Timestamp::from_micros(row.get("now_us")));
        let last: Option<i64> = row.get("destroyed_at_us");
        Ok(last.filter(|_| row.get("all_destroyed")).map(|last| now.since(Timestamp::from_micros(last))))
    }
}

pub(super) async fn epochs(vault: &Vault) -> Result<Vec<EpochRow>, VaultError> {
    let rows = vault.keyring().pool.get().await?.query(EPOCHS, &[]).await?;
    rows.iter().map(EpochRow::read).collect()
}

impl EpochRow {
    fn read(row: &Row) -> Result<Self, VaultError> {
        let time = |name: &str| row.get::<_, Option<i64>>(name).map(Timestamp::from_micros);
        let key = ProviderKey { provider: provider::from_number(row.get("provider"))?, name: row.get("provider_key") };
        Ok(Self {
            epoch: row.get("epoch"),
            state: row.get("state"),
            key,
            opened_at: Timestamp::from_micros(row.get("opened_at_us")),
            closed_at: time("closed_at_us"),
            destroyed_at: time("destroyed_at_us"),
        })
    }

    fn record(&self) -> EpochRecord {
        let state = match self.state {
            BEING_MADE => EpochState::BeingMade,
            OPEN => EpochState::Open,
            CLOSED => EpochState::Closed,
            CONDEMNED => EpochState::Condemned,
            DESTROYED => EpochState::Destroyed,
            other => unreachable!("the table's check leaves no state {other}"),
        };
        let Self { opened_at, closed_at, destroyed_at, .. } = *self;
        EpochRecord { epoch: number(self.epoch), state, provider: self.key.provider, opened_at, closed_at, destroyed_at }
    }
}
