//! Keys of people who are known by an address. Addresses come in normalised; what that means is not decided here.

use crate::error::VaultError;
use crate::key_name::{KeyName, Subject};
use crate::keyring::SubjectKey;
use crate::keyring::addresses::{self, Address, AddressRequest};
use crate::subjects::{ListedKey, listed};
use crate::vault::Vault;
use domain::{Class, KeyId, OrganizationId, SubjectId};
use std::sync::Arc;

/// What came of registering a person under an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Registered {
    /// The address is this person's, now or since an earlier attempt.
    Created(KeyId),
    /// The address is somebody else's.
    Taken(KeyId),
}

const ATTEMPTS: usize = 5;

impl Vault {
    /// The keys of the people behind these addresses, made when missing. `Class::Suppress` has a look-up of its own: its keys cannot be told to belong
    /// to the same address as the others.
    pub async fn recipient_keys(
        &self,
        organization: OrganizationId,
        class: Class,
        normalised_addresses: &[&str],
    ) -> Result<Vec<KeyId>, VaultError> {
        let hmac_key = self.keys(&[hmac_key_name(organization, class)]).await?;
        let found = self.by_address(hmac_key[0], organization, class, normalised_addresses, true).await?;
        found.into_iter().map(|id| id.ok_or(VaultError::Contended)).collect()
    }

    pub async fn find_recipients(
        &self,
        organization: OrganizationId,
        class: Class,
        normalised_addresses: &[&str],
    ) -> Result<Vec<Option<KeyId>>, VaultError> {
        match self.find_keys(&[hmac_key_name(organization, class)]).await?[0] {
            Some(hmac_key) => self.by_address(hmac_key, organization, class, normalised_addresses, false).await,
            None => Ok(vec![None; normalised_addresses.len()]),
        }
    }

    pub async fn find_recipient(
        &self,
        organization: OrganizationId,
        class: Class,
        normalised_address: &str,
    ) -> Result<Option<KeyId>, VaultError> {
        Ok(self.find_recipients(organization, class, &[normalised_address]).await?.pop().flatten())
    }

    /// Found addresses are remembered for a lease. That an address is unknown is not: a suppression made elsewhere counts at once.
    async fn by_address(
        &self,
        hmac_key: KeyId,
        organization: OrganizationId,
        class: Class,
        normalised_addresses: &[&str],
        create: bool,
    ) -> Result<Vec<Option<KeyId>>, VaultError> {
        let hmac_key = self.living_subject(hmac_key).await?.ok_or(VaultError::Contended)?;
        let addresses: Vec<Address> = normalised_addresses.iter().map(|text| address(&hmac_key, organization, class, text)).collect();
        let cache = &self.keyring().cache;
        let mut found: Vec<Option<KeyId>> = addresses.iter().map(|address| cache.find(&addresses::known(address))).collect();
        let missing = addresses.iter().zip(&found).filter(|(_, id)| id.is_none());
        let missing = missing.map(|(address, _)| AddressRequest { address: *address, create }).collect();
        let mut fetched = self.shared.addresses.request(missing).await?.into_iter();
        found.iter_mut().filter(|id| id.is_none()).for_each(|id| *id = fetched.next().flatten());
        Ok(found)
    }

    /// Gives an address to one person for good. Repeating it with the same person changes nothing.
    pub async fn register_person(
        &self,
        organization: OrganizationId,
        class: Class,
        person: SubjectId,
        normalised_address: &str,
    ) -> Result<Registered, VaultError> {
        let hmac_key = self.keys(&[hmac_key_name(organization, class)]).await?[0];
        let hmac_key = self.living_subject(hmac_key).await?.ok_or(VaultError::Contended)?;
        let address = address(&hmac_key, organization, class, normalised_address);
        let name = KeyName { organization, subject: Subject::Person(person), class };
        for _ in 0..ATTEMPTS {
            let client = self.keyring().pool.get().await?;
            let found = addresses::find(self.keyring(), &client, &[address]).await?.remove(&address);
            if let Some(key) = found {
                drop(client);
                let Some(owner) = self.living_subject(key).await? else { continue };
                return Ok(if owner.name == name { Registered::Created(key) } else { Registered::Taken(key) });
            }
            let created = addresses::create(self.keyring(), &client, vec![(address, SubjectKey::new(name))]).await?;
            if let Some(key) = created.get(&address) {
                return Ok(Registered::Created(*key));
            }
        }
        Err(VaultError::Contended)
    }

    /// The living keys behind an address, over all classes but `Suppress`, whose keys an erasure leaves alive.
    pub async fn subject_keys_of(&self, organization: OrganizationId, normalised_address: &str) -> Result<Vec<ListedKey>, VaultError> {
        let Some(hmac_key) = self.find_keys(&[hmac_key_name(organization, Class::Ops)]).await?[0] else { return Ok(Vec::new()) };
        let Some(hmac_key) = self.living_subject(hmac_key).await? else { return Ok(Vec::new()) };
        let address = address(&hmac_key, organization, Class::Ops, normalised_address);
        let client = self.keyring().pool.get().await?;
        let rows = addresses::keys_behind(self.keyring(), &client, &address).await?;
        rows.iter().map(listed).collect()
    }
}

fn hmac_key_name(organization: OrganizationId, class: Class) -> KeyName {
    match class {
        Class::Suppress => KeyName { organization, subject: Subject::SuppressionKey, class },
        _ => KeyName { organization, subject: Subject::LookupKey, class: Class::Id },
    }
}

fn address(hmac_key: &Arc<SubjectKey>, organization: OrganizationId, class: Class, normalised_address: &str) -> Address {
    let mac = crate::cipher::mac(hmac_key.secret.bytes(), normalised_address.as_bytes());
    Address { organization, class, mac: *mac.first_chunk().expect("an HMAC is longer than 16 bytes") }
}
