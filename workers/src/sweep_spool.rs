//! Removes bodies that have outlived every possible attempt, that a crash left behind, or that the sandbox has shown for a day (row M1.6).

use crate::{Parts, every};
use domain::EmailId;
use projections::emails;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};
use uuid::Uuid;

const INTERVAL: Duration = Duration::from_secs(60);
/// Bodies that one round looks at, whether a crash left them behind; the next round goes on behind them.
const LOOKED_AT_MAX: usize = 10_000;

pub(crate) async fn run(parts: Parts, stopping: watch::Receiver<bool>) {
    let place = Arc::new(Mutex::new(EmailId(Uuid::nil())));
    every(parts, stopping, INTERVAL, "sweep_spool", |parts| sweep(parts, place.clone())).await;
}

async fn sweep(parts: Parts, place: Arc<Mutex<EmailId>>) -> anyhow::Result<()> {
    let mut place = place.lock().await;
    let client = parts.pool.get().await?;
    let (finished, next) = emails::finished_with_body(&client, *place, LOOKED_AT_MAX).await?;
    *place = next.unwrap_or(EmailId(Uuid::nil()));
    drop(client);
    parts.commands.spool().remove_finished(&finished).await?;
    let removed = parts.commands.spool().sweep(parts.clock.now()).await?;
    if removed > 0 {
        tracing::info!(removed, "expired bodies were removed from the spool");
    }
    Ok(())
}
