//! That the log still holds what was signed of it. What was is known from the key directory, outside the database and every backup.

use crate::config::Config;
use domain::{LogEnd, Timestamp};
use event_store::EventStore;
use vault::{Anchored, anchored_log};

/// Why nothing is opened, sealed, delivered, wrapped again or signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LossNotAccepted {
    #[error(
        "the anchor names {0} destroyed keys of whose destruction this log says nothing: it ends before that happened. Look for a newer \
         backup; --accept-loss restores this one"
    )]
    Destructions(usize),
    #[error(
        "events were lost: checkpoints were signed of a log that went on until {0} or later, and this one is shorter or another one. Look for a \
         newer backup; `lethemail restore --accept-loss` records the gap and goes on without what is missing"
    )]
    Signed(Timestamp),
}

/// What was signed and is not in this log; `None` when nothing is missing, or nothing was signed yet.
pub(crate) async fn missing(config: &Config, store: &EventStore) -> anyhow::Result<Option<(Anchored, LogEnd)>> {
    let Some((anchored, end)) = signed(config).await? else { return Ok(None) };
    Ok((!transparency::holds(store, &end).await?).then_some((anchored, end)))
}

pub(crate) async fn signed(config: &Config) -> anyhow::Result<Option<(Anchored, LogEnd)>> {
    let anchored = anchored_log(config.key_dir.clone()).await?;
    Ok(anchored.and_then(|anchored| Some((anchored, anchored.end?))))
}

pub(crate) async fn check(config: &Config, store: &EventStore) -> anyhow::Result<()> {
    match missing(config, store).await? {
        None => Ok(()),
        Some((_, end)) => Err(LossNotAccepted::Signed(end.at).into()),
    }
}
