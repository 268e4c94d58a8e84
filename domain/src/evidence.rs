//! What vouches for the history, and who took a copy of it away.

use crate::aggregate::{Aggregate, Recorded};
use crate::fact::{events, facts, vocabulary};
use crate::{Category, Draft, OrganizationId, RootHash, Timestamp};

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
}

events! {
    pub enum EvidenceEvent {
        CheckpointsRecorded(CheckpointsRecorded) = 1,
        HistoryExported(HistoryExported) = 1,
    }
}

/// The platform's record of checkpoints (one stream), or one export.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    pub checkpoints: u64,
    pub exported: bool,
}

impl Aggregate for Evidence {
    type Event = EvidenceEvent;
    const CATEGORY: Category = Category::Evidence;

    fn evolve(&mut self, recorded: &Recorded<EvidenceEvent>) {
        match &recorded.event {
            EvidenceEvent::CheckpointsRecorded(event) => self.checkpoints += event.checkpoints.len() as u64,
            EvidenceEvent::HistoryExported(_) => self.exported = true,
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
}
