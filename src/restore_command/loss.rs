//! What is known to have happened and is not in a log, and going on without it.

use crate::anchored_log::{LossNotAccepted, missing, signed};
use crate::config::Config;
use crate::event_log::open_whatever_is_missing;
use crate::operations;
use crate::serve::Foundation;
use anyhow::bail;
use backup::EventRow;
use domain::{EventId, FormerLog, KeyId, LogEnd, LossAccepted, PauseGround, PublicKey, RootHash, Timestamp};
use event_store::{EventStore, Filter, LOG_END};
use projections::delivery_queue;
use std::collections::HashSet;
use std::fmt;
use transparency::BEGINNINGS;
use vault::{Anchored, begin_new_log};

/// What the key directory says must have happened, while a log is looked through for it.
pub(super) struct Known {
    destroyed: HashSet<KeyId>,
    signed: Option<(Anchored, LogEnd)>,
}

/// What a log lacks.
#[derive(Clone, Debug, Default)]
pub(super) struct Loss {
    /// Keys that the anchor names, and the log does not.
    unexplained: usize,
    /// What was signed, when it is more than the log holds.
    signed: Option<(Anchored, LogEnd)>,
}

impl Known {
    pub async fn read(config: &Config) -> anyhow::Result<Self> {
        let destroyed = vault::anchored_keys(config.key_dir.clone()).await?.into_iter().collect();
        Ok(Self { destroyed, signed: signed(config).await? })
    }

    pub fn see(&mut self, event: &EventRow<'_>) {
        for key in destroyed_by(event.event_type, event.facts) {
            self.destroyed.remove(&key);
        }
        // The hash of what stands under this id is compared at the next start.
        self.signed.take_if(|(_, end)| end.event.0 == event.event_id);
    }

    /// When everything was seen.
    pub fn loss(self) -> Option<Loss> {
        let loss = Loss { unexplained: self.destroyed.len(), signed: self.signed };
        (loss.unexplained > 0 || loss.signed.is_some()).then_some(loss)
    }
}

/// The keys that an erasure is about to destroy: they are named in the log before they are named in the anchor.
fn destroyed_by(event_type: &str, facts: &[u8]) -> Vec<KeyId> {
    if !BEGINNINGS.contains(&event_type) {
        return vec![];
    }
    let facts: serde_json::Value = serde_json::from_slice(facts).unwrap_or_default();
    let keys = facts["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    keys.iter().chain([&facts]).filter_map(|doomed| doomed["key"].as_str()?.parse().ok()).collect()
}

impl Loss {
    pub fn refusal(&self) -> LossNotAccepted {
        match &self.signed {
            Some((_, end)) => LossNotAccepted::Signed(end.at),
            None => LossNotAccepted::Destructions(self.unexplained),
        }
    }

    /// First the event, then the new key: whoever is cut off between them is refused at the next start, and says it again.
    pub async fn accept(&self, foundation: &Foundation, store: &EventStore) -> anyhow::Result<()> {
        let kept = last_before(store).await?;
        let (missing, former) = match &self.signed {
            Some((anchored, end)) => (Some(*end), Some(former(anchored))),
            None => (None, None),
        };
        let loss = LossAccepted {
            last_event: kept.map(|(event, _)| event),
            since: kept.map(|(_, at)| at),
            missing_event: missing.map(|end| end.event),
            until: missing.map(|end| end.at),
            unexplained_keys: self.unexplained as u64,
            former,
        };
        operations::accept_loss(foundation, store, &loss).await?;
        if let Some((anchored, _)) = &self.signed {
            begin_new_log(foundation.config.key_dir.clone(), anchored.public).await?;
            println!("signing   with a new key from here on; see `lethemail audit key`");
        }
        println!("loss      recorded: {self}");
        Ok(())
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.unexplained, &self.signed) {
            (0, Some((_, end))) => write!(f, "the loss of what happened until {} or later was accepted", end.at),
            (count, None) => write!(f, "the loss of {count} known destructions of keys was accepted"),
            (count, Some((_, end))) => {
                write!(f, "the loss of {count} known destructions of keys, and of what happened until {} or later, was accepted", end.at)
            }
        }
    }
}

fn former(anchored: &Anchored) -> FormerLog {
    FormerLog { key: PublicKey(anchored.public), size: anchored.tree.size, root: RootHash(anchored.tree.root) }
}

/// The last event that is no word on this restore.
async fn last_before(store: &EventStore) -> anyhow::Result<Option<(EventId, Timestamp)>> {
    let mut before = LOG_END;
    loop {
        let events = store.read_backwards(before, 10, &Filter::default()).await?;
        let Some(last) = events.last() else { return Ok(None) };
        before = last.position;
        let told = |event: &&domain::RecordedEvent| !matches!(&*event.header.event_type, "DeliveriesPaused" | "LogRestored");
        if let Some(event) = events.iter().find(told) {
            return Ok(Some((event.header.event_id, event.header.occurred_at)));
        }
    }
}

/// The database was put back by its own means, or fell back behind what was signed: nothing is restored, only the gap recorded.
pub(super) async fn accept_what_is_there(config: Config) -> anyhow::Result<()> {
    let foundation = Foundation::beside(config).await?;
    let outcome = accept(&foundation).await;
    foundation.stop().await?;
    outcome
}

async fn accept(foundation: &Foundation) -> anyhow::Result<()> {
    let store = open_whatever_is_missing(foundation).await?;
    let outcome = accept_in(foundation, &store).await;
    store.shutdown().await;
    outcome
}

async fn accept_in(foundation: &Foundation, store: &EventStore) -> anyhow::Result<()> {
    let Some(signed) = missing(&foundation.config, store).await? else {
        bail!("nothing is missing: the log holds all that was signed of it");
    };
    let loss = Loss { unexplained: 0, signed: Some(signed) };
    let client = foundation.pools.app.get().await?;
    delivery_queue::pause(&client, foundation.clock.now(), &format!("{loss}: what was sent since would be sent again")).await?;
    operations::pause(foundation, store, PauseGround::Restore).await?;
    loss.accept(foundation, store).await?;
    println!("queue     paused; see `lethemail queue status`");
    Ok(())
}
