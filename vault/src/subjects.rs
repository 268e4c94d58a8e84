//! Keys of named subjects.

use crate::epochs;
use crate::error::VaultError;
use crate::key_cache::Known;
use crate::key_name::{KeyName, Subject, class_from_number};
use crate::keyring::names::NameRequest;
use crate::keyring::{KeyState, SubjectKey};
use crate::vault::Vault;
use domain::{Class, KeyId, OrganizationId};
use std::sync::Arc;
use tokio_postgres::Row;

/// A living key, as an erasure lists it before destroying it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedKey {
    pub id: KeyId,
    pub class: Class,
    /// The newest epoch that wrapped it: when that epoch's key is destroyed, the key is gone everywhere.
    pub epoch: i32,
}

impl Vault {
    /// The keys of these subjects, made when they are missing. The same name gives the same key to whoever asks.
    pub async fn keys(&self, names: &[KeyName]) -> Result<Vec<KeyId>, VaultError> {
        let found = self.named(names, true).await?;
        found.into_iter().map(|id| id.ok_or(VaultError::Contended)).collect()
    }

    pub async fn find_keys(&self, names: &[KeyName]) -> Result<Vec<Option<KeyId>>, VaultError> {
        self.named(names, false).await
    }

    async fn named(&self, names: &[KeyName], create: bool) -> Result<Vec<Option<KeyId>>, VaultError> {
        let mut found: Vec<Option<KeyId>> = names.iter().map(|name| self.keyring().cache.find(&Known::Name(*name))).collect();
        let missing = names.iter().zip(&found).filter(|(_, id)| id.is_none()).map(|(name, _)| NameRequest { name: *name, create });
        let mut fetched = self.shared.names.request(missing.collect()).await?.into_iter();
        for id in found.iter_mut().filter(|id| id.is_none()) {
            *id = fetched.next().expect("every missing name was fetched")?;
        }
        Ok(found)
    }

    /// Whose key this is; `None` once it is destroyed.
    pub async fn subject_of(&self, key: KeyId) -> Result<Option<(OrganizationId, Subject)>, VaultError> {
        Ok(self.living_subject(key).await?.map(|key| (key.name.organization, key.name.subject)))
    }

    pub(crate) async fn living_subject(&self, key: KeyId) -> Result<Option<Arc<SubjectKey>>, VaultError> {
        match self.key_states(&[key]).await?.pop().expect("one id has one answer")? {
            KeyState::Subject(subject) => Ok(Some(subject)),
            KeyState::Destroyed => Ok(None),
            KeyState::Bucket(_) => Err(VaultError::KeyMisused(key)),
        }
    }

    /// All living keys of one subject, over classes and generations.
    pub async fn keys_of(&self, organization: OrganizationId, subject: Subject) -> Result<Vec<ListedKey>, VaultError> {
        let (kind, id, _) = subject.columns();
        let client = self.keyring().pool.get().await?;
        let select =
            "SELECT id, class, epoch FROM keyring.key WHERE organization = $1 AND subject = $2 AND kind = $3 ORDER BY class, generation";
        client.query(select, &[&organization.0, &id, &kind]).await?.iter().map(listed).collect()
    }

    /// From now on these subjects get no key of these classes; the keys that exist stay until they are destroyed. When this returns, no creation
    /// that had not seen the fence is still under way, so a list of the subject's keys made afterwards is complete.
    ///
    /// Recipients need no fence: their subjects are random, drawn together with their keys and known to nobody; an address that is mailed again after
    /// its key was destroyed gets another subject. A fence names a subject but no key, so envelopes under keys that live on stay nameless.
    pub async fn fence(&self, names: &[KeyName]) -> Result<(), VaultError> {
        let now = self.keyring().clock.now().to_datetime();
        let mut client = self.keyring().pool.get().await?;
        let transaction = client.transaction().await?;
        // Waits for creators, who share this row while they look for fences, and holds up new ones until the fences stand.
        epochs::hold_open(&transaction, "FOR UPDATE").await?;
        let insert =
            "INSERT INTO keyring.fence (organization, kind, subject, class, fenced_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
        for name in names {
            let (kind, subject, _) = name.subject.columns();
            transaction.execute(insert, &[&name.organization.0, &kind, &subject, &name.class.number(), &now]).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// From a row with id, class and epoch.
pub(crate) fn listed(row: &Row) -> Result<ListedKey, VaultError> {
    let id = KeyId(row.get("id"));
    let class = class_from_number(row.get("class")).ok_or(VaultError::RowTampered(id))?;
    Ok(ListedKey { id, class, epoch: row.get("epoch") })
}
