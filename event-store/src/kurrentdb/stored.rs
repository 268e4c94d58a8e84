//! How an event's four byte strings lie in KurrentDB. Decided for good: stored events are never rewritten.
//!
//! Stream, event id, event type and version are KurrentDB's own. The metadata is JSON, and its `$correlationId` and `$causationId` are for
//! the server's own tools:
//!
//! ```json
//! {"$correlationId":"…","$causationId":"…","header":{…},"salt":"base64","sealed":"base64"}
//! ```
//!
//! `header` stands there byte for byte. The data are the facts, which the server's tools show as JSON. Text takes a third more room than
//! bytes, so where an append would pass the server's limit in this form, its events lack `sealed`, and their data are the length of the
//! facts (u32, big-endian), the facts, and the envelopes.

use super::client::{Found, Proposal};
use crate::{APPEND_BYTES_MAX, ReadError, StreamAppend};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use domain::{EventHeader, NewEvent, RecordedEvent, SealedSlots, StreamName, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

#[derive(Serialize, Deserialize)]
struct Metadata<'a> {
    #[serde(rename = "$correlationId")]
    correlation: String,
    #[serde(rename = "$causationId", skip_serializing_if = "Option::is_none", default)]
    causation: Option<String>,
    #[serde(borrow)]
    header: &'a RawValue,
    salt: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    sealed: Option<String>,
}

/// The append's events as they are handed to the server, the first one with this version.
pub(super) fn proposals(append: &StreamAppend, first_version: u64) -> Vec<Proposal> {
    let with = |as_text| -> Vec<Proposal> {
        let versions = first_version..;
        append.events.iter().zip(versions).map(|(event, version)| proposal(append.stream, event, version, as_text)).collect()
    };
    let proposals = with(true);
    if proposals.iter().map(weight).sum::<usize>() <= APPEND_BYTES_MAX { proposals } else { with(false) }
}

/// As the server weighs it: its types are UTF-16.
fn weight(proposal: &Proposal) -> usize {
    2 * proposal.event_type.len() + proposal.data.len() + proposal.metadata.len()
}

fn proposal(stream: StreamName, event: &NewEvent, version: u64, as_text: bool) -> Proposal {
    let header = String::from_utf8(event.header(stream, version).to_bytes()).expect("a header is JSON text");
    let header = RawValue::from_string(header).expect("a header is JSON");
    let sealed = event.slots.encode();
    let metadata = Metadata {
        correlation: event.correlation.to_string(),
        causation: event.causation.map(|causation| causation.to_string()),
        header: &header,
        salt: STANDARD.encode(event.salt),
        sealed: as_text.then(|| STANDARD.encode(&sealed)),
    };
    let metadata = serde_json::to_vec(&metadata).expect("metadata are plain text fields");
    let data = if as_text { Bytes::copy_from_slice(&event.facts) } else { framed(&event.facts, &sealed) };
    Proposal { id: event.id.0, event_type: event.event_type.clone().into_owned(), data, metadata: metadata.into() }
}

fn framed(facts: &[u8], sealed: &[u8]) -> Bytes {
    let length = u32::try_from(facts.len()).expect("an append is far below 4 GiB");
    [&length.to_be_bytes(), facts, sealed].concat().into()
}

/// `None` for what is not an event of ours: the server's own, or another application's.
pub(super) fn recorded(found: &Found) -> Option<Result<RecordedEvent, ReadError>> {
    let stream = found.stream.parse().ok()?;
    Some(decode(found, stream).ok_or(ReadError::Damaged { position: found.position }))
}

fn decode(found: &Found, stream: StreamName) -> Option<RecordedEvent> {
    let metadata: Metadata = serde_json::from_slice(&found.metadata).ok()?;
    let header: EventHeader = serde_json::from_str(metadata.header.get()).ok()?;
    let placed = header.stream == stream && header.version == found.version && header.event_id.0 == found.id;
    if !placed || header.event_type != found.event_type {
        return None;
    }
    let (facts, sealed) = match metadata.sealed {
        Some(sealed) => (found.data.to_vec(), STANDARD.decode(sealed).ok()?),
        None => {
            let (length, rest) = found.data.split_first_chunk::<4>()?;
            let (facts, sealed) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
            (facts.to_vec(), sealed.to_vec())
        }
    };
    Some(RecordedEvent {
        position: found.position,
        header,
        header_bytes: metadata.header.get().as_bytes().to_vec(),
        facts,
        slots: SealedSlots::decode(&sealed).ok()?,
        salt: STANDARD.decode(metadata.salt).ok()?.try_into().ok()?,
        recorded_at: Timestamp::from_micros(found.created),
    })
}
