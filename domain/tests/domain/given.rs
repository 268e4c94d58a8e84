//! Given events, when somebody decides, then events or a refusal: without a store and without keys.

use domain::*;
use std::borrow::Cow;
use uuid::Uuid;

pub const NOON: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);

pub fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

pub fn key(number: u128) -> KeyId {
    KeyId(id(0xF000 + number))
}

pub fn origin() -> Personal<RequestOrigin> {
    Personal::new(RequestOrigin { ip: Some("192.0.2.1".into()), user_agent: Some("test".into()) })
}

/// An envelope that nobody could open, but that names its key.
pub fn envelope(subject_key: KeyId) -> SlotContent {
    let mut bytes = vec![0; ENVELOPE_OVERHEAD + 1];
    bytes[2..18].copy_from_slice(subject_key.0.as_bytes());
    SlotContent::Envelope(bytes)
}

/// An aggregate and the time of its next event.
pub struct Given<A: Aggregate> {
    pub state: A,
    pub now: Timestamp,
    pub version: u64,
}

impl<A: Aggregate> Given<A> {
    pub fn nothing() -> Self {
        Self { state: A::default(), now: NOON, version: 0 }
    }

    /// Records what was decided, one second after what came before.
    pub fn then(mut self, drafts: Vec<Draft<A::Event>>) -> Self {
        for draft in drafts {
            let (event_type, schema_version) = draft.event.event_type();
            let stream = StreamName::new(A::CATEGORY, OrganizationId(id(1)), id(2));
            let header = EventHeader {
                actor: Actor::Member(UserId(id(3))),
                causation: None,
                correlation: CorrelationId(id(4)),
                event_id: EventId(id(0x100 + u128::from(self.version))),
                event_type: Cow::Borrowed(event_type),
                occurred_at: self.now,
                organization: stream.organization,
                schema_version,
                stream,
                version: self.version,
            };
            let slots = SealedSlots::new(draft.personal.iter().map(|slot| slot.key.map_or(SlotContent::Withheld, envelope)).collect());
            // What is stored is what is read: the facts go through their JSON.
            let event = A::Event::decode(event_type, schema_version, &draft.event.facts()).expect("facts read back");
            self.state.evolve(&Recorded { header, event, slots });
            self.version += 1;
        }
        self.now = self.now + std::time::Duration::from_secs(1);
        self
    }
}

/// The stored types of what was decided.
pub fn types<E: Event>(drafts: &[Draft<E>]) -> Vec<&'static str> {
    drafts.iter().map(|draft| draft.event.event_type().0).collect()
}
