//! Keeps read models up to date, each in a task of its own, for as long as this process holds its lease.

use crate::bookmark::Lease;
use crate::feed::{Batch, Feed};
use crate::source::Source;
use crate::{Freshness, Projection, ProjectionError};
use deadpool_postgres::{Client, Pool};
use domain::{Clock, Ids, Position, RecordedEvent, Timestamp};
use event_store::{EventStore, ReadError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use uuid::Uuid;

/// A lease is renewed when this much time has passed without a move.
const RENEW_AFTER: Duration = Duration::from_millis(1_500);
/// Events that are of no interest move the bookmark this late: nothing is lost by reading them again.
const MARK_AFTER: Duration = Duration::from_millis(250);
/// How often a standby asks for the lease, and how long a fault is waited out.
const STANDBY: Duration = Duration::from_secs(1);
/// An event that this program does not understand needs another program.
const OBSTACLE: Duration = Duration::from_secs(30);

/// Losing the newest moves in a crash costs time, never facts: rows and bookmark go together. The plan of each run fits the sizes that the tables have then.
const SESSION: &str = "SET synchronous_commit = off; SET plan_cache_mode = force_custom_plan; SET jit = off";

/// What a projector works with. The pool's role is `lethemail_projector`; each projection keeps one of its connections.
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
        let mut tasks = JoinSet::new();
        for projection in projections {
            tasks.spawn(self.clone().keep(projection, feed.clone(), shutdown.clone()));
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
                Err(error @ ProjectionError::Read(ReadError::LogLost { .. } | ReadError::Gap { .. })) => return Err(error),
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
        let Some(mut mover) = Mover::begin(&self.parts, projection, token).await? else { return Ok(()) };
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

/// One projection on the move.
pub(crate) struct Mover<'a> {
    parts: &'a Parts,
    projection: &'static Projection,
    client: Client,
    lease: Lease,
    /// Everything up to here is applied or of no interest. The bookmark may be a little behind.
    pub reached: Position,
    /// When the bookmark is written even though nothing of interest happened.
    pub mark_at: Timestamp,
}

impl<'a> Mover<'a> {
    /// `None`: another process moves it.
    async fn begin(parts: &'a Parts, projection: &'static Projection, token: Uuid) -> Result<Option<Self>, ProjectionError> {
        let mut client = session(&parts.pool).await?;
        let lease = Lease::acquire(&mut client, projection, token, parts.clock.now()).await?;
        Ok(lease.map(|lease| Self::new(parts, projection, client, lease)))
    }

    /// From the start, whoever moves it now.
    pub async fn begin_anew(parts: &'a Parts, projection: &'static Projection) -> Result<Self, ProjectionError> {
        let mut client = session(&parts.pool).await?;
        let mut lease = Lease::seize(&mut client, projection, parts.ids.random(), parts.clock.now()).await?;
        lease.start_over(&mut client).await?;
        Ok(Self::new(parts, projection, client, lease))
    }

    fn new(parts: &'a Parts, projection: &'static Projection, client: Client, lease: Lease) -> Self {
        let reached = lease.position();
        parts.freshness.report(projection.name, reached);
        Self { parts, projection, client, lease, reached, mark_at: parts.clock.now() + RENEW_AFTER }
    }

    pub async fn apply(&mut self, batch: Batch) -> Result<(), ProjectionError> {
        let wanted: Vec<&RecordedEvent> = batch.events.iter().map(|event| &**event).filter(|event| self.projection.wants(event)).collect();
        let now = self.parts.clock.now();
        if wanted.is_empty() && batch.to == self.reached {
            return Ok(());
        }
        if wanted.is_empty() {
            self.reached = batch.to;
            self.mark_at = self.mark_at.min(now + MARK_AFTER);
        } else {
            self.lease.advance(&mut self.client, &wanted, batch.to, now).await?;
            self.reached = batch.to;
            self.mark_at = now + RENEW_AFTER;
        }
        self.parts.freshness.report(self.projection.name, self.reached);
        Ok(())
    }

    pub async fn mark_if_due(&mut self) -> Result<(), ProjectionError> {
        let now = self.parts.clock.now();
        if now < self.mark_at {
            return Ok(());
        }
        self.lease.advance(&mut self.client, &[], self.reached, now).await?;
        self.mark_at = now + RENEW_AFTER;
        Ok(())
    }

    /// Writes the bookmark and gives the lease back.
    pub async fn end(mut self) -> Result<(), ProjectionError> {
        self.lease.advance(&mut self.client, &[], self.reached, self.parts.clock.now()).await?;
        self.lease.release(&self.client).await
    }
}

async fn session(pool: &Pool) -> Result<Client, ProjectionError> {
    let client = pool.get().await?;
    client.batch_execute(SESSION).await?;
    Ok(client)
}

fn patience(error: &ProjectionError) -> Duration {
    match error {
        ProjectionError::Undecodable { .. } | ProjectionError::OutOfPlace { .. } | ProjectionError::NewerContent { .. } => OBSTACLE,
        ProjectionError::Database(_) | ProjectionError::Read(_) | ProjectionError::Row(_) | ProjectionError::LeaseLost => STANDBY,
    }
}
