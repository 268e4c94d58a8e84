//! Events without meaning, and what cases ask again and again.

use domain::{
    Actor, Category, CorrelationId, EventId, NewEvent, OrganizationId, RecordedEvent, SealedSlots, SlotContent, StreamName, SystemActor,
    Timestamp,
};
use event_store::{AppendError, Appended, EventStore, ExpectedVersion, Filter, StreamAppend, Subscription, SubscriptionEvent};
use std::task::Poll;
use uuid::Uuid;

/// A stream of an organisation that nobody else has.
pub fn stream() -> StreamName {
    stream_of(Category::Email, OrganizationId(Uuid::new_v4()))
}

pub fn stream_of(category: Category, organization: OrganizationId) -> StreamName {
    StreamName::new(category, organization, Uuid::now_v7())
}

pub fn event() -> NewEvent {
    event_with_id(EventId(Uuid::now_v7()))
}

pub fn event_with_id(id: EventId) -> NewEvent {
    NewEvent {
        id,
        event_type: "TransmissionStarted".into(),
        schema_version: 1,
        occurred_at: Timestamp::from_micros(1_700_000_000_123_456),
        actor: Actor::System(SystemActor::Delivery),
        correlation: CorrelationId(Uuid::now_v7()),
        causation: Some(id),
        facts: br#"{"attempt":1,"recipients":[0]}"#.to_vec(),
        slots: SealedSlots::new(vec![SlotContent::Envelope(vec![7; 200]), SlotContent::Withheld, SlotContent::Removed([9; 32])]),
        salt: *Uuid::new_v4().as_bytes(),
    }
}

/// An event whose facts have this many bytes.
pub fn event_of_size(bytes: usize) -> NewEvent {
    NewEvent { facts: vec![b' '; bytes], ..event() }
}

pub fn events(count: usize) -> Vec<NewEvent> {
    (0..count).map(|_| event()).collect()
}

pub fn append(stream: StreamName, expected: ExpectedVersion, events: Vec<NewEvent>) -> StreamAppend {
    StreamAppend { stream, expected, events }
}

/// Appends so many events at whatever version.
pub async fn put(store: &EventStore, stream: StreamName, count: usize) -> Appended {
    store.append(append(stream, ExpectedVersion::Any, events(count))).await.expect("an append that expects nothing is taken")
}

/// First version, last version, and whether it was a repeat.
pub fn versions(verdict: &Result<Appended, AppendError>) -> Result<(u64, u64, bool), AppendError> {
    verdict.clone().map(|appended| (appended.first_version, appended.last_version, appended.already))
}

pub fn ids(events: &[RecordedEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.header.event_id).collect()
}

pub fn new_ids(events: &[NewEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

pub async fn read(store: &EventStore, stream: StreamName) -> Vec<RecordedEvent> {
    store.read_streams(&[stream]).await.expect("the log can be read").remove(0)
}

/// Everything of one organisation.
pub fn of(organization: OrganizationId) -> Filter {
    Filter { organization: Some(organization), ..Filter::default() }
}

/// The next `count` events of a subscription.
pub async fn take(subscription: &mut Subscription, count: usize) -> Vec<RecordedEvent> {
    let mut taken = Vec::new();
    while taken.len() < count {
        if let SubscriptionEvent::Events(events) = subscription.next().await.expect("the log can be read") {
            taken.extend(events);
        }
    }
    assert_eq!(taken.len(), count, "more was handed out than was written");
    taken
}

/// Polls a future at most so many times, whenever it asks to be polled, and then drops it.
pub async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = Box::pin(future);
    let mut left = times;
    std::future::poll_fn(move |context| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// Order of the log: each position is behind the one before it.
pub fn assert_ordered(events: &[RecordedEvent]) {
    assert!(events.is_sorted_by(|one, next| one.position < next.position), "positions do not rise");
}
