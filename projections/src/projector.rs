//! Keeps read models up to date, each in a task of its own, for as long as this process holds its lease.

use crate::bookmark::Lease;
use crate::feed::Feed;
use crate::generation::Generation;
use crate::mover::{Mover, session};
use crate::source::Source;
use crate::{Freshness, Projection, ProjectionError};
use deadpool_postgres::Pool;
use domain::{Clock, Ids};
use event_store::{EventStore, ReadError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use uuid::Uuid;

/// How often a standby asks for the lease, and how long a fault is waited out.
const STANDBY: Duration = Duration::from_secs(1);
/// An event that this program does not understand needs another program.
const OBSTACLE: Duration = Duration::from_secs(30);

/// Whoever takes the lease away wants to change places with the content, which takes a moment.
const SWITCHING: Duration = Duration::from_millis(100);
/// Read models that one process makes anew at the same time: the others wait, so that what runs keeps room to run.
const BUILDS_MAX: usize = 2;

/// What a projector works with. The pool's role is `lethemail_projector`; each projection keeps one of its connections, and one more while it is
/// made anew.
#[derive(Clone)]
pub struct Parts {
    pub store: EventStore,
    pub pool: Pool,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub freshness: Freshness,
}

#[derive(Clone)]
pub struct Projector {
    pub(crate) parts: Parts,
}

impl Projector {
    pub fn new(parts: Parts) -> Self {
        Self { parts }
    }

    /// Runs until `shutdown` says true, or until the log is closed or found to have lost events. Faults of the database are waited out.
    pub async fn run(&self, projections: &[&'static Projection], shutdown: watch::Receiver<bool>) -> Result<(), ProjectionError> {
        let feed = Arc::new(Feed::new(self.parts.store.clone()));
        let builds = Arc::new(Semaphore::new(BUILDS_MAX));
        let mut tasks = JoinSet::new();
        for projection in projections {
            tasks.spawn(self.clone().keep(projection, feed.clone(), shutdown.clone()));
            tasks.spawn(self.clone().oversee(projection, builds.clone(), shutdown.clone()));
        }
        let mut outcome = Ok(());
        while let Some(ended) = tasks.join_next().await {
            let ended = ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
            outcome = outcome.and(ended);
        }
        outcome
    }

    /// Leads, or stands by, until told to stop.
    async fn keep(
        self,
        projection: &'static Projection,
        feed: Arc<Feed>,
        mut shutdown: watch::Receiver<bool>,
    ) -> Result<(), ProjectionError> {
        let token = self.parts.ids.random();
        while !*shutdown.borrow_and_update() {
            let led = self.lead(projection, token, &feed, &mut shutdown).await;
            self.parts.freshness.forget(projection.name);
            let wait = match led {
                Ok(()) => STANDBY,
                Err(ProjectionError::Read(ReadError::Closed)) => return Ok(()),
                Err(error @ ProjectionError::Read(ReadError::LogLost { .. } | ReadError::AnotherLog | ReadError::Gap { .. })) => {
                    return Err(error);
                }
                Err(error) => {
                    let wait = patience(&error);
                    tracing::warn!(projection = projection.name, %error, "a projection stands still");
                    wait
                }
            };
            let again = self.parts.clock.now() + wait;
            tokio::select! {
                _ = shutdown.wait_for(|stopping| *stopping) => {}
                () = self.parts.clock.sleep_until(again) => {}
            }
        }
        Ok(())
    }

    /// Moves the projection on while the lease holds. Returns when told to stop, or when another process has the lease.
    async fn lead(
        &self,
        projection: &'static Projection,
        token: Uuid,
        feed: &Arc<Feed>,
        shutdown: &mut watch::Receiver<bool>,
    ) -> Result<(), ProjectionError> {
        let client = session(&self.parts.pool, Generation::Live).await?;
        let Some(lease) = Lease::acquire(&client, projection, token, self.parts.clock.now()).await? else { return Ok(()) };
        let mut mover = Mover::new(&self.parts, client, lease);
        let mut source = Source::new(self.parts.store.clone(), feed.clone(), projection.filter(), mover.reached);
        let clock = self.parts.clock.clone();
        while !*shutdown.borrow_and_update() {
            mover.mark_if_due().await?;
            tokio::select! {
                biased;
                _ = shutdown.changed() => {}
                batch = source.next(mover.reached) => mover.apply(batch?).await?,
                () = clock.sleep_until(mover.mark_at) => {}
            }
        }
        mover.end().await
    }
}

pub(crate) fn patience(error: &ProjectionError) -> Duration {
    match error {
        ProjectionError::Undecodable { .. } | ProjectionError::OutOfPlace { .. } | ProjectionError::OtherVersion { .. } => OBSTACLE,
        ProjectionError::LeaseLost => SWITCHING,
        ProjectionError::Database(_)
        | ProjectionError::Read(_)
        | ProjectionError::Row(_)
        | ProjectionError::Busy
        | ProjectionError::NoFormer
        | ProjectionError::ShapeChanged => STANDBY,
    }
}
