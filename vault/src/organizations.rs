//! All keys of an organisation, as its erasure lists them.

use crate::error::VaultError;
use crate::key_name::{KeyName, Subject};
use crate::subjects::{ListedKey, listed};
use crate::vault::Vault;
use domain::{Class, KeyId, OrganizationId};

const BUCKETS: &str =
    "SELECT id, class, epoch FROM keyring.bucket WHERE organization = $1 AND class = ANY($2) AND wrapped IS NOT NULL ORDER BY id";
// `key_name` begins with the organisation.
const KEYS: &str = "SELECT id, class, epoch FROM keyring.key WHERE organization = $1 AND class = ANY($2) AND id > $3 ORDER BY id LIMIT $4";

/// What an organisation's own things are called, over which everything else of it is reached.
const ROOTS: [Subject; 5] = [Subject::Organization, Subject::LookupKey, Subject::SuppressionKey, Subject::TokenKey, Subject::SessionKey];

impl Vault {
    /// Nothing new is sealed for the organisation itself, and no address is registered there any more: what finds addresses has no key and gets none.
    pub async fn fence_organization(&self, organization: OrganizationId, classes: &[Class]) -> Result<(), VaultError> {
        let names = ROOTS.iter().flat_map(|subject| classes.iter().map(|class| KeyName { organization, subject: *subject, class: *class }));
        self.fence(&names.collect::<Vec<_>>()).await
    }

    /// The living bucket keys of these classes.
    pub async fn bucket_keys_of(&self, organization: OrganizationId, classes: &[Class]) -> Result<Vec<ListedKey>, VaultError> {
        let client = self.keyring().pool.get().await?;
        client.query(BUCKETS, &[&organization.0, &numbers(classes)]).await?.iter().map(listed).collect()
    }

    /// The living subject keys of these classes behind `after`, by their ids.
    pub async fn subject_keys_in(
        &self,
        organization: OrganizationId,
        classes: &[Class],
        after: KeyId,
        limit: i64,
    ) -> Result<Vec<ListedKey>, VaultError> {
        let client = self.keyring().pool.get().await?;
        client.query(KEYS, &[&organization.0, &numbers(classes), &after.0, &limit]).await?.iter().map(listed).collect()
    }
}

fn numbers(classes: &[Class]) -> Vec<i16> {
    classes.iter().map(|class| class.number()).collect()
}
