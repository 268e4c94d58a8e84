//! Lets the days expire whose retention has ended, and records it (rows M4.3, M4.4).

use crate::{Parts, every};
use std::time::Duration;
use tokio::sync::watch;
use vault::{RetentionTerms, Sweep};

/// Two days of each organisation an hour: what was left for long is caught up with soon, and never at once.
const INTERVAL: Duration = Duration::from_secs(3600);

pub(crate) async fn run(parts: Parts, stopping: watch::Receiver<bool>) {
    every(parts, stopping, INTERVAL, "expire_buckets", round).await;
}

async fn round(parts: Parts) -> anyhow::Result<()> {
    match parts.vault.sweep_buckets(RetentionTerms::default()).await? {
        Sweep::Swept(buckets) if buckets.is_empty() => {}
        Sweep::Swept(buckets) => {
            tracing::info!(buckets = buckets.len(), "the retention of buckets has ended, and their keys are destroyed")
        }
        Sweep::Halted { last, now } => tracing::error!(
            %last, %now,
            "the clock has moved more than 48 hours since days were last looked at, so none expires; if it is right, say so: lethemail keys accept-clock"
        ),
    }
    while parts.commands.record_expired_buckets().await? > 0 {}
    Ok(())
}
