//! An event's bytes, the same on every backend and final: header, facts, sealed slots, salt, and the hash over them.

use crate::{Actor, CorrelationId, EventId, OrganizationId, Position, SealedSlots, StreamName, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;

/// Who, what, when and why of an event. Its stored form is RFC 8785 JSON: fields stand in the order of their names, and every value is an
/// integer below 2^53 or ASCII text that needs no escape, so serde_json's compact form is the canonical one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventHeader {
    pub actor: Actor,
    /// The event that this one reacts to.
    pub causation: Option<EventId>,
    pub correlation: CorrelationId,
    pub event_id: EventId,
    pub event_type: Cow<'static, str>,
    /// Microseconds since 1970, UTC. Retention, buckets and `asOf` use this time alone.
    #[serde(rename = "occurred_at_us")]
    pub occurred_at: Timestamp,
    pub organization: OrganizationId,
    /// Version of the facts' shape.
    pub schema_version: u16,
    pub stream: StreamName,
    /// Place in the stream, from 0.
    pub version: u64,
}

impl EventHeader {
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a header is a plain struct with text keys, which always has a JSON form")
    }
}

/// An event about to be appended; its version is settled by the append.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    pub id: EventId,
    pub event_type: Cow<'static, str>,
    pub schema_version: u16,
    pub occurred_at: Timestamp,
    pub actor: Actor,
    pub correlation: CorrelationId,
    pub causation: Option<EventId>,
    /// UTF-8 JSON without personal data.
    pub facts: Vec<u8>,
    pub slots: SealedSlots,
    /// Keeps equal events from having equal leaves.
    pub salt: [u8; 16],
}

impl NewEvent {
    pub fn header(&self, stream: StreamName, version: u64) -> EventHeader {
        EventHeader {
            actor: self.actor,
            causation: self.causation,
            correlation: self.correlation,
            event_id: self.id,
            event_type: self.event_type.clone(),
            occurred_at: self.occurred_at,
            organization: stream.organization,
            schema_version: self.schema_version,
            stream,
            version,
        }
    }
}

/// An event as the log holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedEvent {
    pub position: Position,
    pub header: EventHeader,
    /// The header's stored bytes: hashes are taken over these.
    pub header_bytes: Vec<u8>,
    pub facts: Vec<u8>,
    pub slots: SealedSlots,
    pub salt: [u8; 16],
    /// When the store wrote it; for operations only.
    pub recorded_at: Timestamp,
}

/// `SHA-256(0x00 ‖ salt ‖ SHA-256(header) ‖ SHA-256(facts) ‖ SHA-256(h₀ ‖ h₁ ‖ …))`: the leaf that the transparency log commits to (RFC 6962).
/// A dead envelope can be removed while its hash stays, and the leaf stays the same.
pub fn leaf_hash(salt: &[u8; 16], header: &[u8], facts: &[u8], slots: &SealedSlots) -> [u8; 32] {
    let envelopes = slots.hashes().fold(Sha256::new(), |hash, envelope| hash.chain_update(envelope));
    Sha256::new()
        .chain_update([0])
        .chain_update(salt)
        .chain_update(Sha256::digest(header))
        .chain_update(Sha256::digest(facts))
        .chain_update(envelopes.finalize())
        .finalize()
        .into()
}
