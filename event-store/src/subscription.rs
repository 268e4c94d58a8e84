//! Reading on for ever: history first, then what comes, with no seam between the two.

use crate::head::Head;
use crate::{EventStore, Filter, ReadError, at};
use domain::{Position, RecordedEvent};
use tokio::sync::watch;

/// Positions read by one statement. With a filter, most of them may be of no interest, so it looks further at once.
const WINDOW: u64 = 1_000;
const WINDOW_FILTERED: u64 = 10_000;
/// The most events handed out at once.
const EVENTS_MAX: usize = 1_000;

#[derive(Clone, Debug, PartialEq)]
pub enum SubscriptionEvent {
    /// Up to 1,000 events, in order.
    Events(Vec<RecordedEvent>),
    /// Everything up to here was handed out or is of no interest. Comes again whenever the reader has caught up with new events.
    CaughtUp(Position),
}

/// A reader of the log. It always reads the log itself, up to a position known to be committed; news of new events only wakes it. So
/// lost, late or doubled news cannot make it skip or repeat anything.
pub struct Subscription {
    store: EventStore,
    filter: Filter,
    head: watch::Receiver<Head>,
    /// Everything up to here was handed out or passed over.
    position: u64,
    /// The position of the last `CaughtUp`.
    announced: Option<u64>,
}

impl Subscription {
    pub(crate) fn new(store: EventStore, after: Position, filter: Filter) -> Self {
        let head = store.watch_head();
        Self { store, filter, head, position: after.commit, announced: None }
    }

    /// The next events, or word of having caught up; waits for either. May be dropped and called again without losing anything. After an
    /// [`ReadError::Unavailable`] it may be called again as well.
    pub async fn next(&mut self) -> Result<SubscriptionEvent, ReadError> {
        loop {
            let head = match *self.head.borrow_and_update() {
                Head::At(head) => head,
                Head::Lost { head, .. } => return Err(ReadError::LogLost { head, reader: self.position }),
                Head::Closed => return Err(ReadError::Closed),
            };
            if self.position > head {
                self.check_ahead().await?;
            }
            if self.position < head {
                if let Some(events) = self.read_window(head).await? {
                    return Ok(SubscriptionEvent::Events(events));
                }
            } else if self.announced != Some(self.position) {
                self.announced = Some(self.position);
                return Ok(SubscriptionEvent::CaughtUp(at(self.position)));
            } else {
                self.head.changed().await.map_err(|_| ReadError::Closed)?;
            }
        }
    }

    async fn read_window(&mut self, head: u64) -> Result<Option<Vec<RecordedEvent>>, ReadError> {
        let window = if self.filter.is_everything() { WINDOW } else { WINDOW_FILTERED };
        let to = head.min(self.position + window);
        let mut events = self.store.read_range(self.position, to, EVENTS_MAX + 1, &self.filter).await?;
        self.position = to;
        if events.len() > EVENTS_MAX {
            // The rest is read again from behind the last event handed out.
            events.truncate(EVENTS_MAX);
            self.position = events.last().map_or(to, |event| event.position.commit);
        }
        Ok((!events.is_empty()).then_some(events))
    }

    /// A reader may know of a position before this process has heard of it; the log itself must have it.
    async fn check_ahead(&self) -> Result<(), ReadError> {
        let head = self.store.head().await?.commit;
        if head < self.position { Err(ReadError::LogLost { head, reader: self.position }) } else { Ok(()) }
    }
}
