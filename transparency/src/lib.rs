//! The Merkle logs over recorded events: one an organisation, and one of the platform whose leaves are the organisations' checkpoints.
//!
//! Hashes as in RFC 6962, tiles as in C2SP tlog-tiles, checkpoints as signed notes, so that programs which others wrote verify them. A leaf
//! commits to ciphertext only. This crate holds no key and no cipher: whoever calls signs the text of a [`Checkpoint`], and brings along what verifies
//! ([`VerifySignature`]).

mod bundle;
mod checkpoint;
mod cosignatures;
mod edge;
mod entry;
mod export;
mod hash;
mod integrate;
mod lease;
mod logs;
mod note;
mod proof;
mod read_logs;
mod rows;
mod tile;
mod tlog_proof;
mod verifier_key;
mod verify;

pub use bundle::*;
pub use checkpoint::{Checkpoint, CheckpointError, Log, former_entry, platform_entry};
pub use cosignatures::{Cosigning, Witnesses};
pub use edge::{Edge, FullTile};
pub use entry::{ENTRY_BYTES, Entry, bundle, parse_bundle};
pub use export::{Export, ExportError};
pub use hash::{Hash, empty_root, hex_digest, leaf_hash, node_hash};
pub use lease::Lease;
pub use logs::{Logs, LogsError, Parts, Unsigned, holds};
pub use note::{Note, NoteError, NoteSignature};
pub use proof::{Node, Nodes, ProofError, consistency_proof, inclusion_proof, root_at, tiles_for, verify_consistency, verify_inclusion};
pub use tile::{TILE_WIDTH, TileId, TilePathError, node_in_tile, tiles_of};
pub use tlog_proof::Proof;
pub use verifier_key::{Algorithm, VerifierKey, VerifierKeyError, VerifySignature, cosigned};
pub use verify::{BEGINNINGS, Fault, Report, Verdict, VerifyError, VerifyOptions, explains_keys, verify_bundle};
