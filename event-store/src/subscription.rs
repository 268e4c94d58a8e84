//! Reading on for ever: history first, then what comes, with no seam between the two.

mod counted;
mod window;

use crate::{Filter, KurrentdbStore, ReadError, kurrentdb};
use counted::Counted;
pub(crate) use counted::CountedLog;
use domain::{Position, RecordedEvent};
use std::time::Duration;
pub(crate) use window::Window;
pub use window::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX};

#[derive(Clone, Debug, PartialEq)]
pub enum SubscriptionEvent {
    /// Up to 1,000 events, in order.
    Events(Vec<RecordedEvent>),
    /// Everything up to here was handed out or is of no interest. Comes again whenever the reader has caught up with new events.
    CaughtUp(Position),
}

/// A reader of the log. It always reads the log itself, up to a position known to be committed; news of new events only wakes it. So
/// lost, late or doubled news cannot make it skip or repeat anything. It reads when it is asked: a slow reader holds up nobody, and
/// holds no more than what it was handed last.
pub struct Subscription {
    following: Following,
    pace: Duration,
    /// The last word was that of having caught up.
    at_end: bool,
}

/// Each backend reads on in its own way.
enum Following {
    Counted(Counted),
    Kurrentdb(kurrentdb::Following),
}

impl Subscription {
    pub(crate) fn counted(log: CountedLog, after: Position, filter: Filter) -> Self {
        Self::new(Following::Counted(Counted::new(log, after, filter)))
    }

    pub(crate) fn kurrentdb(store: &KurrentdbStore, after: Position, filter: Filter) -> Self {
        Self::new(Following::Kurrentdb(store.follow(after, filter)))
    }

    fn new(following: Following) -> Self {
        Self { following, pace: Duration::ZERO, at_end: false }
    }

    /// At the log's end, reads are at least this far apart. Under load the reader is later by as much, and gets its events in fewer and larger batches.
    #[must_use]
    pub fn paced(self, pace: Duration) -> Self {
        Self { pace, ..self }
    }

    /// The next events, or word of having caught up; waits for either. May be dropped and called again without losing anything. After an
    /// [`ReadError::Unavailable`] it may be called again as well.
    pub async fn next(&mut self) -> Result<SubscriptionEvent, ReadError> {
        if std::mem::take(&mut self.at_end) && !self.pace.is_zero() {
            #[expect(clippy::disallowed_methods, reason = "it spreads the load; nothing is decided by it")]
            tokio::time::sleep(self.pace).await;
        }
        let news = match &mut self.following {
            Following::Counted(following) => following.next().await,
            Following::Kurrentdb(following) => following.next().await,
        };
        self.at_end = matches!(news, Ok(SubscriptionEvent::CaughtUp(_)));
        news
    }

    /// From where to subscribe again without missing or repeating anything: everything up to here was handed out or is of no interest. With a
    /// filter it moves on even while nothing is handed out, so it is worth keeping now and then.
    pub fn checkpoint(&self) -> Position {
        match &self.following {
            Following::Counted(following) => following.checkpoint(),
            Following::Kurrentdb(following) => following.checkpoint(),
        }
    }
}
