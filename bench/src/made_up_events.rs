//! Events as accepting and delivering mail makes them, with bytes in the place of envelopes.

use domain::{
    Actor, CorrelationId, Draft, ENVELOPE_OVERHEAD, Event, EventId, Ids, NewEvent, SealedSlots, SeededIds, SlotContent, SystemActor,
    Timestamp,
};
use std::time::{SystemTime, UNIX_EPOCH};
use uuid::Uuid;

/// What the sealed data of one person in one event comes to, padding included.
const SEALED_BYTES: usize = 256;

/// In the order of time, as real ids are, without asking the system for randomness: that would be the callers' cost.
pub fn next_id(ids: &SeededIds) -> Uuid {
    ids.time_ordered(now())
}

pub fn now() -> Timestamp {
    Timestamp::default() + SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

pub fn new_event<E: Event>(draft: &Draft<E>, ids: &SeededIds) -> NewEvent {
    let (event_type, schema_version) = draft.event.event_type();
    let slots = draft.personal.iter().map(|slot| slot.key.map_or(SlotContent::Withheld, |key| envelope(key.0)));
    let id = EventId(next_id(ids));
    NewEvent {
        id,
        event_type: event_type.into(),
        schema_version,
        occurred_at: now(),
        actor: Actor::System(SystemActor::Delivery),
        correlation: CorrelationId(id.0),
        causation: None,
        facts: draft.event.facts(),
        slots: SealedSlots::new(slots.collect()),
        salt: *id.0.as_bytes(),
    }
}

/// Looks like one from outside: version, algorithm, two key ids, bytes.
fn envelope(key: Uuid) -> SlotContent {
    let mut bytes = vec![1, 1];
    bytes.extend_from_slice(key.as_bytes());
    bytes.resize(ENVELOPE_OVERHEAD + SEALED_BYTES, 0xA5);
    SlotContent::Envelope(bytes)
}
