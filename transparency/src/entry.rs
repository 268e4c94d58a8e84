//! What a leaf is the hash of: the event's salt and three hashes, which tell nothing to those who do not have the event.

use crate::hash::{Hash, leaf_hash};
use domain::{RecordedEvent, SealedSlots};
use sha2::{Digest, Sha256};

pub const ENTRY_BYTES: usize = 16 + 3 * 32;

/// `salt ‖ SHA-256(header) ‖ SHA-256(facts) ‖ SHA-256(h₀ ‖ h₁ ‖ …)`. Its leaf hash is `domain::leaf_hash` of the event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry(pub [u8; ENTRY_BYTES]);

impl Entry {
    pub fn of(event: &RecordedEvent) -> Self {
        Self::from_parts(&event.salt, &event.header_bytes, &event.facts, &event.slots)
    }

    pub fn from_parts(salt: &[u8; 16], header: &[u8], facts: &[u8], slots: &SealedSlots) -> Self {
        let envelopes = slots.hashes().fold(Sha256::new(), |hash, envelope| hash.chain_update(envelope));
        let mut entry = [0; ENTRY_BYTES];
        entry[..16].copy_from_slice(salt);
        entry[16..48].copy_from_slice(&Sha256::digest(header));
        entry[48..80].copy_from_slice(&Sha256::digest(facts));
        entry[80..].copy_from_slice(&envelopes.finalize());
        Self(entry)
    }

    pub fn leaf(&self) -> Hash {
        leaf_hash(&self.0)
    }
}

/// Entries as tlog-tiles bundles them: each behind its length in two bytes, big-endian.
pub fn bundle<'a>(entries: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        let length = u16::try_from(entry.len()).expect("an entry is a hundred bytes or a checkpoint, far below 64 KiB");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(entry);
    }
    bytes
}

/// `None`: cut short.
pub fn parse_bundle(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<2>()?;
        let (entry, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
        bytes = rest;
    }
    Some(entries)
}
