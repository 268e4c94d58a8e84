//! Which keys an erasure destroys, and what it leaves alive and why.

use crate::erase_organization::ORGANIZATION_CLASSES;
use crate::{Commands, Fault};
use domain::{
    Actor, Class, DoomedKey, EmailAddress, Erasure, ErasureTarget, KeyId, OrganizationId, Purpose, Retained, RetentionGround, SubjectId,
    SystemActor, User, UserId,
};
use uuid::Uuid;
use vault::{KeyName, ListedKey, Opened, Subject};

/// The classes that a person's erasure ends. Financial records stay by law, the suppression by the person's interest, the case until it is closed.
const PERSON_CLASSES: [Class; 4] = [Class::Id, Class::Ops, Class::Support, Class::Web];
/// Keys that one event names. An organisation may have millions.
const NAMED_MAX: i64 = 500;

impl Commands {
    /// All keys known at the start; from here on no other is made for whoever has a name.
    pub(crate) async fn doomed_keys(&self, organization: OrganizationId, erasure: &Erasure) -> Result<Vec<DoomedKey>, Fault> {
        let address = self.address_of_case(erasure).await?;
        let mut doomed = match (erasure.target, erasure.user) {
            (Some(ErasureTarget::Organization), _) => {
                self.vault.fence_organization(organization, &ORGANIZATION_CLASSES).await?;
                // With these every day is gone at once; the people's own keys follow, as many as there are.
                let buckets = self.vault.bucket_keys_of(organization, &ORGANIZATION_CLASSES).await?;
                return Ok(sorted(doomed(organization, buckets, &ORGANIZATION_CLASSES)));
            }
            (Some(ErasureTarget::Account), Some(user)) => self.keys_of_account(user).await?,
            _ => vec![],
        };
        if let Some(address) = &address {
            let keys = self.vault.subject_keys_of(organization, &address.normalized()).await?;
            doomed.extend(self::doomed(organization, keys, &PERSON_CLASSES));
            if !erasure.keep_suppressed && erasure.target == Some(ErasureTarget::Recipient) {
                let keys = self.suppression_keys_of(organization, address).await?;
                doomed.extend(self::doomed(organization, keys, &[Class::Suppress]));
            }
        }
        Ok(sorted(doomed))
    }

    /// Keys that were not there, or too many to be named, when the erasure began. A person without a name in the keyring who declined the suppression is
    /// a stranger from then on, and so is somebody who signs up anew.
    pub(crate) async fn doomed_later(&self, organization: OrganizationId, erasure: &Erasure) -> Result<Vec<DoomedKey>, Fault> {
        match erasure.target {
            Some(ErasureTarget::Organization) => {
                let mut keys = self.vault.bucket_keys_of(organization, &ORGANIZATION_CLASSES).await?;
                keys.extend(self.vault.subject_keys_in(organization, &ORGANIZATION_CLASSES, KeyId(Uuid::nil()), NAMED_MAX).await?);
                Ok(sorted(doomed(organization, keys, &ORGANIZATION_CLASSES)))
            }
            Some(ErasureTarget::Recipient) if erasure.keep_suppressed => {
                let Some(address) = self.address_of_case(erasure).await? else { return Ok(vec![]) };
                let keys = self.vault.subject_keys_of(organization, &address.normalized()).await?;
                Ok(doomed(organization, keys, &PERSON_CLASSES))
            }
            _ => Ok(vec![]),
        }
    }

    /// What is not destroyed. The suppression's key is made here, so that the start can name it.
    pub(crate) async fn retained(&self, organization: OrganizationId, erasure: &Erasure) -> Result<Vec<Retained>, Fault> {
        let mut retained = vec![Retained { class: Class::Case, ground: RetentionGround::RequestEvidence, key: None }];
        match erasure.target {
            Some(ErasureTarget::Recipient) if erasure.keep_suppressed => {
                if let Some(address) = self.address_of_case(erasure).await? {
                    let keys = self.vault.recipient_keys(organization, Class::Suppress, &[&address.normalized()]).await?;
                    retained.push(Retained { class: Class::Suppress, ground: RetentionGround::Suppression, key: keys.first().copied() });
                }
            }
            Some(ErasureTarget::Account | ErasureTarget::Organization) => {
                retained.push(Retained { class: Class::Fin, ground: RetentionGround::FinancialRecords, key: None });
            }
            _ => {}
        }
        Ok(retained)
    }

    pub(crate) async fn address_of_case(&self, erasure: &Erasure) -> Result<Option<EmailAddress>, Fault> {
        let Some(case) = erasure.case.as_ref().filter(|_| erasure.target != Some(ErasureTarget::Organization)) else { return Ok(None) };
        Ok(match self.open(Actor::System(SystemActor::Erasure), Purpose::SubjectRights, case).await? {
            Opened::Readable(case) => case.expose().address.parse().ok(),
            _ => None,
        })
    }

    /// As a person at the platform, and as a member of each organisation.
    async fn keys_of_account(&self, user: UserId) -> Result<Vec<DoomedKey>, Fault> {
        let subject = Subject::Person(SubjectId(user.0));
        let joined = self.fold::<User>(user.0, OrganizationId::PLATFORM).await?.state.organizations;
        let organizations: Vec<OrganizationId> = joined.into_iter().chain([OrganizationId::PLATFORM]).collect();
        let names = organizations
            .iter()
            .flat_map(|organization| PERSON_CLASSES.map(|class| KeyName { organization: *organization, subject, class }));
        self.vault.fence(&names.collect::<Vec<_>>()).await?;
        let mut keys = Vec::new();
        for organization in organizations {
            keys.extend(doomed(organization, self.vault.keys_of(organization, subject).await?, &PERSON_CLASSES));
        }
        Ok(keys)
    }

    /// The key of an earlier suppression, which a person who declines it takes along.
    async fn suppression_keys_of(&self, organization: OrganizationId, address: &EmailAddress) -> Result<Vec<ListedKey>, Fault> {
        let Some(key) = self.vault.find_recipient(organization, Class::Suppress, &address.normalized()).await? else { return Ok(vec![]) };
        let Some((organization, subject)) = self.vault.subject_of(key).await? else { return Ok(vec![]) };
        Ok(self.vault.keys_of(organization, subject).await?.into_iter().filter(|listed| listed.id == key).collect())
    }
}

fn doomed(organization: OrganizationId, keys: Vec<ListedKey>, classes: &[Class]) -> Vec<DoomedKey> {
    let keys = keys.into_iter().filter(|key| classes.contains(&key.class));
    keys.map(|key| DoomedKey { key: key.id, organization, class: key.class, newest_epoch: key.epoch.unsigned_abs() }).collect()
}

fn sorted(mut doomed: Vec<DoomedKey>) -> Vec<DoomedKey> {
    doomed.sort_by_key(|doomed| (doomed.class, doomed.organization, doomed.key));
    doomed.dedup_by_key(|doomed| doomed.key);
    doomed
}
