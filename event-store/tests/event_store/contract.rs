//! The contract (`event-store/CONTRACT.md`), rule by rule, on memory and on PostgreSQL.

use crate::support::open;
use domain::Position;
use event_store::{EventStore, ExpectedVersion, Filter, SubscriptionEvent};
use event_store_contract::{Fixture, Log, case, model, sample};
use futures::future::BoxFuture;
use std::sync::Arc;
use test_support::TestDatabase;

struct Postgres(TestDatabase);

impl Fixture for Postgres {
    fn open(&self) -> BoxFuture<'_, EventStore> {
        Box::pin(async { EventStore::Postgres(open(&self.0).await) })
    }
}

/// All stores opened on it are one log.
struct Memory(EventStore);

impl Fixture for Memory {
    fn open(&self) -> BoxFuture<'_, EventStore> {
        Box::pin(async { self.0.clone() })
    }
}

async fn log_in_memory() -> Log {
    Arc::new(Memory(EventStore::memory()))
}

async fn log_on_postgres() -> Log {
    Arc::new(Postgres(TestDatabase::create().await))
}

macro_rules! on_both_backends {
    ($($file:ident :: $name:ident,)*) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() { super::case(stringify!($name)).run(super::log_in_memory().await).await; })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")] async fn $name() { super::case(stringify!($name)).run(super::log_on_postgres().await).await; })*
        }
    };
}

event_store_contract::for_each_case!(on_both_backends);

/// More than the contract asks for: these two count positions, so that a reader knows a stretch of the log to be whole.
#[tokio::test]
async fn positions_are_counted_without_a_gap() {
    for log in [log_in_memory().await, log_on_postgres().await] {
        let store = log.open().await;
        let (one, other) = (sample::stream(), sample::stream());
        for (stream, count) in [(one, 2), (other, 1), (one, 3), (other, 1)] {
            sample::put(&store, stream, count).await;
        }
        let read = store.read_all(Position::START, usize::MAX).await.unwrap();
        assert!(read.iter().map(|event| event.position).eq((1..=7).map(|position| Position { commit: position, prepare: position })));
        assert_eq!(store.head().await, Ok(read[6].position));
    }
}

#[tokio::test]
async fn a_reader_of_everything_is_handed_large_events_a_few_at_a_time() {
    for log in [log_in_memory().await, log_on_postgres().await] {
        let (store, stream) = (log.open().await, sample::stream());
        for _ in 0..20 {
            store.append(sample::append(stream, ExpectedVersion::Any, vec![sample::event_of_size(1_000_000)])).await.unwrap();
        }
        for _ in 0..3 {
            sample::put(&store, stream, 500).await;
        }
        let mut subscription = store.subscribe(Position::START, Filter::default());
        let (mut lengths, mut read) = (Vec::new(), Vec::new());
        while read.len() < 1_520 {
            if let SubscriptionEvent::Events(events) = subscription.next().await.unwrap() {
                lengths.push(events.len());
                read.extend(events.into_iter().map(|event| event.position.commit));
            }
        }
        assert!(read.into_iter().eq(1..=1_520));
        // Nine weigh more than may be held; then it begins to ask for more again.
        assert_eq!(lengths[..5], [9, 9, 9, 18, 36], "{lengths:?}");
    }
}

#[test]
fn any_sequence_of_commands_is_answered_as_the_model_answers_it_in_memory() {
    model::hold(400, &tokio::runtime::Runtime::new().unwrap(), &[EventStore::memory()]);
}

#[test]
fn any_sequence_of_commands_is_answered_as_the_model_answers_it_on_postgres() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Two processes in turn, so that each one's cache goes stale.
    let stores = runtime.block_on(async {
        let log = log_on_postgres().await;
        [log.open().await, log.open().await]
    });
    model::hold(60, &runtime, &stores);
}
