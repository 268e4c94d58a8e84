//! Following a log whose positions are counted: 1, 2, 3, … without a gap. So a stretch of it is known to be whole.

use super::SubscriptionEvent;
use super::window::{BATCH_EVENTS_MAX, Window};
use crate::head::Head;
use crate::{Filter, MemoryStore, PostgresStore, ReadError, at};
use domain::Position;
use tokio::sync::watch;

/// Positions looked through by one statement where a filter is: most of them may be of no interest.
const FILTERED_SPAN: u64 = 10_000;

/// The backends that count.
pub(crate) enum CountedLog {
    Postgres(PostgresStore),
    Memory(MemoryStore),
}

impl CountedLog {
    fn watch_head(&self) -> watch::Receiver<Head> {
        match self {
            Self::Postgres(store) => store.watch_head(),
            Self::Memory(store) => store.watch_head(),
        }
    }

    async fn head(&self) -> Result<u64, ReadError> {
        match self {
            Self::Postgres(store) => store.reader().head().await,
            Self::Memory(store) => Ok(store.head()),
        }
    }

    async fn window(&self, after: u64, to: u64, limit: usize, filter: &Filter) -> Result<Window, ReadError> {
        match self {
            Self::Postgres(store) => store.reader().window(after, to, limit, filter).await,
            Self::Memory(store) => Ok(store.window(after, to, limit, filter)),
        }
    }
}

pub(crate) struct Counted {
    log: CountedLog,
    filter: Filter,
    head: watch::Receiver<Head>,
    /// Everything up to here was handed out or passed over.
    position: u64,
    /// The position of the last `CaughtUp`.
    announced: Option<u64>,
    /// How many events are asked for: fewer than [`BATCH_EVENTS_MAX`] after some that were large.
    limit: usize,
}

impl Counted {
    pub fn new(log: CountedLog, after: Position, filter: Filter) -> Self {
        let head = log.watch_head();
        Self { log, filter, head, position: after.commit, announced: None, limit: BATCH_EVENTS_MAX }
    }

    pub fn checkpoint(&self) -> Position {
        at(self.position)
    }

    pub async fn next(&mut self) -> Result<SubscriptionEvent, ReadError> {
        loop {
            let head = match *self.head.borrow_and_update() {
                Head::At(head) => head,
                Head::Lost { head, .. } => return Err(ReadError::LogLost { head: at(head), reader: at(self.position) }),
                Head::Closed => return Err(ReadError::Closed),
            };
            if self.position > head {
                self.check_ahead().await?;
            }
            if self.position < head {
                let window = self.read_window(head).await?;
                if !window.events.is_empty() {
                    return Ok(SubscriptionEvent::Events(window.events));
                }
            } else if self.announced != Some(self.position) {
                self.announced = Some(self.position);
                return Ok(SubscriptionEvent::CaughtUp(at(self.position)));
            } else {
                self.head.changed().await.map_err(|_| ReadError::Closed)?;
            }
        }
    }

    async fn read_window(&mut self, head: u64) -> Result<Window, ReadError> {
        let span = if self.filter.is_everything() { self.limit as u64 } else { FILTERED_SPAN };
        let to = head.min(self.position.saturating_add(span));
        let window = self.log.window(self.position, to, self.limit, &self.filter).await?;
        self.position = window.to;
        // Where events are large, the server is not asked for more than what is taken.
        self.limit = if window.is_heavy() { window.events.len() } else { BATCH_EVENTS_MAX.min(self.limit * 2) };
        Ok(window)
    }

    /// A reader may know of a position before this process has heard of it; the log itself must have it.
    async fn check_ahead(&self) -> Result<(), ReadError> {
        let head = self.log.head().await?;
        if head < self.position { Err(ReadError::LogLost { head: at(head), reader: at(self.position) }) } else { Ok(()) }
    }
}
