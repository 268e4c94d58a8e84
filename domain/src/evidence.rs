//! What vouches for the history, and who took a copy of it away.

use crate::aggregate::{Aggregate, Recorded};
use crate::fact::{events, facts, vocabulary};
use crate::{Category, Draft, EventId, OrganizationId, PublicKey, RootHash, StreamName, Timestamp};
use uuid::Uuid;

vocabulary! {
    /// How exported events are written down.
    pub enum ExportFormat {
        Jsonl,
        Cloudevents,
    }
}

facts! {
    /// How large an organisation's log was, and what its Merkle root was.
    pub struct RecordedCheckpoint {
        pub organization: OrganizationId,
        pub size: u64,
        pub root: RootHash,
    }
    /// The next leaves of the platform log, in this order. Nothing is signed that is not recorded here first.
    pub struct CheckpointsRecorded {
        pub checkpoints: Vec<RecordedCheckpoint>,
    }
    /// A copy of the organisation's history was made for somebody outside.
    pub struct HistoryExported {
        pub format: ExportFormat,
        /// Only what happened from then on.
        pub since: Option<Timestamp>,
        /// Only what happened before then.
        pub until: Option<Timestamp>,
    }
    /// A platform log that nothing is added to any more: the key that signed it, and how far it had come.
    pub struct FormerLog {
        pub key: PublicKey,
        pub size: u64,
        pub root: RootHash,
    }
    /// Events are missing that are known to have been here, and an operator goes on without them.
    pub struct LossAccepted {
        /// The last event before the gap, and when it happened.
        pub last_event: Option<EventId>,
        pub since: Option<Timestamp>,
        /// An event that is missing, the last one that anything outside the log names, and when it happened. None: destroyed keys alone tell of the loss.
        pub missing_event: Option<EventId>,
        pub until: Option<Timestamp>,
        /// Keys that were destroyed, and of whose destruction this log says nothing.
        pub unexplained_keys: u64,
        /// What was signed before holds more than this log does. A new key signs from here on, and its platform log begins with this one's last checkpoint.
        pub former: Option<FormerLog>,
    }
}

/// What is known outside the log of how far it had come: the last recording of checkpoints that something was signed of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogEnd {
    pub event: EventId,
    /// Its version in the stream of recordings, which is the same in every copy of the log.
    pub version: u64,
    pub leaf: [u8; 32],
    pub at: Timestamp,
}

events! {
    pub enum EvidenceEvent {
        CheckpointsRecorded(CheckpointsRecorded) = 1,
        HistoryExported(HistoryExported) = 1,
        LossAccepted(LossAccepted) = 1,
    }
}

/// The platform's record of checkpoints (one stream), or one export.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    pub checkpoints: u64,
    pub exported: bool,
    pub losses: Vec<LossAccepted>,
}

impl Aggregate for Evidence {
    type Event = EvidenceEvent;
    const CATEGORY: Category = Category::Evidence;

    fn evolve(&mut self, recorded: &Recorded<EvidenceEvent>) {
        match &recorded.event {
            EvidenceEvent::CheckpointsRecorded(event) => self.checkpoints += event.checkpoints.len() as u64,
            EvidenceEvent::HistoryExported(_) => self.exported = true,
            EvidenceEvent::LossAccepted(event) => self.losses.push(event.clone()),
        }
    }
}

impl Evidence {
    pub fn record(checkpoints: Vec<RecordedCheckpoint>) -> Draft<EvidenceEvent> {
        Draft::plain(CheckpointsRecorded { checkpoints })
    }

    /// Once: an export that is tried again is the same export.
    pub fn export(&self, format: ExportFormat, since: Option<Timestamp>, until: Option<Timestamp>) -> Vec<Draft<EvidenceEvent>> {
        if self.exported { vec![] } else { vec![Draft::plain(HistoryExported { format, since, until })] }
    }

    /// Once: whoever was interrupted says it again. The same key can not have signed two logs.
    pub fn accept_loss(&self, loss: LossAccepted) -> Vec<Draft<EvidenceEvent>> {
        let is_known = |known: &LossAccepted| match (&known.former, &loss.former) {
            (Some(known), Some(former)) => known.key == former.key,
            _ => *known == loss,
        };
        if self.losses.iter().any(is_known) { vec![] } else { vec![Draft::plain(loss)] }
    }

    /// One stream holds all recordings, so that of two processes that record at once one is refused.
    pub fn stream_of_recordings() -> StreamName {
        StreamName::new(Category::Evidence, OrganizationId::PLATFORM, Uuid::nil())
    }
}
