//! What `lethemail doctor` asks of a provider: whether it keeps the dates that certificates promise.

use super::{Configured, Provider, ProviderKey, ProviderSettings, Providers, from_number};
use crate::error::VaultError;
use crate::key_directory::KeyDirectory;
use crate::vault::blocking;
use domain::KeyProvider;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    Well(String),
    /// Breaks what certificates promise, or will; the text says what to set.
    Wrong(String),
}

/// A key that is not destroyed, as its row in `keyring.epoch` names it.
#[derive(Clone, Copy, Debug)]
pub struct LivingKey {
    pub epoch: i32,
    pub provider: i16,
    pub name: Uuid,
}

/// Looks at the provider of the next epoch and at those of the living keys, and changes nothing. `needed_for` is how long from now the next rotation may
/// take to its end. One answer a provider; an error is one that does not answer.
pub async fn examine(
    settings: ProviderSettings,
    key_dir: &Path,
    living: Vec<LivingKey>,
    needed_for: Duration,
) -> Result<Vec<(KeyProvider, Result<Vec<Finding>, VaultError>)>, VaultError> {
    let providers = Providers::new(settings, &KeyDirectory::unopened(key_dir));
    blocking(move || {
        let keys = living.iter().map(|key| Ok(ProviderKey { provider: from_number(key.provider)?, name: key.name }));
        let keys = keys.collect::<Result<Vec<_>, VaultError>>()?;
        let needed: BTreeSet<KeyProvider> = keys.iter().map(|key| key.provider).chain([providers.current()]).collect();
        let of = |provider| keys.iter().filter(move |key| key.provider == provider).map(|key| key.name).collect::<Vec<Uuid>>();
        Ok(needed.into_iter().map(|provider| (provider, providers.0.examine(provider, &of(provider), needed_for))).collect())
    })
    .await
}

impl Configured {
    pub(super) fn examine(&self, provider: KeyProvider, living: &[Uuid], needed_for: Duration) -> Result<Vec<Finding>, VaultError> {
        let found = self.providers.iter().find(|(known, _)| *known == provider).ok_or(VaultError::ProviderNotConfigured(provider))?;
        let mut findings = match &found.1 {
            // The directory itself is looked at elsewhere.
            Provider::SealedFile(_) => vec![],
            Provider::Pkcs11(keys) => keys.examine(living)?,
            Provider::Transit(keys) => keys.examine(living, needed_for)?,
        };
        for name in living {
            if found.1.is_gone(*name)? {
                findings
                    .push(Finding::Wrong(format!("the key {name} of a living epoch is not there: nothing that it wraps can be opened")));
            }
        }
        Ok(findings)
    }
}
