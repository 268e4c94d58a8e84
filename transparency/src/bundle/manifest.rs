//! `manifest.json`.

use domain::{KeyId, OrganizationId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub const MANIFEST_FORMAT: &str = "lethemail-history/1";

/// How `events.jsonl` writes events down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventsFormat {
    Jsonl,
    Cloudevents,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: String,
    pub organization: OrganizationId,
    pub events_format: EventsFormat,
    /// Place in the log of the first event.
    pub first: u64,
    pub count: u64,
    /// Of the checkpoint.
    pub tree_size: u64,
    pub event_types: BTreeMap<String, u64>,
    /// Keys that envelopes in here name, and that the installation said it does not have any more.
    pub unreadable_keys: Vec<KeyId>,
    /// By path.
    pub files: BTreeMap<String, FileEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    pub bytes: u64,
    pub sha256: String,
}

impl Manifest {
    /// Behind the last event.
    pub fn end(&self) -> u64 {
        self.first.saturating_add(self.count)
    }

    /// Whether the log is here from its first event to its last.
    pub fn is_whole(&self) -> bool {
        self.first == 0 && self.count == self.tree_size
    }
}
