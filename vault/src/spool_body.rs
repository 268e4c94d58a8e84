//! Bodies waiting in the spool: a random key each, wrapped under the epoch key and kept in the same row, so that delivering needs no other key.

use crate::canonical::canonical;
use crate::cipher::{SealingKey, VERSION};
use crate::error::VaultError;
use crate::secret::Secret;
use crate::vault::Vault;
use domain::OrganizationId;
use uuid::Uuid;
use zeroize::Zeroizing;

/// What a spool row holds.
#[derive(Clone, PartialEq)]
pub struct SealedBody {
    /// The epoch whose key wraps this body's.
    pub epoch: i32,
    pub wrapped_key: Vec<u8>,
    /// Nonce ‖ AES-256-GCM ciphertext ‖ tag.
    pub ciphertext: Vec<u8>,
}

impl Vault {
    /// Seals a body for the spool entry `entry`. Needs no database.
    pub fn wrap_body(&self, entry: Uuid, organization: OrganizationId, plaintext: &[u8]) -> SealedBody {
        let epoch = self.keyring().epochs.open();
        let key = Secret::random();
        let mut ciphertext = Vec::with_capacity(plaintext.len() + 32);
        SealingKey::new(key.bytes()).seal(&body_aad(entry, organization), plaintext, &mut ciphertext);
        SealedBody { epoch: epoch.epoch, wrapped_key: epoch.wrap(&key_aad(entry, organization, epoch.epoch), &key), ciphertext }
    }

    pub fn open_body(&self, entry: Uuid, organization: OrganizationId, body: &SealedBody) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let epoch = self.keyring().epochs.get(body.epoch)?;
        let key = epoch.unwrap(&key_aad(entry, organization, epoch.epoch), &body.wrapped_key).map_err(|_| VaultError::BodyRefused)?;
        SealingKey::new(key.bytes()).open(&body_aad(entry, organization), &body.ciphertext).map_err(|_| VaultError::BodyRefused)
    }
}

fn key_aad(entry: Uuid, organization: OrganizationId, epoch: i32) -> Vec<u8> {
    canonical(&[b"lethemail spool key v1", entry.as_bytes(), organization.0.as_bytes(), &epoch.to_be_bytes()])
}

/// Without the epoch: a later epoch wraps the key again and leaves the body as it is.
fn body_aad(entry: Uuid, organization: OrganizationId) -> Vec<u8> {
    canonical(&[b"lethemail spool body", &[VERSION], entry.as_bytes(), organization.0.as_bytes()])
}
