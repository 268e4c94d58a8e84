//! Delivers what is due: claims messages for this process, works on many at a time, and lets each go when its attempt is recorded.

use crate::delivery_attempt::{Deliverer, Outcome};
use crate::{Parts, pause};
use domain::Timestamp;
use mail::PoolSettings;
use projections::{ClaimedDelivery, delivery_queue};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

/// How long a claim lasts unless it is renewed. After a crash, others wait this long.
const LEASE: Duration = Duration::from_secs(60);
const RENEWAL: Duration = Duration::from_secs(20);
/// How soon to look again when nothing was due.
const IDLE: Duration = Duration::from_millis(100);

pub(crate) async fn run(parts: Parts, mut stopping: watch::Receiver<bool>) {
    let pool_settings = PoolSettings { connections_max: parts.settings.connections_per_server_max, ..PoolSettings::default() };
    let deliverer = Arc::new(Deliverer {
        commands: parts.commands.clone(),
        clock: parts.clock.clone(),
        ids: parts.ids.clone(),
        connections: mail::Pool::new(parts.clock.clone(), pool_settings),
    });
    let token = parts.ids.random();
    let mut deliveries = JoinSet::new();
    let mut renew_at = parts.clock.now() + RENEWAL;
    while !*stopping.borrow() {
        let free = parts.settings.deliveries_max.saturating_sub(deliveries.len());
        // Half a load at a time, so that a claim is worth its statement.
        let claimed = if free > parts.settings.deliveries_max / 2 { claim(&parts, token, free).await } else { vec![] };
        let idle = claimed.is_empty();
        for delivery in claimed {
            deliveries.spawn(deliver(parts.clone(), deliverer.clone(), token, delivery));
        }
        if parts.clock.now() >= renew_at {
            renew(&parts, token).await;
            deliverer.connections.close_idle();
            renew_at = parts.clock.now() + RENEWAL;
        }
        if !idle {
            continue;
        }
        tokio::select! {
            Some(_) = deliveries.join_next(), if !deliveries.is_empty() => while deliveries.try_join_next().is_some() {},
            stop = pause(&*parts.clock, &mut stopping, IDLE) => if stop { break },
        }
    }
    while deliveries.join_next().await.is_some() {}
}

async fn claim(parts: &Parts, token: Uuid, limit: usize) -> Vec<ClaimedDelivery> {
    let now = parts.clock.now();
    let claimed = async {
        let client = parts.pool.get().await?;
        anyhow::Ok(delivery_queue::claim(&client, token, now, now + LEASE, i64::try_from(limit)?).await?)
    };
    claimed.await.unwrap_or_else(|error| {
        tracing::warn!(error = format!("{error:#}"), "due deliveries could not be claimed");
        vec![]
    })
}

async fn renew(parts: &Parts, token: Uuid) {
    let until: Timestamp = parts.clock.now() + LEASE;
    let renewed = async { anyhow::Ok(delivery_queue::renew(&*parts.pool.get().await?, token, until).await?) };
    if let Err(error) = renewed.await {
        tracing::warn!(error = format!("{error:#}"), "delivery leases could not be renewed");
    }
}

/// One message. Whatever goes wrong, the lease ends: by release, or by time.
async fn deliver(parts: Parts, deliverer: Arc<Deliverer>, token: Uuid, delivery: ClaimedDelivery) {
    match deliverer.deliver(delivery.organization, delivery.email).await {
        Ok(Outcome::Recorded) => {}
        Ok(Outcome::Overtaken) => tracing::info!("another process worked on the same message"),
        Err(error) => {
            // Kept until it expires, so that what fails is not tried in a loop.
            tracing::warn!(error = format!("{error:#}"), "a delivery could not be carried out");
            return;
        }
    }
    let released = async { anyhow::Ok(delivery_queue::release(&*parts.pool.get().await?, delivery.email, token).await?) };
    if let Err(error) = released.await {
        tracing::warn!(error = format!("{error:#}"), "a delivery lease could not be released");
    }
}
