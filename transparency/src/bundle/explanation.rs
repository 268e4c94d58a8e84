//! An event of the platform that explains why something here cannot be opened, with the proof that it was recorded.

use super::event_line::write_line;
use super::manifest::EventsFormat;
use crate::tlog_proof::Proof;
use domain::RecordedEvent;
use serde::{Deserialize, Serialize};

/// A line of `explanations.jsonl`.
#[derive(Debug, Deserialize, Serialize)]
pub struct Explanation {
    /// A line as in `events.jsonl`.
    pub event: String,
    /// C2SP tlog-proof, with the checkpoint of the platform organisation's log.
    pub proof: String,
}

impl Explanation {
    pub fn line(event: &RecordedEvent, proof: &Proof) -> String {
        let line = Self { event: write_line(event, proof.index, EventsFormat::Jsonl), proof: proof.text() };
        serde_json::to_string(&line).expect("two texts have a JSON form") + "\n"
    }
}
