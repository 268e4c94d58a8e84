//! What the vault did to keys, as events. The keyring's rows move first and say what is not recorded yet, so that a crash in between loses no event.

use crate::erase_account::infallible;
use crate::{Commands, Fault, Request};
use domain::{Actor, KeyEpochStage, KeyLife, OrganizationId, SystemActor};
use std::convert::Infallible;
use vault::{EpochState, ExpiredBucket};

/// Buckets recorded in one go.
const BUCKETS_MAX: i64 = 1_000;

impl Commands {
    /// Records how far every epoch from `first` on has come, and says which is the first that is not through.
    pub async fn record_key_epochs(&self, first: u32) -> Result<u32, Fault> {
        let by = self.as_platform(OrganizationId::PLATFORM);
        let mut unfinished = None;
        for epoch in self.vault.epochs().await?.into_iter().filter(|epoch| epoch.epoch >= first) {
            let stage = match epoch.state {
                EpochState::BeingMade => continue,
                EpochState::Open => KeyEpochStage::Opened,
                EpochState::Closed => KeyEpochStage::Closed,
                EpochState::Condemned => KeyEpochStage::Rewrapped,
                EpochState::Destroyed => KeyEpochStage::Destroyed,
            };
            if stage != KeyEpochStage::Destroyed {
                unfinished.get_or_insert(epoch.epoch);
            }
            let decide = |life: &KeyLife| Ok::<_, Infallible>(life.reach(epoch.epoch, epoch.provider, stage));
            infallible(self.decide(&by, KeyLife::stream_of_epoch(epoch.epoch), decide).await)?;
        }
        Ok(unfinished.unwrap_or(first))
    }

    /// Records the end of bucket keys that were destroyed, each in its organisation's log.
    pub async fn record_expired_buckets(&self) -> Result<usize, Fault> {
        let buckets = self.vault.unrecorded_buckets(BUCKETS_MAX).await?;
        for ExpiredBucket { key, organization, class, bucket } in &buckets {
            let stream = KeyLife::stream_of_bucket(*organization, *key);
            let decide = |life: &KeyLife| Ok::<_, Infallible>(life.expire(*key, *class, *bucket));
            infallible(self.decide(&self.as_platform(*organization), stream, decide).await)?;
            self.vault.bucket_is_recorded(*key).await?;
        }
        Ok(buckets.len())
    }

    /// The last epoch up to which all keys have been destroyed for so long that no process holds one; 0 when there is none.
    pub async fn epochs_gone(&self) -> Result<u32, Fault> {
        let destroyed = |epoch: &vault::EpochRecord| epoch.state == EpochState::Destroyed;
        let epochs = self.vault.epochs().await?;
        for epoch in epochs.iter().take_while(|epoch| destroyed(epoch)).collect::<Vec<_>>().into_iter().rev() {
            if self.vault.epochs_gone_for(epoch.epoch).await?.is_some_and(|gone| gone >= crate::LEASES_WAIT) {
                return Ok(epoch.epoch);
            }
        }
        Ok(0)
    }

    pub(crate) fn as_platform(&self, organization: OrganizationId) -> Request {
        Request { actor: Actor::System(SystemActor::Platform), ..self.as_delivery(organization) }
    }
}
