//! C20 and C22: how soon a reader has news, and what a slow one costs.

use crate::Log;
use crate::sample::{append, event_of_size, of, put, stream, take};
use domain::{EventId, RecordedEvent};
use event_store::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, ExpectedVersion, SubscriptionEvent};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;

/// From the append's answer to the reader, in another process.
const LATENCY_MAX: Duration = Duration::from_secs(1);

pub(crate) async fn c20_news_from_another_process_comes_in_time(log: Log) {
    let (writing, reading, stream) = (log.open().await, log.open().await, stream());
    let mut subscription = reading.subscribe(reading.head().await.unwrap(), of(stream.organization));
    let (sender, mut seen) = mpsc::unbounded_channel::<(EventId, Instant)>();
    tokio::spawn(async move {
        loop {
            let event = take(&mut subscription, 1).await.remove(0);
            if sender.send((event.header.event_id, Instant::now())).is_err() {
                return;
            }
        }
    });
    for number in 0..20 {
        let new = event_of_size(100);
        let id = new.id;
        writing.append(append(stream, ExpectedVersion::Any, vec![new])).await.unwrap();
        let answered = Instant::now();
        let (read, at) = seen.recv().await.unwrap();
        assert_eq!(read, id);
        let latency = at.saturating_duration_since(answered);
        assert!(latency <= LATENCY_MAX, "event {number} came after {latency:?}");
    }
}

/// More than is handed out at once, by weight.
const LARGE: usize = 1_000_000;
const LARGE_EVENTS: usize = 12;

pub(crate) async fn c22_a_reader_that_does_not_read_holds_up_no_writer(log: Log) {
    let (store, stream) = (log.open().await, stream());
    let start = store.head().await.unwrap();
    let mut idle: Vec<_> = (0..10).map(|_| store.subscribe(start, of(stream.organization))).collect();
    let first = put(&store, stream, 1).await;
    for reader in &mut idle {
        assert_eq!(take(reader, 1).await[0].position, first.position);
    }
    for number in 0..LARGE_EVENTS {
        let asked = Instant::now();
        store.append(append(stream, ExpectedVersion::Any, vec![event_of_size(LARGE)])).await.unwrap();
        assert!(asked.elapsed() < Duration::from_secs(5), "append {number} was held up");
    }
    // They find everything when they read again, each at its own pace.
    for reader in &mut idle[..2] {
        assert_eq!(take(reader, LARGE_EVENTS).await.len(), LARGE_EVENTS);
    }
}

fn weight(events: &[RecordedEvent]) -> usize {
    events.iter().map(|event| event.facts.len()).sum()
}

pub(crate) async fn c22_what_is_handed_out_at_once_is_bounded_in_number_and_weight(log: Log) {
    let (store, stream) = (log.open().await, stream());
    let start = store.head().await.unwrap();
    for _ in 0..3 {
        put(&store, stream, 600).await;
    }
    for _ in 0..LARGE_EVENTS {
        store.append(append(stream, ExpectedVersion::Any, vec![event_of_size(LARGE)])).await.unwrap();
    }
    put(&store, stream, 100).await;
    let mut subscription = store.subscribe(start, of(stream.organization));
    let (mut read, mut batches) = (Vec::new(), 0);
    while read.len() < 1_900 + LARGE_EVENTS {
        if let SubscriptionEvent::Events(events) = subscription.next().await.unwrap() {
            assert!(!events.is_empty() && events.len() <= BATCH_EVENTS_MAX);
            assert!(weight(&events) <= BATCH_BYTES_MAX + LARGE, "{} bytes at once", weight(&events));
            read.extend(events.iter().map(|event| event.header.version));
            batches += 1;
        }
    }
    assert!(read.into_iter().eq(0..1_900 + LARGE_EVENTS as u64));
    assert!(batches >= 3);
}
