//! What may go wrong with reads, and that readers miss nothing, repeat nothing and keep no thread busy.

use crate::fixture::hasty;
use domain::Position;
use event_store::{EventStore, Filter, KurrentdbStore, ReadError, SubscriptionEvent};
use event_store_contract::sample::{ids, of, put, read, stream, take};
use kurrentdb_double::{Double, ReadFault};
use std::time::Duration;

async fn double_and_store() -> (Double, EventStore) {
    let double = Double::start().await;
    let store = EventStore::Kurrentdb(KurrentdbStore::start(hasty(&double.url())).await.expect("the double is there"));
    (double, store)
}

/// Whatever strikes the reads of a subscription, every event comes once.
async fn a_reader_gets_everything(faults: &[ReadFault]) {
    for is_filtered in [false, true] {
        let (double, store) = double_and_store().await;
        let stream = stream();
        put(&store, stream, 40).await;
        let stored = read(&store, stream).await;
        for fault in faults {
            double.next_read(*fault);
        }
        let filter = if is_filtered { of(stream.organization) } else { Filter::default() };
        let mut subscription = store.subscribe(Position::START, filter);
        assert_eq!(ids(&take(&mut subscription, 40).await), ids(&stored), "{faults:?}");
        assert!(matches!(subscription.next().await, Ok(SubscriptionEvent::CaughtUp(_))));
        put(&store, stream, 1).await;
        take(&mut subscription, 1).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_the_server_ends_early_is_gone_on_with() {
    a_reader_gets_everything(&[ReadFault::EndEarly { after: 7 }, ReadFault::EndEarly { after: 0 }, ReadFault::EndEarly { after: 1 }]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_breaks_off_is_gone_on_with() {
    a_reader_gets_everything(&[ReadFault::Cut { after: 7 }, ReadFault::Cut { after: 0 }]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_nobody_answers_is_made_again() {
    a_reader_gets_everything(&[ReadFault::Hang, ReadFault::Hang]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_of_a_node_that_is_not_ready_is_made_again() {
    a_reader_gets_everything(&[ReadFault::NotReady, ReadFault::NotReady]).await;
}

#[tokio::test]
async fn a_reader_that_waits_keeps_its_thread_free() {
    // One thread for everything: a reader that spun would let nobody else run, nor this test end.
    let (double, store) = double_and_store().await;
    let mut subscription = store.subscribe(Position::START, Filter::default());
    assert!(matches!(subscription.next().await, Ok(SubscriptionEvent::CaughtUp(_))));
    double.cut();
    let waiting = tokio::spawn(async move { subscription.next().await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let calls = double.calls();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let calls = double.calls() - calls;
    assert!(calls <= 40, "{calls} calls in a second of which nothing came");
    put(&store, stream(), 1).await;
    assert!(matches!(waiting.await.unwrap(), Ok(SubscriptionEvent::Events(events)) if events.len() == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_lost_events_stops_readers_and_writers_loudly() {
    let (double, store) = double_and_store().await;
    let stream = stream();
    put(&store, stream, 3).await;
    let head = store.head().await.unwrap();
    let mut subscription = store.subscribe(head, Filter::default());
    assert_eq!(subscription.next().await, Ok(SubscriptionEvent::CaughtUp(head)));
    double.lose(2);
    let lost = tokio::time::timeout(Duration::from_secs(30), subscription.next()).await.expect("it is noticed");
    assert!(matches!(lost, Err(ReadError::LogLost { head: now, .. }) if now < head), "{lost:?}");
    let refusal = store.append(event_store_contract::sample::append(stream, event_store::ExpectedVersion::Any, vec![])).await;
    assert_eq!(refusal, Err(event_store::AppendError::Empty));
    let events = event_store_contract::sample::events(1);
    let refusal = store.append(event_store_contract::sample::append(stream, event_store::ExpectedVersion::Any, events)).await;
    assert!(matches!(refusal, Err(event_store::AppendError::LogLost { .. })), "{refusal:?}");
}
