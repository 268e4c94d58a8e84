//! What readers ask for, and what can go wrong.

use crate::Fault;
use domain::{Category, OrganizationId, RecordedEvent};

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
    LogLost { head: u64, reader: u64 },
    /// Positions have no gaps, so a missing one means that the log was damaged.
    #[error("the log has no event at some position between {after} and {to}")]
    Gap { after: u64, to: u64 },
    #[error("the event at position {position} cannot be decoded")]
    Damaged { position: u64 },
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
