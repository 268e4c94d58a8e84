//! How far the log is known to reach, and who is told.

use super::reader::Reader;
use crate::ReadError;
use domain::Position;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The last event that is known: a stretch of the log that contains it is whole up to there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub position: Position,
    pub stream: Arc<str>,
    pub event_type: Arc<str>,
}

#[derive(Clone, Debug)]
pub(super) enum End {
    /// `None` while the log is empty, as far as is known.
    Known(Option<Mark>),
    /// The log was found to end at `head` after `seen` had been read from it.
    Lost {
        head: Position,
        seen: Position,
    },
    /// The address leads to another log now.
    Replaced,
    Closed,
}

impl End {
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Known(mark) => Some(mark.as_ref().map_or(Position::START, |mark| mark.position)),
            Self::Lost { .. } | Self::Replaced | Self::Closed => None,
        }
    }
}

/// Moves the end forward; a late report of an earlier one changes nothing.
pub(super) fn advance(sender: &watch::Sender<End>, mark: &Mark) {
    sender.send_if_modified(|end| {
        let further = end.position().is_some_and(|known| known < mark.position);
        if further {
            *end = End::Known(Some(mark.clone()));
        }
        further
    });
}

/// Tells every reader and writer that this is not the log any more that they know. It stays so until the process is started again.
pub(super) fn give_up(sender: &watch::Sender<End>, why: End) {
    sender.send_if_modified(|end| {
        let is_open = end.position().is_some();
        if is_open {
            *end = why;
        }
        is_open
    });
}

/// Looks at the end between two looks for connections that the client has made again by itself.
const CONNECTIONS_EVERY: u64 = 100;
/// And between two looks at the log's beginning while nothing comes.
const BEGINNING_EVERY: u64 = 20;

/// Looks the end up again and again: that is how this process hears of what others write.
pub(super) struct Watcher {
    pub reader: Reader,
    pub end: Arc<watch::Sender<End>>,
    pub interval: Duration,
}

impl Watcher {
    /// Runs until aborted, or until the log is found to have lost events.
    pub async fn run(self) {
        for look in 1_u64.. {
            if look.is_multiple_of(CONNECTIONS_EVERY) {
                self.reader.supervisor.make_prompt();
            }
            // Taken before the look: what is known then must be in the log.
            let Some(seen) = self.end.borrow().position() else { return };
            if let Ok(mark) = self.reader.head(seen).await {
                let head = mark.as_ref().map_or(Position::START, |mark| mark.position);
                if (head != seen || look.is_multiple_of(BEGINNING_EVERY)) && !self.is_same_log().await {
                    continue;
                }
                if head < seen {
                    tracing::error!(%head, %seen, "the log has lost events: nothing more is read or written");
                    return give_up(&self.end, End::Lost { head, seen });
                }
                mark.iter().for_each(|mark| advance(&self.end, mark));
            }
            super::pause(self.interval).await;
        }
    }

    /// `false` as well when that cannot be seen now: what was read is not believed then.
    async fn is_same_log(&self) -> bool {
        match self.reader.check_landmark().await {
            Ok(()) => true,
            Err(ReadError::AnotherLog) => {
                tracing::error!("the address leads to another log: nothing more is read or written");
                give_up(&self.end, End::Replaced);
                false
            }
            Err(_) => false,
        }
    }
}
