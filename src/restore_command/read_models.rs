//! Read models of a log that has none yet.

use crate::progress;
use crate::projections_command::hex;
use crate::serve::Foundation;
use anyhow::Context;
use event_store::EventStore;
use projections::{Freshness, Projector, content_hash, lags};
use std::time::Duration;
use tokio::sync::watch;

const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// From nothing, as a server would, and the hash of each as `projections list` prints it.
pub(crate) async fn build(foundation: &Foundation, store: &EventStore) -> anyhow::Result<()> {
    let projector = Projector::new(projections::Parts {
        store: store.clone(),
        pool: foundation.pools.projector.clone(),
        clock: foundation.clock.clone(),
        ids: foundation.ids.clone(),
        freshness: Freshness::new(foundation.pools.app.clone(), foundation.clock.clone()),
    });
    let (stop, stopping) = watch::channel(false);
    let building = tokio::spawn(async move { projector.run(projections::all(), stopping).await });
    let mut bar = progress::bar("building read models", store.head().await?.commit);
    let client = foundation.pools.projector.get().await?;
    loop {
        let lags = lags(&client, store).await?;
        bar.at(lags.iter().map(|(_, lag)| lag.bookmark.commit).min().unwrap_or_default());
        if building.is_finished() || lags.iter().all(|(_, lag)| lag.events == Some(0)) {
            break;
        }
        crate::clock::pause(LOOK_AGAIN).await;
    }
    drop(bar);
    stop.send_replace(true);
    building.await?.context("the read models could not be built")?;
    for projection in projections::all() {
        println!("{:<18} {}", projection.name, hex(content_hash(projection, &client).await?));
    }
    Ok(())
}
