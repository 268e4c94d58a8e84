//! What an append asks and what it answers.

use crate::Fault;
use domain::{NewEvent, Position, StreamName};
use std::collections::HashSet;

/// The most that one append may weigh, in bytes, by [`StreamAppend::weight`]: KurrentDB's limit for an append, which every backend keeps.
pub const APPEND_BYTES_MAX: usize = 1 << 20;

/// What an event weighs beside its facts and envelopes: header, salt and framing, rounded up.
const EVENT_OVERHEAD: usize = 1024;

/// Which version the caller believes the stream to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedVersion {
    Any,
    NoStream,
    StreamExists,
    /// The version of the stream's last event; the first event has version 0.
    Exact(u64),
}

/// Events for one stream, appended together or not at all.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamAppend {
    pub stream: StreamName,
    pub expected: ExpectedVersion,
    pub events: Vec<NewEvent>,
}

/// Where the events stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub first_version: u64,
    pub last_version: u64,
    /// Of the last event.
    pub position: Position,
    /// The same events were there already: this was a repeat, and nothing was written by it.
    pub already: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The stream is at another version than expected. Fold it again and decide again.
    #[error("the stream is at version {actual:?}, not where the append expects it")]
    WrongVersion { actual: Option<u64> },
    /// Some of the ids stand in the stream, but not as this append would have written them; or one id stands in it twice.
    #[error("an event id of this append was used before")]
    EventIdReused,
    #[error("the append weighs {bytes} bytes, and {limit} are allowed")]
    TooLarge { bytes: usize, limit: usize },
    #[error("the append holds no event")]
    Empty,
    /// Nothing of it was written.
    #[error("the log cannot be written: {0}")]
    Unavailable(Fault),
    /// The connection was lost while the append was under way and could not be had again: it may or may not have been written. Repeating it
    /// with the same ids is safe and tells.
    #[error("the connection was lost during the append, and its outcome is unknown: {0}")]
    OutcomeUnknown(Fault),
    /// The log ends before events that this process has seen, as after a fail-over that lost some. Writing on would hide the loss.
    #[error("the log ends at {head}, before position {seen}, which was written: events were lost")]
    LogLost { head: Position, seen: Position },
    /// The address leads to another log than the one that this process began with: writing there would mix two of them.
    #[error("the server holds another log than it did before")]
    AnotherLog,
    #[error("the event store is shutting down")]
    ShuttingDown,
}

impl StreamAppend {
    /// What it weighs against [`APPEND_BYTES_MAX`]: facts, envelopes, and a kilobyte an event for the rest.
    pub fn weight(&self) -> usize {
        self.events.iter().map(weight).sum()
    }

    /// Its weight in bytes, or why it can never be appended.
    pub(crate) fn check(&self) -> Result<usize, AppendError> {
        if self.events.is_empty() {
            return Err(AppendError::Empty);
        }
        if self.events.len() > 1 && self.events.iter().map(|event| event.id).collect::<HashSet<_>>().len() != self.events.len() {
            return Err(AppendError::EventIdReused);
        }
        let bytes = self.weight();
        if bytes > APPEND_BYTES_MAX {
            return Err(AppendError::TooLarge { bytes, limit: APPEND_BYTES_MAX });
        }
        Ok(bytes)
    }
}

fn weight(event: &NewEvent) -> usize {
    let envelopes: usize = event.slots.iter().map(slot_weight).sum();
    EVENT_OVERHEAD + event.facts.len() + envelopes
}

fn slot_weight(slot: &domain::SlotContent) -> usize {
    let framing = 5;
    match slot {
        domain::SlotContent::Envelope(bytes) => framing + bytes.len(),
        domain::SlotContent::Withheld => framing,
        domain::SlotContent::Removed(hash) => framing + hash.len(),
    }
}
