//! The steps of an erasure, each of which can be repeated: after a crash the worker calls the same function, and it goes on where the log says it stopped.

use crate::erase_account::infallible;
use crate::{Commands, ErasureBegun, Fault, Request};
use domain::{
    Actor, Class, DoomedKey, EmailAddress, Erasure, ErasureId, ErasureTarget, Folded, KeyId, OrganizationId, Personal, Purpose, Retained,
    RetentionGround, StreamName, SubjectId, Suppression, SuppressionDetails, SuppressionReason, SystemActor,
};
use std::convert::Infallible;
use std::time::Duration;
use vault::{KeyName, ListedKey, Opened, Subject};

/// Two leases: after that, no process holds a destroyed key in memory.
pub const LEASES_WAIT: Duration = Duration::from_secs(120);

impl Commands {
    /// Up to the deletion of the keys. What is left is waiting for the leases, and [`Self::conclude_erasure`].
    pub async fn carry_out_erasure(&self, by: &Request, erasure: ErasureId) -> Result<ErasureBegun, Fault> {
        let mut folded: Folded<Erasure> = self.fold(erasure.0, by.organization).await?;
        if !folded.state.approved {
            return Err(Fault::Invariant("only an approved erasure is carried out"));
        }
        if folded.state.started.is_none() {
            self.start_erasure(by, &mut folded).await?;
        }
        if let (ErasureTarget::Account, Some(user)) = (folded.state.target.unwrap_or(ErasureTarget::Recipient), folded.state.user) {
            self.close_account(by, user, erasure).await?;
        }
        self.suppress_erased(by, erasure, &folded.state).await?;
        self.lift_declined(by, &folded.state).await?;
        let keys: Vec<KeyId> = folded.state.started.iter().flat_map(|started| started.keys.iter().map(|doomed| doomed.key)).collect();
        self.vault.destroy(&keys).await?;
        Ok(ErasureBegun { erasure, position: self.store.head().await? })
    }

    /// Appends `SubjectKeyDestroyed` and the live certificate once the keys are gone for two leases. `false`: not yet.
    pub async fn conclude_erasure(&self, by: &Request, erasure: ErasureId) -> Result<bool, Fault> {
        let mut folded: Folded<Erasure> = self.fold(erasure.0, by.organization).await?;
        let Some(started) = &folded.state.started else { return Ok(false) };
        let keys: Vec<KeyId> = started.keys.iter().map(|doomed| doomed.key).collect();
        // By the database's clock and from the destruction itself, which may have come long after the start.
        let Some(destroyed_for) = self.vault.destroyed_for(&keys).await? else { return Ok(false) };
        if destroyed_for < LEASES_WAIT {
            return Ok(false);
        }
        let drafts = folded.state.conclude();
        self.advance(by, &mut folded, drafts).await?;
        Ok(true)
    }

    /// The second certificate: every epoch that may have wrapped the keys has been destroyed, for as long as a process may keep its key in memory. `false`:
    /// not yet, or the first has not been issued.
    pub async fn conclude_erasure_everywhere(&self, by: &Request, erasure: ErasureId) -> Result<bool, Fault> {
        let mut folded: Folded<Erasure> = self.fold(erasure.0, by.organization).await?;
        let Some(started) = folded.state.started.as_ref().filter(|_| folded.state.destroyed) else { return Ok(false) };
        let keys: Vec<KeyId> = started.keys.iter().map(|doomed| doomed.key).collect();
        if let Some(newest) = self.vault.newest_epoch_of(&keys).await?
            && self.vault.epochs_gone_for(newest).await?.is_none_or(|gone| gone < LEASES_WAIT)
        {
            return Ok(false);
        }
        let drafts = folded.state.conclude_everywhere();
        self.advance(by, &mut folded, drafts).await?;
        Ok(true)
    }

    /// The keys that an erasure destroys, as its start listed them.
    pub async fn doomed_keys_of(&self, organization: OrganizationId, erasure: ErasureId) -> Result<Vec<KeyId>, Fault> {
        let folded: Folded<Erasure> = self.fold(erasure.0, organization).await?;
        Ok(folded.state.started.iter().flat_map(|started| started.keys.iter().map(|doomed| doomed.key)).collect())
    }

