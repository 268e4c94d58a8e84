//! Epoch keys: everything else in the keyring is wrapped under one.

use crate::canonical::canonical;
use crate::cipher::{Refused, SealingKey, decrypt_block, derive, encrypt_block, unwrap, wrap};
use crate::error::VaultError;
use crate::provider::{self, NotUnwrapped, ProviderKey, Providers};
use crate::secret::Secret;
use domain::OrganizationId;
use tokio_postgres::Row;

/// An epoch key, ready for use.
pub(crate) struct EpochKey {
    pub(crate) epoch: i32,
    secret: Secret,
    sealing: SealingKey,
}

/// What the epoch's row keeps of a new key.
pub(crate) struct WrappedEpochKey {
    pub(crate) wrapped: Vec<u8>,
    pub(crate) check_value: [u8; 16],
}

impl EpochKey {
    /// A new key of an epoch, wrapped by the provider's key of its own. Blocks.
    pub(crate) fn make(epoch: i32, key: ProviderKey, providers: &Providers) -> Result<WrappedEpochKey, VaultError> {
        providers.create(key)?;
        let made = Self::wrap_new(epoch, key, providers);
        if made.is_err() {
            // No row names it, so nobody else would. That this can fail too is why a row of a planned epoch names its key beforehand.
            drop(providers.destroy(key));
        }
        made
    }

    fn wrap_new(epoch: i32, key: ProviderKey, providers: &Providers) -> Result<WrappedEpochKey, VaultError> {
        let (secret, aad) = (Secret::random(), epoch_aad(epoch, key));
        let wrapped = providers.wrap(key, &aad, &secret).map_err(|reason| not_unwrapped(epoch, reason))?;
        // Read back: nothing is to hang on a key that the provider cannot use again.
        let read = providers.unwrap(key, &aad, &wrapped).map_err(|reason| not_unwrapped(epoch, reason))?;
        let values = (check_value(epoch, &secret), check_value(epoch, &read));
        if values.0 == values.1 { Ok(WrappedEpochKey { wrapped, check_value: values.0 }) } else { Err(VaultError::EpochKeyWrong(epoch)) }
    }

    /// From a row of `keyring.epoch`, by way of the provider. Blocks.
    pub(crate) fn read(providers: &Providers, row: &Row) -> Result<Self, VaultError> {
        let epoch: i32 = row.get("epoch");
        let key = ProviderKey { provider: provider::from_number(row.get("provider"))?, name: row.get("provider_key") };
        let unwrapped = providers.unwrap(key, &epoch_aad(epoch, key), row.get("wrapped"));
        let secret = unwrapped.map_err(|reason| not_unwrapped(epoch, reason))?;
        if check_value(epoch, &secret).as_slice() != row.get::<_, &[u8]>("check_value") {
            return Err(VaultError::EpochKeyWrong(epoch));
        }
        let sealing = SealingKey::new(secret.bytes());
        Ok(Self { epoch, secret, sealing })
    }

    pub(crate) fn wrap(&self, aad: &[u8], key: &Secret) -> Vec<u8> {
        wrap(&self.sealing, aad, key)
    }

    pub(crate) fn unwrap(&self, aad: &[u8], wrapped: &[u8]) -> Result<Secret, Refused> {
        unwrap(&self.sealing, aad, wrapped)
    }

    /// What the look-up table holds for an address whose HMAC begins with `mac`. Another epoch's value cannot be compared with it.
    pub(crate) fn lookup_value(&self, organization: OrganizationId, mac: [u8; 16]) -> [u8; 16] {
        encrypt_block(&self.lookup_key(organization), mac)
    }

    /// The beginning of the HMAC behind a look-up value.
    pub(crate) fn lookup_mac(&self, organization: OrganizationId, value: [u8; 16]) -> [u8; 16] {
        decrypt_block(&self.lookup_key(organization), value)
    }

    fn lookup_key(&self, organization: OrganizationId) -> Secret {
        derive(b"", self.secret.bytes(), &[b"lethemail lookup v1", organization.0.as_bytes()])
    }
}

fn epoch_aad(epoch: i32, key: ProviderKey) -> Vec<u8> {
    canonical(&[b"lethemail epoch v1", &epoch.to_be_bytes(), &provider::number(key.provider).to_be_bytes(), key.name.as_bytes()])
}

fn not_unwrapped(epoch: i32, reason: NotUnwrapped) -> VaultError {
    match reason {
        NotUnwrapped::Missing => VaultError::EpochKeyMissing(epoch),
        NotUnwrapped::Refused => VaultError::EpochKeyWrong(epoch),
        NotUnwrapped::Fault(error) => error,
    }
}

/// Tells the right key from a wrong one, and nothing else about it.
fn check_value(epoch: i32, secret: &Secret) -> [u8; 16] {
    let derived = derive(b"", secret.bytes(), &[b"lethemail check v1", &epoch.to_be_bytes()]);
    *derived.bytes().first_chunk().expect("a derived key is longer than 16 bytes")
}
