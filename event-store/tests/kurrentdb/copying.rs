//! A log moves from one backend to another and back, and nothing of it changes.

use crate::fixture::open;
use domain::{Category, EventId, ManualClock, NewEvent, OrganizationId, RecordedEvent, SealedSlots, SlotContent, StreamName, Timestamp};
use event_store::{Copied, CopyError, EventStore, ExpectedVersion, PostgresConfig, PostgresStore, StreamAppend, copy};
use event_store_contract::sample::{append, event, event_of_size, events, put, stream, stream_of};
use kurrentdb_double::Double;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::sync::Arc;
use test_support::{Role, TestDatabase};
use uuid::Uuid;

async fn kurrentdb() -> (Double, EventStore) {
    let double = Double::start().await;
    let store = open(&double.url()).await;
    (double, EventStore::Kurrentdb(store))
}

async fn postgres() -> (TestDatabase, EventStore) {
    let database = TestDatabase::create().await;
    let store = on(&database).await;
    (database, store)
}

async fn on(database: &TestDatabase) -> EventStore {
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_001_000_000)));
    let config = PostgresConfig::new(database.url.parse().unwrap(), database.pool(Role::App, 4), clock);
    EventStore::Postgres(PostgresStore::start(config).await.unwrap())
}

async fn copied(from: &EventStore, to: &EventStore) -> Copied {
    copy(from, to, |_| {}).await.unwrap()
}

/// All that must not change.
async fn content(store: &EventStore) -> Vec<(Vec<u8>, Vec<u8>, SealedSlots, [u8; 16])> {
    let bytes = |event: RecordedEvent| (event.header_bytes, event.facts, event.slots, event.salt);
    store.read_all(domain::Position::START, 1_000_000).await.unwrap().into_iter().map(bytes).collect()
}

/// There and back again: memory, KurrentDB, PostgreSQL, PostgreSQL, KurrentDB.
async fn goes_round(source: &EventStore) {
    let expected = content(source).await;
    let (_first, there) = kurrentdb().await;
    let (_second, back) = postgres().await;
    let (_third, beside) = postgres().await;
    let (_fourth, again) = kurrentdb().await;
    let first = copied(source, &there).await;
    assert_eq!((first.events, first.written), (expected.len() as u64, expected.len() as u64));
    let mut from = &there;
    for to in [&back, &beside, &again] {
        let next = copied(from, to).await;
        assert_eq!((next.events, next.written, next.streams, next.chain), (first.events, first.events, first.streams, first.chain));
        from = to;
    }
    for store in [&there, &back, &beside, &again] {
        assert_eq!(content(store).await, expected);
    }
    let names = [there.name().await.unwrap(), again.name().await.unwrap()].map(Option::unwrap);
    assert!(names[0].is_copy_of(&names[1]) && names[0] == there.name().await.unwrap().unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_of_all_kinds_of_events_goes_through_all_backends_and_comes_back_as_it_was() {
    let source = EventStore::memory();
    let all_bytes = SlotContent::Envelope((0..=255).cycle().take(10_000).collect());
    let kinds = SealedSlots::new(vec![all_bytes, SlotContent::Withheld, SlotContent::Removed([9; 32])]);
    let first = stream();
    let large = SealedSlots::new(vec![SlotContent::Envelope(vec![0xff; 900_000])]);
    source.append(append(first, ExpectedVersion::NoStream, vec![NewEvent { slots: kinds, ..event() }])).await.unwrap();
    source.append(append(stream(), ExpectedVersion::NoStream, vec![NewEvent { slots: large, ..event() }])).await.unwrap();
    source.append(append(first, ExpectedVersion::Exact(0), vec![NewEvent { causation: None, facts: vec![], ..event() }])).await.unwrap();
    // More of one stream than one append may hold, and more events than are written at once.
    for _ in 0..3 {
        source.append(append(first, ExpectedVersion::Any, vec![event_of_size(700_000)])).await.unwrap();
    }
    for _ in 0..700 {
        put(&source, stream(), 1).await;
    }
    put(&source, first, 300).await;
    goes_round(&source).await;
}

#[test]
fn whatever_a_log_holds_in_whatever_order_is_copied_as_it_is() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let slot = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..300).prop_map(SlotContent::Envelope),
        Just(SlotContent::Withheld),
        any::<[u8; 32]>().prop_map(SlotContent::Removed),
    ];
    let one = (0..4_usize, prop::collection::vec(any::<u8>(), 0..200), prop::collection::vec(slot, 0..4));
    let mut runner = TestRunner::new(Config { cases: 6, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&prop::collection::vec(one, 0..60), |all| {
        runtime.block_on(async {
            let source = EventStore::memory();
            let organization = OrganizationId(Uuid::new_v4());
            let streams: Vec<StreamName> = Category::ALL.iter().take(4).map(|category| stream_of(*category, organization)).collect();
            for (number, facts, slots) in all {
                let new = NewEvent { facts, slots: SealedSlots::new(slots), ..event() };
                source.append(append(streams[number], ExpectedVersion::Any, vec![new])).await.unwrap();
            }
            if source.name().await.unwrap().is_some() {
                goes_round(&source).await;
            }
        });
        Ok(())
    });
    outcome.unwrap();
}

