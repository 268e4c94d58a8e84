//! What a log is called: to tell another log from the one that read models, bookmarks and clients' positions belong to.

use domain::{EventId, RecordedEvent};
use sha2::{Digest, Sha256};
use std::fmt;

/// Of a log that holds an event; an empty one has no name yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogName {
    /// The same in every copy of the log.
    pub first_event: EventId,
    /// Of this log and its positions: another one in a copy, the same in the server's own backup.
    pub id: [u8; 8],
}

impl LogName {
    /// By the log's first event, and where and when this store wrote it.
    pub(crate) fn of(first: &RecordedEvent) -> Self {
        let first_event = first.header.event_id;
        let hash = Sha256::new()
            .chain_update(first_event.0.as_bytes())
            .chain_update(first.position.to_bytes())
            .chain_update(first.recorded_at.micros().to_be_bytes())
            .finalize();
        Self { first_event, id: hash[..8].try_into().expect("a hash has more than eight bytes") }
    }

    /// The same events, in another store.
    pub fn is_copy_of(&self, other: &Self) -> bool {
        self.first_event == other.first_event && self.id != other.id
    }
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.id.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
