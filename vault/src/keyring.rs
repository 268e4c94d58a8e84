//! The keyring's rows: one statement a batch, whatever the batch's size.

pub(crate) mod addresses;
pub(crate) mod buckets;
pub(crate) mod load;
pub(crate) mod names;
mod rows;

use crate::epoch::Epochs;
use crate::key_cache::KeyCache;
use crate::key_directory::KeyDirectory;
use deadpool_postgres::Pool;
use domain::{Clock, KeyId};
pub(crate) use rows::{BucketKey, SubjectKey};
use std::sync::Arc;

/// What all requests share.
pub(crate) struct Keyring {
    pub(crate) pool: Pool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) directory: KeyDirectory,
    pub(crate) epochs: Epochs,
    pub(crate) cache: KeyCache,
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
