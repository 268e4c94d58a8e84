//! Epoch keys: everything else in the keyring is wrapped under one.

use crate::canonical::canonical;
use crate::cipher::{Refused, SealingKey, decrypt_block, derive, encrypt_block, unwrap, wrap};
use crate::error::VaultError;
use crate::key_directory::KeyDirectory;
use crate::secret::Secret;
use domain::OrganizationId;
use tokio_postgres::Row;
use uuid::Uuid;

/// The provider that keeps its keys in files of the key directory.
pub(crate) const SEALED_FILE: i16 = 1;

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
    pub(crate) fn make(epoch: i32, provider_key: Uuid, directory: &KeyDirectory) -> Result<WrappedEpochKey, VaultError> {
        directory.create_key(provider_key)?;
        // Read back: nothing is to hang on a key that the provider cannot give again.
        let provider = directory.read_key(provider_key)?.ok_or(VaultError::EpochKeyMissing(epoch))?;
        let secret = Secret::random();
        let wrapped = wrap(&SealingKey::new(provider.bytes()), &epoch_aad(epoch, provider_key), &secret);
        Ok(WrappedEpochKey { wrapped, check_value: check_value(epoch, &secret) })
    }

    /// From a row of `keyring.epoch`, by way of the provider.
    pub(crate) fn read(directory: &KeyDirectory, row: &Row) -> Result<Self, VaultError> {
        let epoch: i32 = row.get("epoch");
        let provider_key: Uuid = row.get("provider_key");
        let provider = directory.read_key(provider_key)?.ok_or(VaultError::EpochKeyMissing(epoch))?;
        let unwrapped = unwrap(&SealingKey::new(provider.bytes()), &epoch_aad(epoch, provider_key), row.get("wrapped"));
        let secret = unwrapped.map_err(|_| VaultError::EpochKeyWrong(epoch))?;
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

fn epoch_aad(epoch: i32, provider_key: Uuid) -> Vec<u8> {
    canonical(&[b"lethemail epoch v1", &epoch.to_be_bytes(), &SEALED_FILE.to_be_bytes(), provider_key.as_bytes()])
}

/// Tells the right key from a wrong one, and nothing else about it.
fn check_value(epoch: i32, secret: &Secret) -> [u8; 16] {
    let derived = derive(b"", secret.bytes(), &[b"lethemail check v1", &epoch.to_be_bytes()]);
    *derived.bytes().first_chunk().expect("a derived key is longer than 16 bytes")
}
