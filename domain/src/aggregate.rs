//! How state follows from events.

use crate::{Category, EventHeader, RecordedEvent, Sealed, SealedSlots, Slot, StreamName, Upcast};

/// The events of one aggregate: their stored names and their JSON.
pub trait Event: Sized + Clone {
    /// Stored type and schema version of every event.
    const TYPES: &'static [(&'static str, u16)];
    /// From forms that were written before to those of [`Self::TYPES`].
    const UPCASTS: &'static [Upcast];
    fn event_type(&self) -> (&'static str, u16);
    fn facts(&self) -> Vec<u8>;
    /// From any form that was ever written.
    fn decode(event_type: &str, schema_version: u16, facts: &[u8]) -> Result<Self, DecodeError>;
    /// The form of the facts of each of [`Self::TYPES`], as JSON Schema.
    fn schemas() -> Vec<serde_json::Value>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("this program does not know the event type or its schema version")]
    UnknownType,
    #[error("the event's facts do not have the shape of its type")]
    Malformed,
}

/// State that is folded from events, and only from events.
pub trait Aggregate: Default {
    type Event: Event;
    const CATEGORY: Category;
    /// Cannot fail: what was recorded is so.
    fn evolve(&mut self, recorded: &Recorded<Self::Event>);
}

/// An event as it was recorded, decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct Recorded<E> {
    pub header: EventHeader,
    pub event: E,
    pub slots: SealedSlots,
}

impl<E: Event> Recorded<E> {
    pub fn decode(recorded: &RecordedEvent) -> Result<Self, DecodeError> {
        let header = recorded.header.clone();
        let event = E::decode(&header.event_type, header.schema_version, &recorded.facts)?;
        Ok(Self { header, event, slots: recorded.slots.clone() })
    }

    /// The personal data behind a slot number, still sealed.
    pub fn sealed<T>(&self, slot: Slot<T>) -> Sealed<T> {
        Sealed::new(&self.header, slot, &self.slots)
    }
}

/// An aggregate folded to now, with the version that the next append expects.
#[derive(Debug, Clone)]
pub struct Folded<A> {
    pub state: A,
    pub stream: StreamName,
    /// The stream's last version; `None` while it has no event.
    pub version: Option<u64>,
    /// When the last event happened: nothing may be dated earlier.
    pub last_occurred_at: Option<crate::Timestamp>,
}

/// Folds a stream's events, oldest first.
pub fn fold<A: Aggregate>(stream: StreamName, events: &[RecordedEvent]) -> Result<Folded<A>, DecodeError> {
    let mut state = A::default();
    for event in events {
        state.evolve(&Recorded::decode(event)?);
    }
    let last = events.last().map(|event| &event.header);
    Ok(Folded { state, stream, version: last.map(|header| header.version), last_occurred_at: last.map(|header| header.occurred_at) })
}
