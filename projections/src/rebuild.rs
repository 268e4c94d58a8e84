//! Making a read model again from the log, beside a running system.

use crate::feed::Batch;
use crate::projector::Mover;
use crate::source::read_history;
use crate::{Projection, ProjectionError, Projector};
use domain::Position;
use event_store::ReadError;

/// How far a rebuild has come, and where the log ended when it began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub reached: Position,
    pub head: Position,
}

impl Projector {
    /// Empties the projection and fills it again up to the log's end. Takes the lease from a process that runs the projection; that one
    /// goes on when this is done. Queries see the content grow meanwhile.
    pub async fn rebuild(&self, projection: &'static Projection, mut progress: impl FnMut(Progress)) -> Result<(), ProjectionError> {
        let head = self.parts.store.head().await?;
        let mut mover = Mover::begin_anew(&self.parts, projection).await?;
        let rebuilt = self.replay(&mut mover, projection, |reached| progress(Progress { reached, head })).await;
        let ended = mover.end().await;
        self.parts.freshness.forget(projection.name);
        rebuilt.and(ended)
    }

    async fn replay(
        &self,
        mover: &mut Mover<'_>,
        projection: &Projection,
        mut report: impl FnMut(Position),
    ) -> Result<(), ProjectionError> {
        let mut history = read_history(&self.parts.store, &projection.filter(), mover.reached);
        loop {
            mover.mark_if_due().await?;
            let news = tokio::select! {
                news = history.recv() => news.unwrap_or(Err(ReadError::Closed))?,
                () = self.parts.clock.sleep_until(mover.mark_at) => continue,
            };
            let batch = Batch::read(news, mover.reached);
            let done = batch.is_end;
            mover.apply(batch).await?;
            report(mover.reached);
            if done {
                return Ok(());
            }
        }
    }
}
