//! An address that leads to another server from one moment to the next.

use crate::fixture::{hasty, open};
use domain::Position;
use event_store::{AppendError, EventStore, ExpectedVersion, Filter, KurrentdbStore, ReadError, SubscriptionEvent};
use event_store_contract::sample::{append, events, put, stream};
use kurrentdb_double::Double;

async fn store(double: &Double) -> EventStore {
    EventStore::Kurrentdb(KurrentdbStore::start(hasty(&double.url())).await.unwrap())
}

/// Longer than the first log was, so that its end alone tells nothing.
const EVENTS: usize = 500;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_written_to_another_log_and_nothing_read_from_it() {
    for (expected, cut) in [(ExpectedVersion::NoStream, false), (ExpectedVersion::Any, false), (ExpectedVersion::NoStream, true)] {
        let double = Double::start().await;
        let store = store(&double).await;
        let mut follower = store.subscribe(Position::START, Filter::default());
        put(&store, stream(), 3).await;
        while !matches!(follower.next().await.unwrap(), SubscriptionEvent::CaughtUp(at) if at > Position::START) {}

        double.become_another(EVENTS);
        if cut {
            double.cut();
        }
        let before = double.events();
        let answer = store.append(append(stream(), expected, events(1))).await;
        assert_eq!(answer, Err(AppendError::AnotherLog));
        assert_eq!(double.events(), before, "nothing was written");
        assert_eq!(follower.next().await, Err(ReadError::AnotherLog));
        let again = store.append(append(stream(), expected, events(1))).await;
        assert_eq!(again, Err(AppendError::AnotherLog), "it stays so");
        assert_eq!(EventStore::Kurrentdb(open(&double.url()).await).name().await.unwrap(), None, "none of ours is there");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_only_reads_notices_by_itself() {
    let double = Double::start().await;
    let (writer, reader) = (store(&double).await, store(&double).await);
    put(&writer, stream(), 3).await;
    let mut follower = reader.subscribe(Position::START, Filter::default());
    while !matches!(follower.next().await.unwrap(), SubscriptionEvent::CaughtUp(at) if at > Position::START) {}
    double.become_another(EVENTS);
    assert_eq!(follower.next().await, Err(ReadError::AnotherLog));
}

/// A log that lost its last events is still the same one.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_lost_events_is_told_from_another_one() {
    let double = Double::start().await;
    let store = store(&double).await;
    put(&store, stream(), 1).await;
    put(&store, stream(), 5).await;
    let mut follower = store.subscribe(store.head().await.unwrap(), Filter::default());
    assert!(matches!(follower.next().await.unwrap(), SubscriptionEvent::CaughtUp(_)));
    double.lose(3);
    assert!(matches!(follower.next().await, Err(ReadError::LogLost { .. })));
}
