//! How things were: aggregates folded to a moment of the past, what changed between two moments, and which events did it.
//!
//! It reads the log and folds with the same `evolve` that decides about the present, so it needs no read model and no waiting, and is never behind.
//! Personal data stays sealed: whoever shows it opens it, for a purpose, and learns there that keys are gone. It must not know keys, HTTP or SQL.
//!
//! A moment in time means the time at which things happened (`occurred_at`), as retention and buckets do; when the store wrote an event
//! (`recorded_at`) says nothing here. An event can be recorded a little after it is dated, so a state of just now may still gain an event;
//! a state at a position never changes.

mod as_of;
mod diff;
mod fields;
mod listing;
mod moment;
mod timeline;

pub use as_of::Past;
pub use diff::{Cause, Change};
pub use fields::{FieldValue, Fields, Portrait, SealedValue};
pub use listing::PastPage;
pub use moment::Moment;
pub use timeline::Entry;

use domain::{Clock, DecodeError, Position};
use event_store::{EventStore, ReadError};
use std::sync::Arc;

/// Looks back. Cheap to clone.
#[derive(Clone)]
pub struct History {
    pub(crate) store: EventStore,
    pub(crate) clock: Arc<dyn Clock>,
}

impl History {
    pub fn new(store: EventStore, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    #[error("the moment is in the future")]
    Future,
    #[error("the moment is before the organisation's beginning")]
    BeforeBeginning,
    #[error("the first moment is after the second")]
    Backwards,
    #[error("more than {} events lie between the two moments", diff::EVENTS_MAX)]
    TooMuch,
    #[error("nothing is folded from streams of this kind")]
    NoState,
    #[error("the event at position {position} cannot be decoded")]
    Undecodable {
        position: Position,
        #[source]
        error: DecodeError,
    },
    #[error(transparent)]
    Read(#[from] ReadError),
}
