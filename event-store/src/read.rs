//! What readers ask for, and what can go wrong.

use crate::Fault;
use domain::{Category, OrganizationId, Position, RecordedEvent};

/// Behind every event there will ever be: where reading the whole log backwards begins.
pub const LOG_END: Position = Position { commit: u64::MAX, prepare: u64::MAX };

/// Which way a stream is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Forwards,
    Backwards,
}

/// The event of a stream that is read first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    /// The event of this version. Behind the stream's end there is nothing to read forwards; backwards, the last event comes first.
    Version(u64),
    /// The last event when reading backwards; nothing when reading forwards.
    End,
}

impl ReadFrom {
    pub const START: Self = Self::Version(0);
}

/// Which events a reader wants. Empty fields ask for everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub categories: Vec<Category>,
    pub organization: Option<OrganizationId>,
    pub event_types: Vec<String>,
}

impl Filter {
    pub fn categories(categories: &[Category]) -> Self {
        Self { categories: categories.to_vec(), ..Self::default() }
    }

    pub fn is_everything(&self) -> bool {
        *self == Self::default()
    }

    pub fn matches(&self, event: &RecordedEvent) -> bool {
        let header = &event.header;
        (self.categories.is_empty() || self.categories.contains(&header.stream.category))
            && self.organization.is_none_or(|organization| organization == header.organization)
            && (self.event_types.is_empty() || self.event_types.iter().any(|wanted| *wanted == header.event_type))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("the log cannot be read: {0}")]
    Unavailable(Fault),
    /// The log ends before the reader's own position, as after a fail-over that lost events. What follows there is another history.
    #[error("the log ends at {head}, before the reader's position {reader}: events were lost")]
    LogLost { head: Position, reader: Position },
    /// Where a backend counts positions they have no gaps, so a missing one means that the log was damaged.
    #[error("the log has no event at some position between {after} and {to}")]
    Gap { after: Position, to: Position },
    #[error("the event at position {position} cannot be decoded")]
    Damaged { position: Position },
    /// The address leads to another log than the one that this process began with.
    #[error("the server holds another log than it did before")]
    AnotherLog,
    #[error("the event store was shut down")]
    Closed,
}

impl From<tokio_postgres::Error> for ReadError {
    fn from(error: tokio_postgres::Error) -> Self {
        ReadError::Unavailable(error.into())
    }
}

impl From<deadpool_postgres::PoolError> for ReadError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        ReadError::Unavailable(error.into())
    }
}
