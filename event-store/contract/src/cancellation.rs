//! C11 and C23: whoever waits may stop waiting, at any await and at any moment.

use crate::Log;
use crate::sample::{append, assert_ordered, events, ids, new_ids, of, polled, put, read, stream, stream_of};
use domain::{Category, EventId, OrganizationId};
use event_store::{EventStore, ExpectedVersion, StreamAppend, SubscriptionEvent};
use futures::future::join_all;
use std::time::Duration;
use uuid::Uuid;

const EVENTS: usize = 3;
/// More often than any append asks to be polled.
const POLLS_MAX: usize = 12;

/// The append of three events to a stream that the expectation fits.
async fn prepared(store: &EventStore, expected: ExpectedVersion) -> StreamAppend {
    let stream = stream();
    if expected != ExpectedVersion::NoStream {
        put(store, stream, 1).await;
    }
    append(stream, expected, events(EVENTS))
}

const EXPECTATIONS: [ExpectedVersion; 4] =
    [ExpectedVersion::NoStream, ExpectedVersion::Exact(0), ExpectedVersion::Any, ExpectedVersion::StreamExists];

/// All of the append's events stand in the stream, or none.
async fn assert_whole_or_absent(store: &EventStore, append: &StreamAppend) {
    let ids: Vec<EventId> = new_ids(&append.events);
    let found: Vec<EventId> = self::ids(&read(store, append.stream).await).into_iter().filter(|id| ids.contains(id)).collect();
    assert!(found.is_empty() || found == ids, "a half-made append");
}

/// Asked again with the same ids, the append is answered, and stands there once.
async fn assert_can_be_repeated(store: &EventStore, append: StreamAppend) {
    let answer = store.append(append.clone()).await.expect("what was given up can be asked again");
    let stored = read(store, append.stream).await;
    let earlier = usize::from(append.expected != ExpectedVersion::NoStream);
    assert_eq!(ids(&stored)[earlier..], new_ids(&append.events));
    assert_eq!(stored[earlier + EVENTS - 1].position, answer.position);
}

pub(crate) async fn c11_an_append_dropped_at_any_await_is_whole_or_absent_and_can_be_repeated(log: Log) {
    let store = log.open().await;
    for polls in 0..POLLS_MAX {
        for expected in EXPECTATIONS {
            let append = prepared(&store, expected).await;
            let answer = polled(store.append(append.clone()), polls).await;
            assert!(polls > 0 || answer.is_none());
            assert_whole_or_absent(&store, &append).await;
            assert_can_be_repeated(&store, append).await;
        }
    }
}

pub(crate) async fn c11_a_batch_dropped_at_any_await_is_whole_or_absent_stream_by_stream(log: Log) {
    let store = log.open().await;
    for polls in 0..POLLS_MAX {
        let batch = join_all((0..8).map(|number| prepared(&store, EXPECTATIONS[number % 4]))).await;
        polled(store.append_batch(batch.clone()), polls).await;
        for append in &batch {
            assert_whole_or_absent(&store, append).await;
        }
        for append in batch {
            assert_can_be_repeated(&store, append).await;
        }
    }
}

pub(crate) async fn c11_an_append_dropped_at_any_moment_is_whole_or_absent(log: Log) {
    let store = log.open().await;
    for step in 0..40 {
        let append = prepared(&store, EXPECTATIONS[step % 4]).await;
        // Awaits are few; what happens between them is spread over some milliseconds.
        let patience = Duration::from_micros(100 * step as u64);
        let _ = tokio::time::timeout(patience, store.append(append.clone())).await;
        assert_whole_or_absent(&store, &append).await;
        assert_can_be_repeated(&store, append).await;
    }
}

pub(crate) async fn c23_a_reader_that_stops_waiting_at_any_await_misses_and_repeats_nothing(log: Log) {
    let store = log.open().await;
    let organization = OrganizationId(Uuid::new_v4());
    let start = store.head().await.unwrap();
    let writer = tokio::spawn({
        let (store, stream) = (store.clone(), stream_of(Category::Email, organization));
        async move {
            for _ in 0..100 {
                put(&store, stream, 2).await;
            }
        }
    });
    let mut subscription = store.subscribe(start, of(organization));
    let (mut read, mut polls) = (Vec::new(), (1..=40).cycle());
    while read.len() < 200 {
        let next = polled(subscription.next(), polls.next().unwrap_or(1)).await;
        if let Some(SubscriptionEvent::Events(events)) = next.transpose().expect("the log can be read") {
            read.extend(events);
        }
    }
    writer.await.unwrap();
    assert_ordered(&read);
    let stored = store.read_matching(start, usize::MAX, &of(organization)).await.unwrap();
    assert_eq!(ids(&read), ids(&stored));
}
