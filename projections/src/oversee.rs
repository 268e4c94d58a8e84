//! What nobody asked for but must happen: content of an older version is made anew, and what a dead process left half done is carried on or cleared.

use crate::generation::Generation;
use crate::projector::patience;
use crate::side_room::discard;
use crate::{Projection, ProjectionError, Projector};
use event_store::ReadError;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};

/// How often it is looked.
const ROUND: Duration = Duration::from_secs(2);

const LOOK: &str =
    "SELECT reader, version, lease IS NOT NULL AND lease_expires_at_us > $2 AS held FROM ops.bookmark WHERE reader = ANY ($1)";

/// What is to be done about a projection.
enum Task {
    Nothing,
    Build,
    Discard(Generation),
}

/// The bookmark of a generation.
#[derive(Clone, Copy)]
struct Seen {
    version: i32,
    held: bool,
}

impl Projector {
    pub(crate) async fn oversee(
        self,
        projection: &'static Projection,
        builds: Arc<Semaphore>,
        mut shutdown: watch::Receiver<bool>,
    ) -> Result<(), ProjectionError> {
        while !*shutdown.borrow_and_update() {
            let wait = match self.look_after(projection, &builds, &mut shutdown).await {
                // Another process was quicker, or the log closes, which ends the projector as well.
                Ok(()) | Err(ProjectionError::Busy | ProjectionError::Read(ReadError::Closed)) => ROUND,
                Err(error) => {
                    tracing::warn!(projection = projection.name, %error, "a read model is not made anew");
                    patience(&error).max(ROUND)
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

    async fn look_after(
        &self,
        projection: &'static Projection,
        builds: &Semaphore,
        shutdown: &mut watch::Receiver<bool>,
    ) -> Result<(), ProjectionError> {
        match self.task(projection).await? {
            Task::Nothing => Ok(()),
            Task::Discard(generation) => {
                let mut client = self.parts.pool.get().await?;
                discard(&mut client, projection, generation, self.parts.clock.now()).await.map(|_| ())
            }
            Task::Build => {
                let permit = tokio::select! {
                    permit = builds.acquire() => permit,
                    _ = shutdown.wait_for(|stopping| *stopping) => return Ok(()),
                };
                let _permit = permit.expect("the permits are never taken back");
                tracing::info!(
                    projection = projection.name,
                    version = projection.version,
                    "a read model is made anew beside the present one"
                );
                self.build(projection, shutdown, |_| {}).await
            }
        }
    }

    async fn task(&self, projection: &Projection) -> Result<Task, ProjectionError> {
        let client = self.parts.pool.get().await?;
        let statement = client.prepare_cached(LOOK).await?;
        let generations = [Generation::Live, Generation::Next, Generation::Check];
        let readers = generations.map(|generation| generation.reader(projection));
        let now = self.parts.clock.now().micros();
        let rows = client.query(&statement, &[&&readers[..], &now]).await?;
        let [live, next, check] = readers.map(|reader| {
            let row = rows.iter().find(|row| row.get::<_, &str>(0) == reader)?;
            Some(Seen { version: row.get(1), held: row.get(2) })
        });
        Ok(choose(projection.version, live, next, check))
    }
}

fn choose(known: i32, live: Option<Seen>, next: Option<Seen>, check: Option<Seen>) -> Task {
    let left = |seen: Option<Seen>| seen.filter(|seen| !seen.held);
    match (live, left(next)) {
        _ if left(check).is_some() => Task::Discard(Generation::Check),
        (Some(live), _) if live.version < known && !next.is_some_and(|next| next.held) => Task::Build,
        (_, Some(next)) if next.version == known => Task::Build,
        (_, Some(next)) if next.version < known => Task::Discard(Generation::Next),
        _ => Task::Nothing,
    }
}
