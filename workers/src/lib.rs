//! Reactions to what was recorded: one file each, named by what it does. A worker looks for work, does one piece, and records what came of it;
//! it can be killed anywhere, and another process takes over when its lease has run out.

mod anchored_log;
mod conclude_erasures;
mod deliver_email;
mod delivery_attempt;
mod expire_buckets;
mod keep_limits;
mod publish_checkpoints;
mod rotate_epochs;
mod sweep_spool;
mod watch_erasures;

pub use keep_limits::keep_limits;
pub use publish_checkpoints::publish_checkpoints;
pub use watch_erasures::watch_erasures;

use commands::Commands;
use deadpool_postgres::Pool;
use domain::{Clock, DELIVERY_AGE_MAX, Ids};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use transparency::Logs;
use vault::{RotationPolicy, Vault};

/// What all workers share.
#[derive(Clone)]
pub struct Parts {
    pub commands: Commands,
    pub vault: Vault,
    /// Connections with the application's role.
    pub pool: Pool,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub logs: Logs,
    pub settings: Settings,
}

/// What an operator decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Messages delivered at the same time by this process.
    pub deliveries_max: usize,
    /// Connections to one mail server at the same time.
    pub connections_per_server_max: usize,
    /// A delivery that keeps being deferred is given up at this age, counted from the time it was due.
    pub delivery_age_max: Duration,
    pub rotation: RotationPolicy,
    /// How often checkpoints of the history are signed where there is news.
    pub checkpoint_interval: Duration,
}

const CHECKPOINT_INTERVAL: Duration = Duration::from_secs(60);

impl Default for Settings {
    fn default() -> Self {
        Self {
            deliveries_max: 256,
            connections_per_server_max: 8,
            delivery_age_max: DELIVERY_AGE_MAX,
            rotation: RotationPolicy::default(),
            checkpoint_interval: CHECKPOINT_INTERVAL,
        }
    }
}

/// The running workers.
pub struct Workers {
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Workers {
    /// Must be called on a tokio runtime.
    pub fn start(parts: &Parts) -> Self {
        let (stop, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(deliver_email::run(parts.clone(), stopping.clone()));
        tasks.spawn(conclude_erasures::run(parts.clone(), stopping.clone()));
        tasks.spawn(watch_erasures::run(parts.clone(), stopping.clone()));
        tasks.spawn(keep_limits::run(parts.clone(), stopping.clone()));
        tasks.spawn(publish_checkpoints::run(parts.clone(), stopping.clone()));
        tasks.spawn(sweep_spool::run(parts.clone(), stopping.clone()));
        tasks.spawn(rotate_epochs::run(parts.clone(), stopping.clone()));
        tasks.spawn(expire_buckets::run(parts.clone(), stopping));
        Self { stop, tasks }
    }

    /// Takes no new work and waits until what was begun is recorded.
    pub async fn drain(mut self) {
        // Nobody listens any more when all tasks have ended already.
        let _ = self.stop.send(true);
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Waits for `span`, or less when the workers are told to stop. `true`: stop.
async fn pause(clock: &dyn Clock, stopping: &mut watch::Receiver<bool>, span: Duration) -> bool {
    let until = clock.now() + span;
    tokio::select! {
        () = clock.sleep_until(until) => false,
        _ = stopping.wait_for(|stop| *stop) => true,
    }
}

/// Repeats a round until told to stop. A round that fails is told once and tried again after the pause.
async fn every<F, R>(parts: Parts, mut stopping: watch::Receiver<bool>, span: Duration, name: &'static str, round: R)
where
    R: Fn(Parts) -> F,
    F: Future<Output = anyhow::Result<()>>,
{
    loop {
        if let Err(error) = round(parts.clone()).await {
            tracing::warn!(worker = name, error = format!("{error:#}"), "a round failed and will be repeated");
        }
        if pause(&*parts.clock, &mut stopping, span).await {
            return;
        }
    }
}
