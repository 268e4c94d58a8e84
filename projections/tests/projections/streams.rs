//! Streams folded in memory, whose decisions become appends with envelopes of fabricated bytes.

use domain::{
    Actor, Aggregate, CorrelationId, Draft, ENVELOPE_OVERHEAD, Event, EventId, Ids, NewEvent, OrganizationId, Recorded, SealedSlots,
    SeededIds, SlotContent, StreamName, Timestamp,
};
use event_store::{ExpectedVersion, StreamAppend};
use uuid::Uuid;

pub struct Stream<A: Aggregate> {
    pub name: StreamName,
    pub state: A,
    version: Option<u64>,
}

impl<A: Aggregate> Stream<A> {
    pub fn new(organization: OrganizationId, id: Uuid) -> Self {
        Self { name: StreamName::new(A::CATEGORY, organization, id), state: A::default(), version: None }
    }

    /// Makes an append of what was decided, and evolves. `None` when nothing was.
    pub fn record(&mut self, drafts: Vec<Draft<A::Event>>, actor: Actor, at: Timestamp, ids: &SeededIds) -> Option<StreamAppend> {
        if drafts.is_empty() {
            return None;
        }
        let expected = self.version.map_or(ExpectedVersion::NoStream, ExpectedVersion::Exact);
        let mut events = Vec::new();
        for draft in drafts {
            let event = new_event(&draft, actor, at, ids);
            let version = self.version.map_or(0, |version| version + 1);
            let header = event.header(self.name, version);
            self.state.evolve(&Recorded { header, event: draft.event, slots: event.slots.clone() });
            self.version = Some(version);
            events.push(event);
        }
        Some(StreamAppend { stream: self.name, expected, events })
    }
}

fn new_event<E: Event>(draft: &Draft<E>, actor: Actor, at: Timestamp, ids: &SeededIds) -> NewEvent {
    let (event_type, schema_version) = draft.event.event_type();
    let slots = draft.personal.iter().map(|slot| slot.key.map_or(SlotContent::Withheld, |key| envelope(key.0, ids)));
    NewEvent {
        id: EventId(ids.time_ordered(at)),
        event_type: event_type.into(),
        schema_version,
        occurred_at: at,
        actor,
        correlation: CorrelationId(ids.time_ordered(at)),
        causation: None,
        facts: draft.event.facts(),
        slots: SealedSlots::new(slots.collect()),
        salt: ids.salt(),
    }
}

/// Looks like an envelope from outside: version, algorithm, two key ids, and bytes.
fn envelope(key: Uuid, ids: &SeededIds) -> SlotContent {
    let mut bytes = vec![1, 1];
    bytes.extend_from_slice(key.as_bytes());
    while bytes.len() < ENVELOPE_OVERHEAD + 128 {
        bytes.extend_from_slice(ids.random().as_bytes());
    }
    SlotContent::Envelope(bytes)
}
