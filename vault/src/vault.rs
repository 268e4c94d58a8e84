//! The vault as others hold it.

use crate::batching::Batching;
use crate::epochs::KnownEpochs;
use crate::error::VaultError;
use crate::key_cache::{KeyCache, LEASE};
use crate::key_directory::KeyDirectory;
use crate::keyring::addresses::{AddressRequest, addresses};
use crate::keyring::buckets::{BucketAnswer, BucketRequest, buckets};
use crate::keyring::load::load;
use crate::keyring::names::{NameRequest, names};
use crate::keyring::{KeyState, Keyring};
use crate::password::PasswordHashing;
use crate::provider::{ProviderSettings, Providers};
use deadpool_postgres::Pool;
use domain::{Clock, KeyId};
use std::path::PathBuf;
use std::sync::{Arc, Weak};

pub struct VaultConfig {
    /// Connections that act as the role `lethemail_vault`.
    pub pool: Pool,
    /// Where the sealed files and the anchor are. Made with mode 0700 when missing.
    pub key_dir: PathBuf,
    /// What keeps the epochs' wrapping keys.
    pub providers: ProviderSettings,
    /// The database's own directory, when this program runs it: the keys must not lie in it.
    pub data_dir: Option<PathBuf>,
    pub clock: Arc<dyn Clock>,
    /// How many keys, and how many names of keys, are kept in memory.
    pub cache_keys_max: u64,
}

/// Holds the keys of one process. Cheap to clone.
#[derive(Clone)]
pub struct Vault {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) keyring: Arc<Keyring>,
    pub(crate) names: Batching<NameRequest, Result<Option<KeyId>, VaultError>>,
    pub(crate) addresses: Batching<AddressRequest, Option<KeyId>>,
    pub(crate) buckets: Batching<BucketRequest, BucketAnswer>,
    pub(crate) loads: Batching<KeyId, Result<KeyState, VaultError>>,
    pub(crate) passwords: PasswordHashing,
}

impl Vault {
    /// Opens the keyring. The first start of all makes the first epoch; every start deletes again what the anchor names.
    pub async fn start(config: VaultConfig) -> Result<Self, VaultError> {
        let VaultConfig { pool, key_dir, providers, data_dir, clock, cache_keys_max } = config;
        let directory = blocking(move || KeyDirectory::open(&key_dir, data_dir.as_deref())).await?;
        let providers = Providers::new(providers, &directory);
        // Also when no living epoch needs it yet: a slip in its settings shows now, and not when the next epoch is due.
        let current = providers.clone();
        blocking(move || current.ping(current.current())).await?;
        let epochs = KnownEpochs::load(&pool, &providers, clock.now()).await?;
        let cache = KeyCache::new(clock.clone(), cache_keys_max);
        let keyring = Arc::new(Keyring { pool, clock, directory, providers, epochs, cache });
        crate::destroy::apply_anchor(&keyring).await?;
        tokio::spawn(end_leases(Arc::downgrade(&keyring), keyring.clock.clone()));
        let shared = Shared {
            names: Batching::spawn(with(&keyring, |keyring, batch| async move { names(&keyring, batch).await })),
            addresses: Batching::spawn(with(&keyring, |keyring, batch| async move { addresses(&keyring, batch).await })),
            buckets: Batching::spawn(with(&keyring, |keyring, batch| async move { buckets(&keyring, batch).await })),
            loads: Batching::spawn(with(&keyring, |keyring, batch| async move { load(&keyring, batch).await })),
            passwords: PasswordHashing::new(),
            keyring,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    pub(crate) fn keyring(&self) -> &Keyring {
        &self.shared.keyring
    }

    /// The states of keys, missing ones fetched in one statement. Each id has its own answer.
    pub(crate) async fn key_states(&self, ids: &[KeyId]) -> Result<Vec<Result<KeyState, VaultError>>, VaultError> {
        let mut states: Vec<_> = ids.iter().map(|id| self.keyring().cache.key(*id).map(Ok)).collect();
        let missing: Vec<KeyId> = ids.iter().zip(&states).filter(|(_, state)| state.is_none()).map(|(id, _)| *id).collect();
        let mut fetched = self.shared.loads.request(missing).await?.into_iter();
        states.iter_mut().filter(|state| state.is_none()).for_each(|state| *state = fetched.next());
        Ok(states.into_iter().map(|state| state.expect("every missing key was fetched")).collect())
    }
}

/// `run` with a keyring of its own.
fn with<I, F, R>(keyring: &Arc<Keyring>, run: R) -> impl Fn(Vec<I>) -> F + Send + Sync + use<I, F, R>
where
    R: Fn(Arc<Keyring>, Vec<I>) -> F + Send + Sync,
{
    let keyring = keyring.clone();
    move |batch| run(keyring.clone(), batch)
}

/// Runs file work where it may block.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, VaultError> + Send + 'static) -> Result<T, VaultError> {
    tokio::task::spawn_blocking(work).await.map_err(|_| VaultError::Stopped)?
}

/// Overwrites keys whose lease has ended, also when nobody asks for any.
async fn end_leases(keyring: Weak<Keyring>, clock: Arc<dyn Clock>) {
    loop {
        clock.sleep_until(clock.now() + LEASE).await;
        let Some(keyring) = keyring.upgrade() else { return };
        keyring.cache.drop_ended();
        // A closed epoch's key does not stay in an idle process either. Without a database it does, and opens nothing then.
        if let Ok(client) = keyring.pool.get().await {
            let epochs = keyring.epochs();
            drop(keyring.renew_epochs(&client, &epochs).await);
        }
    }
}