/// A copy that is dropped amid writing, at whatever event, is carried on by the next one.
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_ends_in_the_middle_is_carried_on() {
    let source = EventStore::memory();
    for number in 0..900 {
        put(&source, stream(), 1 + number % 3).await;
    }
    let (_double, there) = kurrentdb().await;
    let (_database, back) = postgres().await;
    for (from, to) in [(&source, &there), (&there, &back)] {
        let mut written = 0;
        for stop_after in [1_u64, 400, 700, 1_100] {
            let (stop, stopped) = tokio::sync::watch::channel(false);
            let told = |_| {
                written += 1;
                if written >= stop_after {
                    stop.send_replace(true);
                }
            };
            let mut stopped = stopped.clone();
            tokio::select! {
                biased;
                _ = stopped.wait_for(|stop| *stop) => {}
                outcome = copy(from, to, told) => drop(outcome.unwrap()),
            }
            written = 0;
        }
        let rest = copied(from, to).await;
        assert!(rest.written < rest.events, "what is there is not written again");
        assert_eq!(copied(from, to).await.written, 0);
        assert_eq!(content(to).await, content(&source).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_holds_something_else_is_refused_with_the_place() {
    let source = EventStore::memory();
    let names: Vec<StreamName> = (0..5).map(|_| stream()).collect();
    let all: Vec<StreamAppend> = names.iter().map(|name| append(*name, ExpectedVersion::NoStream, events(1))).collect();
    for one in all.clone() {
        source.append(one).await.unwrap();
    }
    let (_double, target) = kurrentdb().await;
    for one in &all[..2] {
        target.append(one.clone()).await.unwrap();
    }
    // The same event but for one byte of its facts.
    let mut other = all[2].clone();
    other.events[0].facts[0] ^= 1;
    let position = target.append(other).await.unwrap().position;
    let refusal = copy(&source, &target, |_| {}).await.unwrap_err();
    let third = source.read_all(domain::Position::START, 3).await.unwrap()[2].position;
    assert_eq!(refusal, CopyError::Differs { number: 3, source_position: third, target: position });
    assert_eq!(content(&target).await.len(), 3, "nothing was written");

    let (_database, longer) = postgres().await;
    copied(&source, &longer).await;
    let position = put(&longer, names[0], 1).await.position;
    assert_eq!(copy(&source, &longer, |_| {}).await.unwrap_err(), CopyError::Longer { events: 5, target: position });
    assert_eq!(copy(&longer, &longer, |_| {}).await.unwrap_err(), CopyError::SameLog);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_grows_is_copied_up_to_where_it_ended_at_the_start() {
    let (_double, source) = kurrentdb().await;
    let (_database, target) = postgres().await;
    for _ in 0..20 {
        put(&source, stream(), 2).await;
    }
    let writing = tokio::spawn({
        let source = source.clone();
        async move {
            for _ in 0..200 {
                put(&source, stream(), 1).await;
            }
        }
    });
    let first = copied(&source, &target).await;
    assert!(first.events >= 40);
    writing.await.unwrap();
    let second = copied(&source, &target).await;
    assert_eq!((second.events, second.written), (240, 240 - first.events));
    assert_eq!(content(&target).await, content(&source).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_written_otherwise_is_not_copied() {
    let (database, source) = postgres().await;
    put(&source, stream(), 1).await;
    let other = EventId(Uuid::now_v7());
    let insert =
        "INSERT INTO log.event SELECT position + 1, version, occurred_at, recorded_at, organization, stream_id, $1, category, event_type,
        convert_to(' ' || convert_from(header, 'UTF8'), 'UTF8'), facts, sealed, salt FROM log.event";
    database.client().await.execute(insert, &[&other.0]).await.unwrap();
    let (_double, target) = kurrentdb().await;
    assert!(matches!(copy(&on(&database).await, &target, |_| {}).await, Err(CopyError::Foreign { position }) if position.commit == 2));
    assert_eq!(target.name().await.unwrap(), None, "nothing was written");
}
