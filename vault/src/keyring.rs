//! The keyring's rows: one statement a batch, whatever the batch's size.

pub(crate) mod addresses;
pub(crate) mod buckets;
pub(crate) mod load;
pub(crate) mod names;
mod rows;

use crate::epochs::{Epochs, KnownEpochs};
use crate::error::VaultError;
use crate::key_cache::KeyCache;
use crate::key_directory::KeyDirectory;
use crate::provider::Providers;
use deadpool_postgres::{Client, Pool};
use domain::{Clock, KeyId};
pub(crate) use rows::{BucketKey, SubjectKey};
use std::sync::Arc;
use tokio_postgres::Row;

/// What all requests share.
pub(crate) struct Keyring {
    pub(crate) pool: Pool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) directory: KeyDirectory,
    pub(crate) providers: Providers,
    pub(crate) epochs: KnownEpochs,
    pub(crate) cache: KeyCache,
}

impl Keyring {
    pub(crate) fn epochs(&self) -> Arc<Epochs> {
        self.epochs.current()
    }

    /// The epochs as they are now, for whoever found that those in `seen` are not.
    pub(crate) async fn renew_epochs(&self, client: &Client, seen: &Arc<Epochs>) -> Result<Arc<Epochs>, VaultError> {
        self.epochs.renew(client, &self.providers, seen).await
    }

    /// Epochs that can unwrap all these rows. `None`: some were wrapped again after they were read, and must be read once more.
    async fn epochs_of(&self, client: &Client, rows: &[Row]) -> Result<Option<Arc<Epochs>>, VaultError> {
        let known = |epochs: &Epochs| {
            let wrapped = |row: &&Row| row.get::<_, Option<&[u8]>>("wrapped").is_some();
            rows.iter().filter(wrapped).all(|row| epochs.get(row.get("epoch")).is_ok())
        };
        let epochs = self.epochs();
        if known(&epochs) {
            return Ok(Some(epochs));
        }
        let epochs = self.renew_epochs(client, &epochs).await?;
        Ok(known(&epochs).then_some(epochs))
    }
}

/// What became of a key.
#[derive(Clone)]
pub(crate) enum KeyState {
    Subject(Arc<SubjectKey>),
    Bucket(Arc<BucketKey>),
    Destroyed,
}

impl From<SubjectKey> for KeyState {
    fn from(key: SubjectKey) -> Self {
        Self::Subject(Arc::new(key))
    }
}

impl From<BucketKey> for KeyState {
    fn from(key: BucketKey) -> Self {
        Self::Bucket(Arc::new(key))
    }
}

fn new_key_id() -> KeyId {
    KeyId(uuid::Builder::from_random_bytes(crate::cipher::random()).into_uuid())
}
