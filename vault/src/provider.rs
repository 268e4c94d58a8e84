//! Providers: each keeps keys that wrap an epoch's key, one key an epoch, and destroys them. Some never give a key out, so what is asked of all of them is
//! to wrap and to unwrap. An epoch's row names the provider that wrapped it: an installation changes its provider with the next epoch, and the older one
//! stays readable while both are configured.
//!
//! Everything here may block.

#[cfg(test)]
mod contract;
mod examine;
mod key_file;
#[cfg(test)]
pub(crate) mod parsers;
mod pkcs11;
mod sealed_file;
mod settings;
mod transit;

use crate::cipher::Refused;
use crate::error::VaultError;
use crate::key_directory::KeyDirectory;
use crate::secret::Secret;
use domain::KeyProvider;
pub use examine::{Finding, LivingKey, examine};
use pkcs11::Pkcs11Keys;
use sealed_file::SealedFiles;
pub use settings::{Passphrase, ProviderSettings, TokenSettings, TransitSettings};
use std::sync::Arc;
use transit::TransitKeys;
use uuid::Uuid;

/// One of a provider's keys, as an epoch's row names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProviderKey {
    pub(crate) provider: KeyProvider,
    pub(crate) name: Uuid,
}

/// Why a provider does not unwrap.
#[derive(Debug)]
pub(crate) enum NotUnwrapped {
    /// It has no such key.
    Missing,
    /// The key does not open it: it was changed, or it belongs elsewhere.
    Refused,
    Fault(VaultError),
}

enum Provider {
    SealedFile(SealedFiles),
    Pkcs11(Pkcs11Keys),
    Transit(TransitKeys),
}

/// The providers that are configured. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Providers(Arc<Configured>);

struct Configured {
    /// Wraps the next epoch's key.
    current: KeyProvider,
    providers: Vec<(KeyProvider, Provider)>,
}

impl Providers {
    pub(crate) fn new(settings: ProviderSettings, directory: &KeyDirectory) -> Self {
        let ProviderSettings { current, passphrases, token, transit } = settings;
        let mut providers = vec![(KeyProvider::SealedFile, Provider::SealedFile(SealedFiles::plain(directory.clone())))];
        if !passphrases.is_empty() {
            let sealed = SealedFiles::with_passphrase(directory.clone(), passphrases);
            providers.push((KeyProvider::PassphraseFile, Provider::SealedFile(sealed)));
        }
        providers.extend(token.map(|token| (KeyProvider::Pkcs11, Provider::Pkcs11(Pkcs11Keys::new(token)))));
        providers.extend(transit.map(|transit| (KeyProvider::Transit, Provider::Transit(TransitKeys::new(transit)))));
        Self(Arc::new(Configured { current, providers }))
    }

    pub(crate) fn current(&self) -> KeyProvider {
        self.0.current
    }

    /// A name for a new key of the current provider. Nothing is made yet.
    pub(crate) fn name_key(&self) -> ProviderKey {
        ProviderKey { provider: self.0.current, name: Uuid::from_bytes(crate::cipher::random()) }
    }

    /// Whether the provider answers, and lets us do what will be asked of it.
    pub(crate) fn ping(&self, provider: KeyProvider) -> Result<(), VaultError> {
        match self.get(provider)? {
            Provider::SealedFile(files) => files.ping(),
            Provider::Pkcs11(keys) => keys.ping(),
            Provider::Transit(keys) => keys.ping(),
        }
    }

    /// Makes the key, durably. It must not exist.
    pub(crate) fn create(&self, key: ProviderKey) -> Result<(), VaultError> {
        match self.get(key.provider)? {
            Provider::SealedFile(files) => files.create(key.name),
            Provider::Pkcs11(keys) => keys.create(key.name),
            Provider::Transit(keys) => keys.create(key.name),
        }
    }

    pub(crate) fn wrap(&self, key: ProviderKey, aad: &[u8], secret: &Secret) -> Result<Vec<u8>, NotUnwrapped> {
        match self.get(key.provider)? {
            Provider::SealedFile(files) => files.wrap(key.name, aad, secret),
            Provider::Pkcs11(keys) => keys.wrap(key.name, aad, secret),
            Provider::Transit(keys) => keys.wrap(key.name, aad, secret),
        }
    }

    pub(crate) fn unwrap(&self, key: ProviderKey, aad: &[u8], wrapped: &[u8]) -> Result<Secret, NotUnwrapped> {
        match self.get(key.provider)? {
            Provider::SealedFile(files) => files.unwrap(key.name, aad, wrapped),
            Provider::Pkcs11(keys) => keys.unwrap(key.name, aad, wrapped),
            Provider::Transit(keys) => keys.unwrap(key.name, aad, wrapped),
        }
    }

    /// Destroys the key in the provider. Repeating it changes nothing.
    pub(crate) fn destroy(&self, key: ProviderKey) -> Result<(), VaultError> {
        match self.get(key.provider)? {
            Provider::SealedFile(files) => files.destroy(key.name)?,
            Provider::Pkcs11(keys) => keys.destroy(key.name)?,
            Provider::Transit(keys) => keys.destroy(key.name)?,
        }
        // What a provider says it did is looked up before anybody certifies it.
        if self.is_gone(key)? { Ok(()) } else { Err(VaultError::refused(key.provider, "the key is still there after its destruction")) }
    }

    /// Fails when the key of a living epoch is not there. Settings that lead to another server, mount, token or directory would otherwise make every key look
    /// destroyed.
    pub(crate) fn expect(&self, key: ProviderKey) -> Result<(), VaultError> {
        let elsewhere = "it does not hold the key of a living epoch: is it another server, mount, token or directory than before?";
        if self.is_gone(key)? { Err(VaultError::refused(key.provider, elsewhere)) } else { Ok(()) }
    }

    pub(crate) fn is_gone(&self, key: ProviderKey) -> Result<bool, VaultError> {
        self.get(key.provider)?.is_gone(key.name)
    }

    fn get(&self, wanted: KeyProvider) -> Result<&Provider, VaultError> {
        let found = self.0.providers.iter().find(|(provider, _)| *provider == wanted);
        found.map(|(_, provider)| provider).ok_or(VaultError::ProviderNotConfigured(wanted))
    }
}

impl Provider {
    fn is_gone(&self, name: Uuid) -> Result<bool, VaultError> {
        match self {
            Provider::SealedFile(files) => files.is_gone(name),
            Provider::Pkcs11(keys) => keys.is_gone(name),
            Provider::Transit(keys) => keys.is_gone(name),
        }
    }
}

/// `keyring.epoch.provider`.
pub(crate) fn number(provider: KeyProvider) -> i16 {
    match provider {
        KeyProvider::SealedFile => 1,
        KeyProvider::PassphraseFile => 2,
        KeyProvider::Pkcs11 => 3,
        KeyProvider::Transit => 4,
    }
}

pub(crate) fn from_number(wanted: i16) -> Result<KeyProvider, VaultError> {
    let found = KeyProvider::ALL.iter().find(|provider| number(**provider) == wanted);
    found.copied().ok_or(VaultError::UnknownProvider(wanted))
}

impl From<VaultError> for NotUnwrapped {
    fn from(error: VaultError) -> Self {
        Self::Fault(error)
    }
}

impl From<Refused> for NotUnwrapped {
    fn from(_: Refused) -> Self {
        Self::Refused
    }
}
