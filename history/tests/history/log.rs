//! A log that is written by decisions, one second after another.

use domain::*;
use event_store::{EventStore, ExpectedVersion, StreamAppend};
use history::{History, Moment};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub const NOON: Timestamp = Timestamp::from_micros(1_790_000_000_000_000);
pub const HERE: OrganizationId = OrganizationId(Uuid::from_u128(1));
pub const ADA: UserId = UserId(Uuid::from_u128(0xADA));

pub struct Log {
    pub store: EventStore,
    pub clock: ManualClock,
    pub history: History,
    ids: SeededIds,
}

pub fn key(number: u128) -> KeyId {
    KeyId(Uuid::from_u128(0xF000 + number))
}

pub fn stream(category: Category, id: u128) -> StreamName {
    StreamName::new(category, HERE, Uuid::from_u128(id))
}

impl Log {
    pub fn new() -> Self {
        let (store, clock) = (EventStore::memory(), ManualClock::new(NOON));
        let history = History::new(store.clone(), Arc::new(clock.clone()));
        Self { store, clock, history, ids: SeededIds::new(7) }
    }

    /// Records what a decision says now, and gives the place of its last event. Then a second passes.
    pub async fn decide<A: Aggregate>(&self, stream: StreamName, decide: impl FnOnce(&A) -> Vec<Draft<A::Event>>) -> Position {
        let events = self.store.read_streams(&[stream]).await.unwrap().pop().unwrap();
        let folded: Folded<A> = fold(stream, &events).unwrap();
        let events = decide(&folded.state).into_iter().map(|draft| self.event(draft)).collect();
        let appended = self.store.append(StreamAppend { stream, expected: ExpectedVersion::Any, events }).await.unwrap();
        self.clock.advance(Duration::from_secs(1));
        appended.position
    }

    fn event<E: Event>(&self, draft: Draft<E>) -> NewEvent {
        let (event_type, schema_version) = draft.event.event_type();
        let slots = draft.personal.iter().map(|slot| slot.key.map_or(SlotContent::Withheld, envelope)).collect();
        NewEvent {
            id: EventId(self.ids.time_ordered(self.clock.now())),
            event_type: event_type.into(),
            schema_version,
            occurred_at: self.clock.now(),
            actor: Actor::Member(ADA),
            correlation: CorrelationId(Uuid::nil()),
            causation: None,
            facts: draft.event.facts(),
            slots: SealedSlots::new(slots),
            salt: [0; 16],
        }
    }

    pub async fn found(&self) -> Position {
        let details = Personal::new(OrganizationDetails { name: "Engines".into() });
        self.decide(stream(Category::Organization, 1), |state: &Organization| state.create(ADA, &details, key(1), traced(&origin()))).await
    }

    pub async fn make_key(&self, id: u128) -> Position {
        let details = Personal::new(ApiKeyDetails { name: "app".into() });
        let scopes = [Scope::SendEmails].into();
        let made = |state: &ApiKey| state.create(&details, key(id), TokenHash([0; 32]), &scopes, traced(&origin())).unwrap();
        self.decide(stream(Category::ApiKey, id), made).await
    }

    pub async fn revoke_key(&self, id: u128) -> Position {
        self.decide(stream(Category::ApiKey, id), |state: &ApiKey| state.revoke(traced(&origin())).unwrap()).await
    }

    /// The moment `seconds` after noon.
    pub fn at(seconds: u64) -> Moment {
        Moment::Time(NOON + Duration::from_secs(seconds))
    }
}

pub fn origin() -> Personal<RequestOrigin> {
    Personal::new(RequestOrigin { ip: None, user_agent: None })
}

pub fn traced(origin: &Personal<RequestOrigin>) -> Traced<'_> {
    Traced { key: Some(key(9)), origin }
}

/// An envelope that nobody could open, but that names its key.
fn envelope(subject_key: KeyId) -> SlotContent {
    let mut bytes = vec![0; ENVELOPE_OVERHEAD + 1];
    bytes[2..18].copy_from_slice(subject_key.0.as_bytes());
    SlotContent::Envelope(bytes)
}
