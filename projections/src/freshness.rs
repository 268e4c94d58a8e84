//! Reading one's own writes: waiting until read models have come as far as a position.

use crate::bookmark::position;
use crate::{QueryError, all, find};
use deadpool_postgres::Pool;
use domain::{Clock, Position};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How often the bookmarks are looked up while other processes move them.
const POLL: Duration = Duration::from_millis(25);

const BOOKMARKS: &str = "SELECT reader, position, version FROM ops.bookmark WHERE reader = ANY ($1)";

/// Cheap to clone. A projector in the same process reports here; otherwise the bookmarks are asked.
#[derive(Clone)]
pub struct Freshness {
    shared: Arc<Shared>,
}

struct Shared {
    pool: Pool,
    clock: Arc<dyn Clock>,
    marks: BTreeMap<&'static str, watch::Sender<Mark>>,
}

/// What is known of one projection.
#[derive(Clone, Copy, Default, PartialEq)]
struct Mark {
    position: Position,
    /// Moved by this process, so that its progress is known here at once.
    ours: bool,
}

impl Freshness {
    /// The pool's role must see `ops.bookmark`.
    pub fn new(pool: Pool, clock: Arc<dyn Clock>) -> Self {
        let marks = all().iter().map(|projection| (projection.name, watch::Sender::default())).collect();
        Self { shared: Arc::new(Shared { pool, clock, marks }) }
    }

    /// Whether those projections have applied everything up to `position`; waits for it up to `patience`. Unknown names are never fresh.
    pub async fn at_least(&self, names: &[&str], position: Position, patience: Duration) -> bool {
        let deadline = self.shared.clock.now() + patience;
        tokio::select! {
            biased;
            reached = self.reach(names, position) => reached,
            () = self.shared.clock.sleep_until(deadline) => false,
        }
    }

    async fn reach(&self, names: &[&str], position: Position) -> bool {
        for name in names {
            let Some(mark) = self.shared.marks.get(name) else { return false };
            let mut mark = mark.subscribe();
            while mark.borrow_and_update().position < position {
                let ours = mark.borrow().ours;
                let again = self.shared.clock.now() + POLL;
                if !ours && let Err(error) = self.look_up(names).await {
                    tracing::warn!(%error, "the bookmarks cannot be read");
                }
                if mark.borrow().position >= position {
                    break;
                }
                tokio::select! {
                    changed = mark.changed() => if changed.is_err() { return false },
                    () = self.shared.clock.sleep_until(again), if !ours => {}
                }
            }
        }
        true
    }

    async fn look_up(&self, names: &[&str]) -> Result<(), QueryError> {
        let client = self.shared.pool.get().await?;
        let statement = client.prepare_cached(BOOKMARKS).await?;
        for row in client.query(&statement, &[&names]).await? {
            let Some(projection) = find(row.get(0)) else { continue };
            let Some(mark) = self.shared.marks.get(projection.name) else { continue };
            // Content of another version does not have the rows that this program expects.
            let found = if row.get::<_, i32>(2) == projection.version { position(row.get(1)) } else { Position::START };
            mark.send_if_modified(|mark| {
                let news = !mark.ours && mark.position != found;
                if news {
                    mark.position = found;
                }
                news
            });
        }
        Ok(())
    }

    /// This process moves the projection, and has come this far.
    pub(crate) fn report(&self, name: &'static str, position: Position) {
        if let Some(mark) = self.shared.marks.get(name) {
            mark.send_replace(Mark { position, ours: true });
        }
    }

    /// This process does not move it any more. Whoever does may have started it over.
    pub(crate) fn forget(&self, name: &'static str) {
        if let Some(mark) = self.shared.marks.get(name) {
            mark.send_replace(Mark::default());
        }
    }
}