    async fn start_erasure(&self, by: &Request, folded: &mut Folded<Erasure>) -> Result<(), Fault> {
        let address = self.address_of_case(&folded.state).await?;
        let mut listed = match folded.state.user {
            Some(user) => self.fenced_keys_of(SubjectId(user.0)).await?,
            None => vec![],
        };
        if let Some(address) = &address {
            listed.extend(self.vault.subject_keys_of(by.organization, &address.normalized()).await?);
        }
        let declined = match (&address, folded.state.keep_suppressed) {
            (Some(address), false) => self.suppression_keys_of(by.organization, address).await?,
            _ => vec![],
        };
        let mut retained = vec![Retained { class: Class::Case, ground: RetentionGround::RequestEvidence, key: None }];
        if let (true, Some(address)) = (folded.state.keep_suppressed, &address) {
            let keys = self.vault.recipient_keys(by.organization, Class::Suppress, &[&address.normalized()]).await?;
            retained.push(Retained { class: Class::Suppress, ground: RetentionGround::Suppression, key: keys.first().copied() });
        }
        let drafts = folded.state.start(doomed_keys(by.organization, listed, declined), retained);
        self.advance(by, folded, drafts).await
    }

    /// The key of an earlier suppression, which a person who declines it takes along.
    async fn suppression_keys_of(&self, organization: OrganizationId, address: &EmailAddress) -> Result<Vec<ListedKey>, Fault> {
        let Some(key) = self.vault.find_recipient(organization, Class::Suppress, &address.normalized()).await? else { return Ok(vec![]) };
        let Some((organization, subject)) = self.vault.subject_of(key).await? else { return Ok(vec![]) };
        Ok(self.vault.keys_of(organization, subject).await?.into_iter().filter(|listed| listed.id == key).collect())
    }

    /// Lifts the suppressions whose keys are about to go.
    async fn lift_declined(&self, by: &Request, state: &Erasure) -> Result<(), Fault> {
        let doomed = state.started.iter().flat_map(|started| &started.keys).filter(|doomed| doomed.class == Class::Suppress);
        for doomed in doomed {
            let stream = StreamName::new(domain::Category::Suppression, by.organization, doomed.key.0);
            infallible(self.decide(by, stream, |suppression: &Suppression| Ok::<_, Infallible>(suppression.lift())).await)?;
        }
        Ok(())
    }

    /// All keys of an account holder; from here on no other is made.
    async fn fenced_keys_of(&self, person: SubjectId) -> Result<Vec<ListedKey>, Fault> {
        let (organization, subject) = (OrganizationId::PLATFORM, Subject::Person(person));
        let names = DOOMED_CLASSES.map(|class| KeyName { organization, subject, class });
        self.vault.fence(&names).await?;
        Ok(self.vault.keys_of(organization, subject).await?)
    }

    /// The suppression is written while the address can still be read; the case's own key outlives the person's.
    async fn suppress_erased(&self, by: &Request, erasure: ErasureId, state: &Erasure) -> Result<(), Fault> {
        let retained = state.started.iter().flat_map(|started| &started.retained);
        let key = retained.into_iter().find(|retained| retained.ground == RetentionGround::Suppression).and_then(|retained| retained.key);
        let (Some(key), Some(address)) = (key, self.address_of_case(state).await?) else { return Ok(()) };
        let stream = StreamName::new(domain::Category::Suppression, by.organization, key.0);
        let details = Personal::new(SuppressionDetails { address: address.as_str().to_owned() });
        let decided = self
            .decide(by, stream, |suppression: &Suppression| {
                Ok::<_, Infallible>(suppression.suppress(SuppressionReason::Erased, &details, key, Some(erasure)))
            })
            .await;
        infallible(decided)
    }

    async fn address_of_case(&self, erasure: &Erasure) -> Result<Option<EmailAddress>, Fault> {
        let Some(case) = &erasure.case else { return Ok(None) };
        Ok(match self.open(Actor::System(SystemActor::Erasure), Purpose::SubjectRights, case).await? {
            Opened::Readable(case) => case.expose().address.parse().ok(),
            _ => None,
        })
    }
}

/// The classes that an erasure ends. Financial records stay by law, the suppression by the person's interest, the case until it is closed.
const DOOMED_CLASSES: [Class; 4] = [Class::Id, Class::Ops, Class::Support, Class::Web];

fn doomed_keys(organization: OrganizationId, keys: Vec<ListedKey>, declined: Vec<ListedKey>) -> Vec<DoomedKey> {
    let doomed = keys.into_iter().filter(|key| DOOMED_CLASSES.contains(&key.class)).chain(declined);
    let mut doomed: Vec<DoomedKey> =
        doomed.map(|key| DoomedKey { key: key.id, organization, class: key.class, newest_epoch: key.epoch.unsigned_abs() }).collect();
    doomed.sort_by_key(|doomed| doomed.key);
    doomed.dedup_by_key(|doomed| doomed.key);
    doomed
}
