//! Making a read model again from the log, beside the one that queries see, and going back to the former one.

use crate::generation::Generation;
use crate::mover::{Mover, session};
use crate::side_room::{adopt_former, discard, open};
use crate::switch::{Switched, freeze, switch};
use crate::{Projection, ProjectionError, Projector};
use domain::Position;
use std::time::Duration;
use tokio::sync::watch;

/// How often the tables are asked for in a row, and how long what queries see may go on between.
const SWITCH_ATTEMPTS: usize = 5;
const SWITCH_PAUSE: Duration = Duration::from_millis(200);
/// What queries see stands still for about as long as the last stretch of the log took to fill.
const STRETCH_MAX: Duration = Duration::from_millis(250);
/// When somebody holds the tables for long, both contents go on for so long before it is tried again.
const SWITCH_RETRY: Duration = Duration::from_secs(2);

/// How far a rebuild has come, and where the log ended when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub reached: Position,
    pub head: Position,
}

impl Projector {
    /// Fills new tables beside those that queries see, up to the log's end, and changes places with them in one short transaction; nobody sees
    /// anything half built, and whoever runs the projection goes on until then and from there. What queries saw before is kept until the next
    /// rebuild. Carries on where another process died over it. Dropped in the middle, it is carried on by whoever runs the projection.
    ///
    /// # Errors
    /// [`ProjectionError::Busy`] while another process does it.
    pub async fn rebuild(&self, projection: &'static Projection, progress: impl FnMut(Progress)) -> Result<(), ProjectionError> {
        let (_never, mut shutdown) = watch::channel(false);
        self.build(projection, &mut shutdown, progress).await
    }

    /// Brings what queries saw before the last rebuild up to the log's end, and changes places with it. What queries saw last is kept.
    ///
    /// # Errors
    /// [`ProjectionError::NoFormer`] when nothing is kept; [`ProjectionError::OtherVersion`] when another version of the program made it:
    /// that one can go back to it.
    pub async fn roll_back(&self, projection: &'static Projection, progress: impl FnMut(Progress)) -> Result<(), ProjectionError> {
        let (_never, mut shutdown) = watch::channel(false);
        let mut client = session(&self.parts.pool, Generation::Next).await?;
        let lease = adopt_former(&mut client, projection, self.parts.ids.random(), self.parts.clock.now()).await?;
        self.carry_through(Mover::new(&self.parts, client, lease), &mut shutdown, progress).await
    }

    /// Drops what a rebuild kept of the former content, or left unfinished. Whether there was anything.
    pub async fn drop_former(&self, projection: &'static Projection) -> Result<bool, ProjectionError> {
        let mut client = self.parts.pool.get().await?;
        let now = self.parts.clock.now();
        let unfinished = discard(&mut client, projection, Generation::Next, now).await?;
        Ok(discard(&mut client, projection, Generation::Former, now).await? || unfinished)
    }

    pub(crate) async fn build(
        &self,
        projection: &'static Projection,
        shutdown: &mut watch::Receiver<bool>,
        progress: impl FnMut(Progress),
    ) -> Result<(), ProjectionError> {
        let mut client = session(&self.parts.pool, Generation::Next).await?;
        let lease = open(&mut client, projection, Generation::Next, self.parts.ids.random(), self.parts.clock.now()).await?;
        self.carry_through(Mover::new(&self.parts, client, lease), shutdown, progress).await
    }

    /// Told to stop, it leaves things so that they can be carried on.
    async fn carry_through(
        &self,
        mut mover: Mover<'_>,
        shutdown: &mut watch::Receiver<bool>,
        mut progress: impl FnMut(Progress),
    ) -> Result<(), ProjectionError> {
        let outcome = self.fill_and_switch(&mut mover, shutdown, &mut progress).await;
        match outcome {
            Ok(Switched::Done) => Ok(()),
            Ok(Switched::InUse) => mover.end().await,
            Err(error) => {
                // What cannot be given back expires.
                let _ = mover.lease.release(&mover.client).await;
                Err(error)
            }
        }
    }

    async fn fill_and_switch(
        &self,
        mover: &mut Mover<'_>,
        shutdown: &watch::Receiver<bool>,
        progress: &mut impl FnMut(Progress),
    ) -> Result<Switched, ProjectionError> {
        let mut analyzed = false;
        loop {
            let (began, head) = (self.parts.clock.since_boot(), self.parts.store.head().await?);
            mover.replay(head, |reached| progress(Progress { reached, head }), || *shutdown.borrow()).await?;
            if *shutdown.borrow() {
                return Ok(Switched::InUse);
            }
            if !analyzed {
                mover.client.execute("SELECT ops.analyze_next($1::text[])", &[&mover.lease.projection.table_names()]).await?;
                analyzed = true;
                continue;
            }
            // The log went on meanwhile: each stretch is shorter than the one before, as long as it is filled faster than it grows.
            if self.parts.clock.since_boot() - began > STRETCH_MAX {
                continue;
            }
            if self.try_switch(mover).await? == Switched::Done {
                return Ok(Switched::Done);
            }
            tracing::info!(projection = mover.lease.projection.name, "the tables are in use; changing places waits");
            let again = self.parts.clock.now() + SWITCH_RETRY;
            let mut stopping = shutdown.clone();
            let wait = async {
                tokio::select! {
                    () = self.parts.clock.sleep_until(again) => {}
                    Ok(_) = stopping.wait_for(|stopping| *stopping) => {}
                }
            };
            mover.hold_during(wait).await?;
        }
    }

    /// Stops what queries see for a moment, goes as far as that came, and changes places.
    async fn try_switch(&self, mover: &mut Mover<'_>) -> Result<Switched, ProjectionError> {
        for _ in 0..SWITCH_ATTEMPTS {
            mover.mark().await?;
            let live = freeze(&mover.client, &mover.lease, self.parts.clock.now()).await?;
            let outcome = match mover.replay(live.position, |_| {}, || false).await {
                Ok(()) => switch(&mut mover.client, &mover.lease, &live, mover.reached).await,
                Err(error) => Err(error),
            };
            if matches!(outcome, Ok(Switched::Done)) {
                return outcome;
            }
            // What is in use goes on, with a new attempt or without one.
            live.release(&mover.client).await?;
            outcome?;
            let again = self.parts.clock.now() + SWITCH_PAUSE;
            self.parts.clock.sleep_until(again).await;
        }
        Ok(Switched::InUse)
    }
}
