//! A piece of history as files, which anybody verifies without this installation.
//!
//! ```text
//! manifest.json            what is in it, with the SHA-256 of every file
//! events.jsonl             the events as they are stored, one a line, in the log's order
//! checkpoint               how large the log was and what its root was, signed
//! tile/…                   the log's tiles and entries (C2SP tlog-tiles)
//! platform/checkpoint      the platform log's checkpoint, with the witnesses' signatures where there are any
//! platform/proof           that the checkpoint above is a leaf of it (C2SP tlog-proof)
//! platform/cosigned        the newest of the platform log's checkpoints that a witness has signed, when there is one
//! platform/consistency     that the platform log goes on from that one: the hashes of the proof, one a line
//! platform/former          after a loss: that the former platform log's last checkpoint is the first leaf of this one (C2SP tlog-proof)
//! keys                     the public keys, as verifiers read them
//! explanations.jsonl       events of the platform that destroyed keys which are named here or tell of a loss, with proofs
//! schemas/…                the form of each type of event's facts (JSON Schema)
//! ```

mod event_line;
mod explanation;
mod manifest;

pub(crate) use event_line::HeaderView;
pub use event_line::{EventLine, LineError, StoredEvent, write_line};
pub use explanation::Explanation;
pub use manifest::{EventsFormat, FileEntry, MANIFEST_FORMAT, Manifest};
