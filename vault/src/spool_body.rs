//! Bodies waiting in the spool: a random key each, wrapped under the epoch key and kept in the same row, so that delivering needs no other key.

use crate::canonical::canonical;
use crate::cipher::{SealingKey, VERSION};
use crate::epoch::EpochKey;
use crate::error::VaultError;
use crate::open::allow;
use crate::secret::Secret;
use crate::vault::Vault;
use domain::{DataName, OrganizationId, Purpose};
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
        let epochs = self.keyring().epochs();
        let epoch = epochs.open();
        let key = Secret::random();
        let mut ciphertext = Vec::with_capacity(plaintext.len() + 32);
        SealingKey::new(key.bytes()).seal(&body_aad(entry, organization), plaintext, &mut ciphertext);
        SealedBody { epoch: epoch.epoch, wrapped_key: epoch.wrap(&key_aad(entry, organization, epoch.epoch), &key), ciphertext }
    }

    /// Wraps a body's key in the epoch that is open now: the one that the body was sealed in has been closed.
    pub async fn rewrap_body(&self, entry: Uuid, organization: OrganizationId, body: &mut SealedBody) -> Result<(), VaultError> {
        let mut epochs = self.keyring().epochs();
        let key = unwrap_key(epochs.get(body.epoch)?, entry, organization, &body.wrapped_key)?;
        if epochs.open().epoch == body.epoch {
            let client = self.keyring().pool.get().await?;
            epochs = self.keyring().renew_epochs(&client, &epochs).await?;
        }
        let epoch = epochs.open();
        (body.epoch, body.wrapped_key) = (epoch.epoch, epoch.wrap(&key_aad(entry, organization, epoch.epoch), &key));
        Ok(())
    }

    /// For a purpose that the data policy allows for texts. Asks the database only when another process has opened an epoch that this one does not know yet.
    pub async fn open_body(
        &self,
        purpose: Purpose,
        entry: Uuid,
        organization: OrganizationId,
        body: &SealedBody,
    ) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        allow(purpose, DataName::SpooledMail.entry())?;
        let mut epochs = self.keyring().epochs();
        if epochs.get(body.epoch).is_err() {
            let client = self.keyring().pool.get().await?;
            epochs = self.keyring().renew_epochs(&client, &epochs).await?;
        }
        let key = unwrap_key(epochs.get(body.epoch)?, entry, organization, &body.wrapped_key)?;
        SealingKey::new(key.bytes()).open(&body_aad(entry, organization), &body.ciphertext).map_err(|_| VaultError::BodyRefused)
    }
}

pub(crate) fn unwrap_key(epoch: &EpochKey, entry: Uuid, organization: OrganizationId, wrapped: &[u8]) -> Result<Secret, VaultError> {
    epoch.unwrap(&key_aad(entry, organization, epoch.epoch), wrapped).map_err(|_| VaultError::BodyRefused)
}

pub(crate) fn key_aad(entry: Uuid, organization: OrganizationId, epoch: i32) -> Vec<u8> {
    canonical(&[b"lethemail spool key v1", entry.as_bytes(), organization.0.as_bytes(), &epoch.to_be_bytes()])
}

/// Without the epoch: a later epoch wraps the key again and leaves the body as it is.
fn body_aad(entry: Uuid, organization: OrganizationId) -> Vec<u8> {
    canonical(&[b"lethemail spool body", &[VERSION], entry.as_bytes(), organization.0.as_bytes()])
}
