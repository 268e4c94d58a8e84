//! One generation of a projection on the move: batches in, rows and bookmark out.

use crate::bookmark::Lease;
use crate::feed::Batch;
use crate::generation::Generation;
use crate::projector::Parts;
use crate::source::read_history;
use crate::{Projection, ProjectionError};
use deadpool_postgres::{Client, Pool};
use domain::{Position, RecordedEvent, Timestamp};
use event_store::ReadError;
use std::pin::pin;
use std::time::Duration;

/// A lease is renewed when this much time has passed without a move.
const RENEW_AFTER: Duration = Duration::from_millis(1_500);
/// Events that are of no interest move the bookmark this late: nothing is lost by reading them again.
const MARK_AFTER: Duration = Duration::from_millis(250);

/// Losing the newest moves in a crash costs time, never facts: rows and bookmark go together. The plan of each run fits the sizes that the tables have then.
const SESSION: &str = "SET synchronous_commit = off; SET plan_cache_mode = force_custom_plan; SET jit = off";

pub(crate) struct Mover<'a> {
    parts: &'a Parts,
    projection: &'static Projection,
    pub client: Client,
    pub lease: Lease,
    /// Everything up to here is applied or of no interest. The bookmark may be a little behind.
    pub reached: Position,
    /// When the bookmark is written even though nothing of interest happened.
    pub mark_at: Timestamp,
}

impl<'a> Mover<'a> {
    pub fn new(parts: &'a Parts, client: Client, lease: Lease) -> Self {
        let reached = lease.position;
        let mover = Self { parts, projection: lease.projection, client, lease, reached, mark_at: parts.clock.now() + RENEW_AFTER };
        mover.report();
        mover
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
        self.report();
        Ok(())
    }

    /// Everything that the log holds up to `until`, of which this process may not have heard yet. Ends when told to stop, too.
    pub async fn replay(
        &mut self,
        until: Position,
        mut report: impl FnMut(Position),
        mut stopping: impl FnMut() -> bool,
    ) -> Result<(), ProjectionError> {
        if self.reached >= until {
            return Ok(());
        }
        let mut history = read_history(&self.parts.store, &self.projection.filter(), self.reached);
        while self.reached < until && !stopping() {
            self.mark_if_due().await?;
            let batch = tokio::select! {
                batch = history.recv() => batch.unwrap_or(Err(ReadError::Closed))?,
                () = self.parts.clock.sleep_until(self.mark_at) => continue,
            };
            self.apply(batch.up_to(until)).await?;
            report(self.reached);
        }
        Ok(())
    }

    /// Keeps the lease while something else takes its time.
    pub async fn hold_during<T>(&mut self, work: impl Future<Output = T>) -> Result<T, ProjectionError> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                () = self.parts.clock.sleep_until(self.mark_at) => self.mark_if_due().await?,
            }
        }
    }

    pub async fn mark_if_due(&mut self) -> Result<(), ProjectionError> {
        let now = self.parts.clock.now();
        if now < self.mark_at {
            return Ok(());
        }
        self.mark().await
    }

    /// Writes the bookmark.
    pub async fn mark(&mut self) -> Result<(), ProjectionError> {
        let now = self.parts.clock.now();
        self.lease.advance(&mut self.client, &[], self.reached, now).await?;
        self.mark_at = now + RENEW_AFTER;
        Ok(())
    }

    /// Writes the bookmark and gives the lease back.
    pub async fn end(mut self) -> Result<(), ProjectionError> {
        self.mark().await?;
        self.lease.release(&self.client).await
    }

    /// Only what queries see makes them fresh.
    fn report(&self) {
        if self.lease.generation == Generation::Live {
            self.parts.freshness.report(self.projection.name, self.reached);
        }
    }
}

/// A connection whose statements mean the tables of that generation.
pub(crate) async fn session(pool: &Pool, generation: Generation) -> Result<Client, ProjectionError> {
    let client = pool.get().await?;
    client.batch_execute(&format!("{SESSION}; SET search_path = {}", generation.schema())).await?;
    Ok(client)
}
