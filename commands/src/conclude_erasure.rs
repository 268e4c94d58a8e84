//! What follows the deletion of the keys: certificates, the end of the case, and the record of a date that was missed.

use crate::carry_out_erasure::doomed_in;
use crate::{Commands, Fault, Request};
use domain::{Erasure, ErasureId, Folded, OrganizationId};
use std::time::Duration;

/// Two leases: after that, no process holds a destroyed key in memory.
pub const LEASES_WAIT: Duration = Duration::from_secs(120);

impl Commands {
    /// Appends `SubjectKeyDestroyed` and the live certificate once the keys are gone for two leases. `false`: not yet.
    pub async fn conclude_erasure(&self, by: &Request, erasure: ErasureId) -> Result<bool, Fault> {
        let mut folded: Folded<Erasure> = self.fold(erasure.0, by.organization).await?;
        if folded.state.started.is_none() || !self.are_gone(&folded).await? {
            return Ok(false);
        }
        if !folded.state.destroyed {
            // A last look: a message that was accepted in the same moment may have made a key of which nobody knew.
            self.destroy_keys(by, &mut folded).await?;
            if !self.are_gone(&folded).await? {
                return Ok(false);
            }
        }
        let drafts = folded.state.conclude();
        self.advance(by, &mut folded, drafts).await?;
        Ok(true)
    }

    /// By the database's clock and from the destruction itself, which may have come long after the start.
    async fn are_gone(&self, folded: &Folded<Erasure>) -> Result<bool, Fault> {
        let destroyed_for = self.vault.destroyed_for(&doomed_in(folded)).await?;
        Ok(destroyed_for.is_some_and(|destroyed_for| destroyed_for >= LEASES_WAIT))
    }

    /// The second certificate: every epoch that may have wrapped the keys has been destroyed, for as long as a process may keep its key in memory. `false`:
    /// not yet, or the first has not been issued.
    pub async fn conclude_erasure_everywhere(&self, by: &Request, erasure: ErasureId) -> Result<bool, Fault> {
        let mut folded: Folded<Erasure> = self.fold(erasure.0, by.organization).await?;
        if !folded.state.destroyed {
            return Ok(false);
        }
        if let Some(newest) = self.vault.newest_epoch_of(&doomed_in(&folded)).await?
            && self.vault.epochs_gone_for(newest).await?.is_none_or(|gone| gone < LEASES_WAIT)
        {
            return Ok(false);
        }
        let drafts = folded.state.conclude_everywhere();
        self.advance(by, &mut folded, drafts).await?;
        Ok(true)
    }

    /// Destroys what was said in the case, 30 days after its last certificate or its refusal. `false`: not yet.
    pub async fn close_erasure_case(&self, by: &Request, erasure: ErasureId) -> Result<bool, Fault> {
        let mut folded: Folded<Erasure> = self.fold(erasure.0, by.organization).await?;
        let drafts = folded.state.close_case(self.clock.now());
        self.advance(by, &mut folded, drafts).await?;
        let Some(key) = folded.state.case_key().filter(|_| folded.state.case_closed) else { return Ok(folded.state.case_closed) };
        if !self.vault.are_destroyed(&[key]).await? {
            self.vault.destroy(&[key]).await?;
        }
        Ok(true)
    }

    /// Records that the date has passed and nobody was answered (row M8.8). `true`: it has just been recorded.
    pub async fn record_missed_deadline(&self, by: &Request, erasure: ErasureId) -> Result<bool, Fault> {
        let mut folded: Folded<Erasure> = self.fold(erasure.0, by.organization).await?;
        let drafts = folded.state.miss_deadline(self.clock.now());
        let missed = !drafts.is_empty();
        self.advance(by, &mut folded, drafts).await?;
        Ok(missed)
    }

    pub async fn load_erasure(&self, organization: OrganizationId, erasure: ErasureId) -> Result<Folded<Erasure>, Fault> {
        self.fold(erasure.0, organization).await
    }
}
