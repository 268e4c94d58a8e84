//! How far the data under a key may be used, kept in the key's row and bound to the wrapped key, so that opening needs no further look.

use crate::epochs::hold_open;
use crate::error::VaultError;
use crate::keyring::{KeyState, SubjectKey};
use crate::vault::Vault;
use domain::{KeyId, ProcessingLimits};
use tokio_postgres::types::ToSql;
use uuid::Uuid;

// The lock on the row decides between this, wrapping it again and destroying it.
const READ: &str = "SELECT id, organization, kind, subject, generation, class, limits, epoch, wrapped FROM keyring.key
    WHERE id = ANY($1) AND limits <> $2 ORDER BY id FOR UPDATE";
const WRITE: &str = "UPDATE keyring.key k SET limits = $1, epoch = $2, wrapped = u.wrapped
    FROM unnest($3::uuid[], $4::bytea[]) AS u(id, wrapped) WHERE k.id = u.id";
const ATTEMPTS: usize = 5;

impl Vault {
    /// From now on the data under these keys opens for fewer purposes, or for more; in other processes within one lease. Destroyed keys are passed over.
    pub async fn limit(&self, keys: &[KeyId], limits: ProcessingLimits) -> Result<(), VaultError> {
        for _ in 0..ATTEMPTS {
            match self.try_limit(keys, limits).await? {
                Some(changed) if changed.is_empty() => return Ok(()),
                Some(changed) => {
                    self.keyring().cache.forget(&changed);
                    return Ok(());
                }
                None => {}
            }
        }
        Err(VaultError::Contended)
    }

    /// `None`: the key is destroyed.
    pub async fn limits_of(&self, keys: &[KeyId]) -> Result<Vec<Option<ProcessingLimits>>, VaultError> {
        let states = self.key_states(keys).await?.into_iter().zip(keys);
        let limits = states.map(|(state, key)| match state? {
            KeyState::Subject(subject) => Ok(Some(subject.limits)),
            KeyState::Destroyed => Ok(None),
            KeyState::Bucket(_) => Err(VaultError::KeyMisused(*key)),
        });
        limits.collect()
    }

    /// The keys whose rows were changed. `None`: the epochs are others now.
    async fn try_limit(&self, keys: &[KeyId], limits: ProcessingLimits) -> Result<Option<Vec<KeyId>>, VaultError> {
        let keyring = self.keyring();
        let mut client = keyring.pool.get().await?;
        let known = keyring.epochs();
        let transaction = client.transaction().await?;
        let open = hold_open(&transaction, "FOR SHARE").await?;
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let rows = transaction.query(READ, &[&ids, &limits.number()]).await?;
        if known.open().epoch != open || rows.iter().any(|row| known.get(row.get("epoch")).is_err()) {
            drop(transaction);
            keyring.renew_epochs(&client, &known).await?;
            return Ok(None);
        }
        let mut changed: Vec<Uuid> = Vec::with_capacity(rows.len());
        let mut wrapped = Vec::with_capacity(rows.len());
        for row in &rows {
            let key = SubjectKey { limits, ..SubjectKey::from_row(row, &known)? };
            changed.push(key.id.0);
            wrapped.push(key.wrap(known.open()));
        }
        let values: [&(dyn ToSql + Sync); 4] = [&limits.number(), &open, &changed, &wrapped];
        transaction.execute(WRITE, &values).await?;
        transaction.commit().await?;
        Ok(Some(changed.into_iter().map(KeyId).collect()))
    }
}
