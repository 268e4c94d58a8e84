//! The steps of an erasure, each of which can be repeated: after a crash the worker calls the same function, and it goes on where the log says it stopped.

use crate::erase_account::infallible;
use crate::{Commands, ErasureBegun, Fault, Request};
use domain::{
    Category, Class, Erasure, ErasureId, ErasureTarget, Folded, KeyId, OrganizationId, Personal, RetentionGround, StreamName, Suppression,
    SuppressionDetails, SuppressionReason,
};
use event_store::AppendError;
use std::convert::Infallible;

/// The worker looks for unfinished erasures every second, so it may be a step ahead of whoever asked for this one, or a step behind. What one has recorded
/// the other finds; there are no more steps than this.
const ATTEMPTS: usize = 8;

impl Commands {
    /// Up to the deletion of the keys. What is left is waiting for the leases, and [`Self::conclude_erasure`]. Where a hold is found, nothing is destroyed.
    pub async fn carry_out_erasure(&self, by: &Request, erasure: ErasureId) -> Result<ErasureBegun, Fault> {
        for _ in 1..ATTEMPTS {
            match self.try_to_carry_out(by, erasure).await {
                Err(Fault::Append(AppendError::WrongVersion { .. })) => {}
                outcome => return outcome,
            }
        }
        self.try_to_carry_out(by, erasure).await
    }

    async fn try_to_carry_out(&self, by: &Request, erasure: ErasureId) -> Result<ErasureBegun, Fault> {
        let mut folded: Folded<Erasure> = self.fold(erasure.0, by.organization).await?;
        if !folded.state.is_approved() {
            return Err(Fault::Invariant("only an approved erasure is carried out"));
        }
        if folded.state.started.is_none() {
            if self.is_held(by.organization, &folded.state).await? {
                self.refuse_held(by, &folded).await?;
                return Ok(ErasureBegun { erasure, position: self.store.head().await?, link: None, held: true });
            }
            let keys = self.doomed_keys(by.organization, &folded.state).await?;
            let retained = self.retained(by.organization, &folded.state).await?;
            let drafts = folded.state.start(keys, retained);
            self.advance(by, &mut folded, drafts).await?;
        }
        self.end_before_keys(by, &folded).await?;
        self.destroy_keys(by, &mut folded).await?;
        Ok(ErasureBegun { erasure, position: self.store.head().await?, link: None, held: false })
    }

    /// The keys that an erasure destroys, as its events listed them.
    pub async fn doomed_keys_of(&self, organization: OrganizationId, erasure: ErasureId) -> Result<Vec<KeyId>, Fault> {
        Ok(doomed_in(&self.fold(erasure.0, organization).await?))
    }

    /// What has to happen while the keys live: whatever hangs on them ends, and the address that must not be mailed again is written down.
    async fn end_before_keys(&self, by: &Request, folded: &Folded<Erasure>) -> Result<(), Fault> {
        match (folded.state.target, folded.state.user) {
            (Some(ErasureTarget::Account), Some(user)) => self.close_account(by, folded, user).await,
            (Some(ErasureTarget::Organization), _) => {
                self.close_organization(by, by.organization).await?;
                Ok(self.spool.remove_all_of(by.organization).await?)
            }
            _ => {
                self.suppress_erased(by, folded).await?;
                self.lift_declined(by, folded).await
            }
        }
    }

    /// Every key is named in the log before it is named in the anchor, and there before its row goes.
    pub(crate) async fn destroy_keys(&self, by: &Request, folded: &mut Folded<Erasure>) -> Result<(), Fault> {
        let mut gone = 0;
        loop {
            let keys = doomed_in(folded).split_off(gone);
            // A key that this keyring has never seen, since it was restored, is destroyed too: it leaves a tombstone.
            if !matches!(self.vault.are_destroyed(&keys).await, Ok(true)) {
                self.vault.destroy(&keys).await?;
            }
            gone += keys.len();
            let later = self.doomed_later(by.organization, &folded.state).await?;
            let drafts = folded.state.widen(later);
            if drafts.is_empty() {
                return Ok(());
            }
            self.advance(by, folded, drafts).await?;
        }
    }

    /// Lifts the suppressions whose keys are about to go.
    async fn lift_declined(&self, by: &Request, folded: &Folded<Erasure>) -> Result<(), Fault> {
        let doomed = folded.state.started.iter().flat_map(|started| &started.keys).filter(|doomed| doomed.class == Class::Suppress);
        for doomed in doomed {
            let stream = StreamName::new(Category::Suppression, by.organization, doomed.key.0);
            infallible(self.decide(by, stream, |suppression: &Suppression| Ok::<_, Infallible>(suppression.lift())).await)?;
        }
        Ok(())
    }

    /// The suppression is written while the address can still be read; the case's own key outlives the person's.
    async fn suppress_erased(&self, by: &Request, folded: &Folded<Erasure>) -> Result<(), Fault> {
        let retained = folded.state.started.iter().flat_map(|started| &started.retained);
        let key = retained.into_iter().find(|retained| retained.ground == RetentionGround::Suppression).and_then(|retained| retained.key);
        let (Some(key), Some(address)) = (key, self.address_of_case(&folded.state).await?) else { return Ok(()) };
        let stream = StreamName::new(Category::Suppression, by.organization, key.0);
        let details = Personal::new(SuppressionDetails { address: address.as_str().to_owned() });
        let erasure = Some(ErasureId(folded.stream.id));
        let decided = self
            .decide(by, stream, |suppression: &Suppression| {
                Ok::<_, Infallible>(suppression.suppress(SuppressionReason::Erased, &details, key, erasure))
            })
            .await;
        infallible(decided)
    }
}

pub(crate) fn doomed_in(folded: &Folded<Erasure>) -> Vec<KeyId> {
    folded.state.started.iter().flat_map(|started| started.keys.iter().map(|doomed| doomed.key)).collect()
}
