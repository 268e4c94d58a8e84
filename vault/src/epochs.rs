//! The living epochs as this process knows them. Others open and close epochs meanwhile, so what is known here may be old; the rows decide, and a
//! process that meets an epoch it does not know, or is refused a key in one that was closed, reads them again.

use crate::epoch::{EpochKey, WrappedEpochKey};
use crate::error::VaultError;
use crate::keyring::Keyring;
use crate::provider::{self, Providers};
use crate::vault::blocking;
use deadpool_postgres::{Client, Pool, Transaction};
use domain::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use tokio_postgres::Row;

/// `keyring.epoch.state`.
pub(crate) const BEING_MADE: i16 = 0;
pub(crate) const OPEN: i16 = 1;
pub(crate) const CLOSED: i16 = 2;
pub(crate) const DESTROYED: i16 = 3;
pub(crate) const CONDEMNED: i16 = 4;
/// Held while epochs are opened or closed.
pub(crate) const ROTATION_LOCK: i64 = 0x6c65_7468_726f_7461;
/// The first look-up table is made by the migration.
const FIRST: i32 = 1;

const LIVING: &str =
    "SELECT epoch, state, provider, provider_key, wrapped, check_value, lookup FROM keyring.epoch WHERE state IN (1, 2) ORDER BY epoch";

/// The living epochs at one moment.
pub(crate) struct Epochs {
    living: BTreeMap<i32, Arc<EpochKey>>,
    open: i32,
    deciding: i32,
}

impl Epochs {
    /// As if there were no other.
    pub(crate) fn of_one(key: Arc<EpochKey>) -> Self {
        let epoch = key.epoch;
        Self { living: BTreeMap::from([(epoch, key)]), open: epoch, deciding: epoch }
    }

    /// The epoch that new keys are wrapped under.
    pub(crate) fn open(&self) -> &EpochKey {
        &self.living[&self.open]
    }

    /// The epoch whose look-up table says whether an address is known.
    pub(crate) fn deciding(&self) -> &EpochKey {
        &self.living[&self.deciding]
    }

    pub(crate) fn get(&self, epoch: i32) -> Result<&EpochKey, VaultError> {
        self.living.get(&epoch).map(|key| &**key).ok_or(VaultError::UnknownEpoch(epoch))
    }
}

/// What this process knows, replaced as a whole.
pub(crate) struct KnownEpochs {
    current: RwLock<Arc<Epochs>>,
    /// One reads the rows, and the others take what he has read.
    reading: tokio::sync::Mutex<()>,
}

impl KnownEpochs {
    /// Reads the living epochs; at the very first start makes the first one. Of several processes that start at once, one makes it.
    pub(crate) async fn load(pool: &Pool, providers: &Providers, now: Timestamp) -> Result<Self, VaultError> {
        let mut client = pool.get().await?;
        let transaction = client.transaction().await?;
        transaction.query("SELECT pg_advisory_xact_lock($1)", &[&ROTATION_LOCK]).await?;
        if transaction.query(LIVING, &[]).await?.is_empty() {
            // The provider's key is durable before the row that needs it; a crash in between leaves a key that nothing names and nothing needs.
            let (key, beside) = (providers.name_key(), providers.clone());
            let WrappedEpochKey { wrapped, check_value } = blocking(move || EpochKey::make(FIRST, key, &beside)).await?;
            let insert = "INSERT INTO keyring.epoch (epoch, state, provider, provider_key, wrapped, check_value, opened_at)
                          VALUES ($1, $2, $3, $4, $5, $6, $7)";
            let opened_at = now.to_datetime();
            transaction
                .execute(
                    insert,
                    &[&FIRST, &OPEN, &provider::number(key.provider), &key.name, &wrapped, &check_value.as_slice(), &opened_at],
                )
                .await?;
        }
        let rows = transaction.query(LIVING, &[]).await?;
        transaction.commit().await?;
        let epochs = read(providers, &rows, None).await?;
        Ok(Self { current: RwLock::new(Arc::new(epochs)), reading: tokio::sync::Mutex::new(()) })
    }

    pub(crate) fn current(&self) -> Arc<Epochs> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the rows again, unless somebody has done so since `seen`. Keys of epochs that live no more are overwritten when their last user ends.
    pub(crate) async fn renew(&self, client: &Client, providers: &Providers, seen: &Arc<Epochs>) -> Result<Arc<Epochs>, VaultError> {
        let reading = self.reading.lock().await;
        let current = self.current();
        if !Arc::ptr_eq(&current, seen) {
            return Ok(current);
        }
        let rows = client.query(LIVING, &[]).await?;
        let renewed = Arc::new(read(providers, &rows, Some(current)).await?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = renewed.clone();
        drop(reading);
        Ok(renewed)
    }
}

/// Keys that are known already are not asked of the provider again.
async fn read(providers: &Providers, rows: &[Row], known: Option<Arc<Epochs>>) -> Result<Epochs, VaultError> {
    let mut living = BTreeMap::new();
    for row in rows {
        let epoch: i32 = row.get("epoch");
        let key = match known.as_ref().and_then(|known| known.living.get(&epoch)) {
            Some(key) => key.clone(),
            None => {
                let (providers, row) = (providers.clone(), row.clone());
                Arc::new(blocking(move || EpochKey::read(&providers, &row)).await?)
            }
        };
        living.insert(epoch, key);
    }
    let number = |row: &Row| row.get::<_, i32>("epoch");
    let open = rows.iter().find(|row| row.get::<_, i16>("state") == OPEN).map(number);
    let deciding = rows.iter().find(|row| row.get("lookup")).map(number);
    match (open, deciding) {
        (Some(open), Some(deciding)) => Ok(Epochs { living, open, deciding }),
        _ => Err(VaultError::UnknownEpoch(0)),
    }
}

/// A living epoch's key by way of its provider, whatever this process knows already.
pub(crate) async fn reread(keyring: &Keyring, epoch: i32) -> Result<EpochKey, VaultError> {
    let rows = keyring.pool.get().await?.query(LIVING, &[]).await?;
    let row = rows.into_iter().find(|row| row.get::<_, i32>("epoch") == epoch).ok_or(VaultError::UnknownEpoch(epoch))?;
    let providers = keyring.providers.clone();
    blocking(move || EpochKey::read(&providers, &row)).await
}

/// The open epoch, held open until the transaction ends. `lock` is `FOR SHARE`, or `FOR UPDATE` to be alone with it.
pub(crate) async fn hold_open(transaction: &Transaction<'_>, lock: &str) -> Result<i32, VaultError> {
    // Whoever waited for it while it was closed looks for the next one.
    for _ in 0..5 {
        let select = format!("SELECT epoch FROM keyring.epoch WHERE state = {OPEN} {lock}");
        if let Some(row) = transaction.query_opt(&select, &[]).await? {
            return Ok(row.get(0));
        }
    }
    Err(VaultError::Contended)
}
