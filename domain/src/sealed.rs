//! Personal data: in memory as [`Personal`], in events as a [`Slot`] number, in state and rows as [`Sealed`].

use crate::{EventHeader, EventId, Fact, KeyId, OrganizationId, PersonalData, StreamName};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use uuid::Uuid;

/// Plaintext. It lives in memory only: it cannot be serialised, and its `Debug` shows nothing.
#[derive(Clone, PartialEq)]
pub struct Personal<T>(T);

impl<T> Personal<T> {
    pub fn new(value: T) -> Self {
        Self(value)
    }

    pub fn expose(&self) -> &T {
        &self.0
    }

    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Personal(…)")
    }
}

/// Which envelope of its event holds a `T`.
pub struct Slot<T> {
    number: u16,
    kind: PhantomData<fn() -> T>,
}

impl<T> Slot<T> {
    pub(crate) fn new(number: u16) -> Self {
        Self { number, kind: PhantomData }
    }

    pub fn number(self) -> u16 {
        self.number
    }
}

impl<T> Clone for Slot<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Slot<T> {}
impl<T> PartialEq for Slot<T> {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}
impl<T> fmt::Debug for Slot<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slot({})", self.number)
    }
}
impl<T: PersonalData> Fact for Slot<T> {
    fn schema() -> serde_json::Value {
        let data = serde_json::json!({ "holds": T::NAME, "category": T::CATEGORY, "class": T::CLASS, "purposes": T::PURPOSES });
        serde_json::json!({ "type": "integer", "minimum": 0, "maximum": u16::MAX, "x-personal-data": data })
    }
}
impl<T> Serialize for Slot<T> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.number.serialize(serializer)
    }
}
impl<'de, T> Deserialize<'de> for Slot<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        u16::deserialize(deserializer).map(Self::new)
    }
}

/// What a sealed value is bound to: the same envelope in another place does not open.
#[derive(Clone, Debug, PartialEq)]
pub struct SealContext {
    pub organization: OrganizationId,
    pub stream: StreamName,
    pub event_id: EventId,
    /// The type as stored, whatever later versions call it.
    pub event_type: Cow<'static, str>,
    pub slot: u16,
}

/// Sealed personal data together with all that opening it needs, except the keys.
pub struct Sealed<T> {
    pub context: SealContext,
    pub content: SlotContent,
    kind: PhantomData<fn() -> T>,
}

impl<T> Sealed<T> {
    pub fn new(header: &EventHeader, slot: Slot<T>, slots: &SealedSlots) -> Self {
        let context = SealContext {
            organization: header.organization,
            stream: header.stream,
            event_id: header.event_id,
            event_type: header.event_type.clone(),
            slot: slot.number,
        };
        Self::from_parts(context, slots.get(slot.number).cloned().unwrap_or(SlotContent::Withheld))
    }

    /// From a row that carries an event's envelope unchanged.
    pub fn from_parts(context: SealContext, content: SlotContent) -> Self {
        Self { context, content, kind: PhantomData }
    }
}

impl<T> Clone for Sealed<T> {
    fn clone(&self) -> Self {
        Self::from_parts(self.context.clone(), self.content.clone())
    }
}
impl<T> PartialEq for Sealed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.context == other.context && self.content == other.content
    }
}
impl<T> fmt::Debug for Sealed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({:?}, slot {})", self.context.stream, self.context.slot)
    }
}

/// One numbered place for an envelope.
#[derive(Clone, PartialEq)]
pub enum SlotContent {
    /// The envelope's bytes.
    Envelope(Vec<u8>),
    /// The person was already forgotten when the event happened; nothing was ever sealed.
    Withheld,
    /// The envelope could no longer be opened and was removed; its SHA-256 stays, so that the leaf still verifies.
    Removed([u8; 32]),
}

impl fmt::Debug for SlotContent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SlotContent::Envelope(bytes) => write!(f, "Envelope({} bytes)", bytes.len()),
            SlotContent::Withheld => f.write_str("Withheld"),
            SlotContent::Removed(_) => f.write_str("Removed"),
        }
    }
}

impl SlotContent {
    /// `hᵢ`: SHA-256 of the envelope; of nothing for a withheld slot.
    pub fn hash(&self) -> [u8; 32] {
        match self {
            SlotContent::Envelope(bytes) => Sha256::digest(bytes).into(),
            SlotContent::Withheld => Sha256::digest([]).into(),
            SlotContent::Removed(hash) => *hash,
        }
    }
}

/// An event's envelopes in their numbered slots. Stored as a sequence of (kind byte, length as u32 big-endian, bytes).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SealedSlots(Vec<SlotContent>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed slots are cut short or of an unknown kind")]
pub struct SlotError;

const KIND_WITHHELD: u8 = 0;
const KIND_ENVELOPE: u8 = 1;
const KIND_REMOVED: u8 = 2;

impl SealedSlots {
    pub fn new(slots: Vec<SlotContent>) -> Self {
        Self(slots)
    }

    pub fn get(&self, number: u16) -> Option<&SlotContent> {
        self.0.get(usize::from(number))
    }

    pub fn iter(&self) -> impl Iterator<Item = &SlotContent> {
        self.0.iter()
    }

    pub fn hashes(&self) -> impl Iterator<Item = [u8; 32]> + '_ {
        self.0.iter().map(SlotContent::hash)
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for slot in &self.0 {
            let (kind, content): (u8, &[u8]) = match slot {
                SlotContent::Withheld => (KIND_WITHHELD, &[]),
                SlotContent::Envelope(envelope) => (KIND_ENVELOPE, envelope),
                SlotContent::Removed(hash) => (KIND_REMOVED, hash),
            };
            bytes.push(kind);
            bytes.extend_from_slice(&u32::try_from(content.len()).expect("an envelope is far below 4 GiB").to_be_bytes());
            bytes.extend_from_slice(content);
        }
        bytes
    }

    pub fn decode(mut bytes: &[u8]) -> Result<Self, SlotError> {
        let mut slots = Vec::new();
        while let Some((&kind, rest)) = bytes.split_first() {
            let (length, rest) = rest.split_first_chunk::<4>().ok_or(SlotError)?;
            let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| SlotError)?;
            let (content, rest) = rest.split_at_checked(length).ok_or(SlotError)?;
            slots.push(match (kind, length) {
                (KIND_WITHHELD, 0) => SlotContent::Withheld,
                (KIND_ENVELOPE, _) => SlotContent::Envelope(content.to_vec()),
                (KIND_REMOVED, 32) => SlotContent::Removed(content.try_into().map_err(|_| SlotError)?),
                _ => return Err(SlotError),
            });
            bytes = rest;
        }
        Ok(Self(slots))
    }
}

/// The two key ids that an envelope names, read without opening it.
///
/// envelope = version (1) ‖ algorithm (1) ‖ subject key id (16) ‖ bucket key id (16) ‖ nonce (12) ‖ ciphertext ‖ tag (16)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnvelopeKeys {
    pub subject_key: KeyId,
    pub bucket_key: KeyId,
}

/// Bytes of an envelope that are not ciphertext.
pub const ENVELOPE_OVERHEAD: usize = 1 + 1 + 16 + 16 + 12 + 16;

impl EnvelopeKeys {
    pub fn of(envelope: &[u8]) -> Option<Self> {
        let id = |start: usize| envelope.get(start..start + 16).and_then(|bytes| Uuid::from_slice(bytes).ok()).map(KeyId);
        (envelope.len() >= ENVELOPE_OVERHEAD).then_some(())?;
        Some(Self { subject_key: id(2)?, bucket_key: id(18)? })
    }
}
