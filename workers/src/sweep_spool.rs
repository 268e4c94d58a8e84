//! Removes bodies that have outlived every possible attempt, and what the sandbox has shown for a day (row M1.6).

use crate::{Parts, every};
use std::time::Duration;
use tokio::sync::watch;

const INTERVAL: Duration = Duration::from_secs(60);

pub(crate) async fn run(parts: Parts, stopping: watch::Receiver<bool>) {
    every(parts, stopping, INTERVAL, "sweep_spool", sweep).await;
}

async fn sweep(parts: Parts) -> anyhow::Result<()> {
    let removed = parts.commands.spool().sweep(parts.clock.now()).await?;
    if removed > 0 {
        tracing::info!(removed, "expired bodies were removed from the spool");
    }
    Ok(())
}
