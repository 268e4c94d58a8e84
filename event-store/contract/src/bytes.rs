//! C5 and C9: whatever an event is made of, its bytes come back as they were.

use crate::Log;
use crate::sample::{append, event, put, read, stream};
use domain::{NewEvent, SealedSlots, SlotContent, leaf_hash};
use event_store::{APPEND_BYTES_MAX, EventStore, ExpectedVersion, StreamAppend};

async fn comes_back_as_it_was(store: &EventStore, new: NewEvent) {
    let stream = stream();
    store.append(append(stream, ExpectedVersion::NoStream, vec![new.clone()])).await.unwrap();
    let read = read(store, stream).await.remove(0);
    let header = new.header(stream, 0).to_bytes();
    assert_eq!(read.header_bytes, header);
    assert_eq!(read.facts, new.facts);
    assert_eq!(read.slots, new.slots);
    let hash = leaf_hash(&new.salt, &header, &new.facts, &new.slots);
    assert_eq!(leaf_hash(&read.salt, &read.header_bytes, &read.facts, &read.slots), hash);
}

pub(crate) async fn c5_whatever_an_event_holds_comes_back_byte_for_byte(log: Log) {
    let store = log.open().await;
    let all_bytes = SlotContent::Envelope((0..=255).cycle().take(10_000).collect());
    comes_back_as_it_was(&store, NewEvent { slots: SealedSlots::new(vec![all_bytes]), ..event() }).await;
    comes_back_as_it_was(&store, NewEvent { slots: SealedSlots::default(), ..event() }).await;
    for facts in [&b"{}"[..], b" { \"b\" : 1.0, \"a\":\"\\u00e9\" } ", b"   ", b"", b"not JSON \xff", br#"{"n":12345678901234567890.000}"#]
    {
        comes_back_as_it_was(&store, NewEvent { facts: facts.to_vec(), ..event() }).await;
    }
    comes_back_as_it_was(&store, NewEvent { causation: None, ..event() }).await;
}

pub(crate) async fn c9_an_append_of_the_largest_weight_fits_whatever_it_is_made_of(log: Log) {
    let store = log.open().await;
    // As text, these envelopes would be larger than what the server takes.
    let envelope = |bytes: usize| NewEvent { slots: SealedSlots::new(vec![SlotContent::Envelope(vec![0xff; bytes])]), ..event() };
    let weight = |new: &NewEvent| StreamAppend { stream: stream(), expected: ExpectedVersion::Any, events: vec![new.clone()] }.weight();
    let largest = envelope(1 + APPEND_BYTES_MAX - weight(&envelope(1)));
    assert_eq!(weight(&largest), APPEND_BYTES_MAX);
    comes_back_as_it_was(&store, largest).await;
    let facts = NewEvent { slots: SealedSlots::default(), facts: vec![], ..event() };
    let facts = NewEvent { facts: vec![b' '; APPEND_BYTES_MAX - weight(&facts)], ..facts };
    comes_back_as_it_was(&store, facts).await;
    // Many small events.
    let stream = stream();
    put(&store, stream, 500).await;
    assert_eq!(read(&store, stream).await.len(), 500);
}

pub(crate) async fn c5_the_time_of_recording_is_the_same_for_every_reader(log: Log) {
    let (store, other) = (log.open().await, log.open().await);
    let stream = stream();
    put(&store, stream, 1).await;
    let recorded = read(&store, stream).await.remove(0).recorded_at;
    assert!(recorded.micros() > 0);
    assert_eq!(read(&other, stream).await.remove(0).recorded_at, recorded);
}
