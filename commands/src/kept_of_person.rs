//! What is left of one person in an organisation, until when, and why (row C9.1b).

use crate::{Commands, Fault, KeptData};
use domain::{BucketEnd, Class, EmailAddress, HoldTarget, KeyId, OrganizationId, Timestamp};

/// A living key of a person.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeptKey {
    pub key: KeyId,
    pub class: Class,
    pub until: KeptUntil,
    /// A hold on the person runs so long.
    pub held_until: Option<Timestamp>,
}

/// Until when what the key sealed can be read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum KeptUntil {
    /// The youngest bucket of the class ends then, and each other one before it.
    LastBucket(BucketEnd),
    /// Every bucket of the class has ended.
    Ended,
    /// While the account, contact or request lives.
    InUse,
    /// While the address must not be mailed.
    Suppression,
}

impl Commands {
    /// By address.
    pub async fn kept_of_address(&self, organization: OrganizationId, address: &EmailAddress) -> Result<Vec<KeptKey>, Fault> {
        let address = address.normalized();
        let mut keys: Vec<(KeyId, Class)> = Vec::new();
        for listed in self.vault.subject_keys_of(organization, &address).await? {
            keys.push((listed.id, listed.class));
        }
        let suppressed = self.vault.find_recipient(organization, Class::Suppress, &address).await?;
        keys.extend(suppressed.map(|key| (key, Class::Suppress)));
        let kept = self.kept_data(organization).await?;
        Ok(keys.into_iter().map(|(key, class)| kept_key(&kept, key, class)).collect())
    }

    /// By one of the person's keys, with all others that are known to be the same person's.
    pub async fn kept_of_key(&self, organization: OrganizationId, key: KeyId) -> Result<Vec<KeptKey>, Fault> {
        let Some((owner, subject)) = self.vault.subject_of(key).await?.filter(|(owner, _)| *owner == organization) else {
            return Ok(vec![]);
        };
        let kept = self.kept_data(organization).await?;
        let keys = self.vault.keys_of(owner, subject).await?;
        Ok(keys.into_iter().map(|listed| kept_key(&kept, listed.id, listed.class)).collect())
    }
}

fn kept_key(kept: &KeptData, key: KeyId, class: Class) -> KeptKey {
    let living = kept.buckets.iter().filter(|bucket| bucket.record.class == class && bucket.record.destroyed_at.is_none());
    let last = living.filter_map(|bucket| bucket.end).max_by_key(|end| end.at);
    let until = match (class, last) {
        (Class::Ops | Class::Web | Class::Fin, Some(end)) => KeptUntil::LastBucket(end),
        (Class::Ops | Class::Web | Class::Fin, None) => KeptUntil::Ended,
        (Class::Suppress, _) => KeptUntil::Suppression,
        (Class::Id | Class::Support | Class::Case, _) => KeptUntil::InUse,
    };
    let holds = kept.holds.iter().filter(|(_, hold)| hold.is_active_at(kept.now));
    let held = holds.filter(|(_, hold)| matches!(&hold.target, Some(HoldTarget::Person { keys }) if keys.contains(&key)));
    KeptKey { key, class, until, held_until: held.filter_map(|(_, hold)| hold.expires_at).max() }
}
