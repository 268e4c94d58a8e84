//! Removes bodies that have outlived every possible attempt, that a crash left behind, or that the sandbox has shown for a day (row M1.6).

use crate::{Parts, every};
use projections::emails;
use std::time::Duration;
use tokio::sync::watch;

const INTERVAL: Duration = Duration::from_secs(60);
/// Bodies that one round removes because a crash left them behind.
const FINISHED_MAX: i64 = 10_000;

pub(crate) async fn run(parts: Parts, stopping: watch::Receiver<bool>) {
    every(parts, stopping, INTERVAL, "sweep_spool", sweep).await;
}

async fn sweep(parts: Parts) -> anyhow::Result<()> {
    let client = parts.pool.get().await?;
    let finished = emails::finished_with_body(&client, FINISHED_MAX).await?;
    drop(client);
    parts.commands.spool().remove_finished(&finished).await?;
    let removed = parts.commands.spool().sweep(parts.clock.now()).await?;
    if removed > 0 {
        tracing::info!(removed, "expired bodies were removed from the spool");
    }
    Ok(())
}
