//! PostgreSQL beside the memory model, over random appends.

use crate::support::{append, event, event_with_id, open, position_of, stream};
use domain::{EventId, NewEvent, RecordedEvent};
use event_store::{AppendError, Appended, EventStore, ExpectedVersion, StreamAppend};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::HashMap;
use test_support::TestDatabase;
use uuid::Uuid;

/// One append: stream, expectation, how many events, and which of two sets of ids.
#[derive(Clone, Debug)]
struct Step {
    stream: usize,
    expected: Expected,
    count: u64,
    variant: u8,
}

#[derive(Clone, Copy, Debug)]
enum Expected {
    Any(u64),
    Exists(u64),
    /// The version that the first event is to have.
    From(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let expected =
        prop_oneof![(0..4_u64).prop_map(Expected::Any), (0..4_u64).prop_map(Expected::Exists), (0..6_u64).prop_map(Expected::From)];
    (0..3_usize, expected, 1..4_u64, 0..2_u8).prop_map(|(stream, expected, count, variant)| Step { stream, expected, count, variant })
}

#[test]
fn any_sequence_of_batches_is_judged_as_the_model_judges_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let database = runtime.block_on(TestDatabase::create());
    // Two processes in turn, so that each one's cache goes stale.
    let stores = runtime.block_on(async { [EventStore::Postgres(open(&database).await), EventStore::Postgres(open(&database).await)] });
    let batches = prop::collection::vec(prop::collection::vec(step(), 1..6), 1..12);
    let mut runner = TestRunner::new(Config { cases: 40, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&batches, |batches| {
        runtime.block_on(compare(&stores, &batches));
        Ok(())
    });
    outcome.unwrap();
}

async fn compare(stores: &[EventStore; 2], batches: &[Vec<Step>]) {
    let model = EventStore::memory();
    let base = stores[0].head().await.unwrap();
    let streams = [stream(), stream(), stream()];
    let mut made = HashMap::new();
    for (number, batch) in batches.iter().enumerate() {
        let appends: Vec<StreamAppend> = batch.iter().map(|step| request(step, streams[step.stream], &mut made)).collect();
        let wanted = model.append_batch(appends.clone()).await;
        let got = stores[number % 2].append_batch(appends).await;
        let got: Vec<_> = got.into_iter().map(|verdict| verdict.map(|appended| without(base.commit, appended))).collect();
        assert_eq!(got, wanted, "batch {number}");
    }
    let got = stores[0].read_all(base, usize::MAX).await.unwrap();
    let wanted = model.read_all(position_of(0), usize::MAX).await.unwrap();
    assert_eq!(comparable(got, base.commit), comparable(wanted, 0));
}

/// The ids of an append by version belong to that version, and those of other appends to their number: then a repeat is a repeat.
fn request(step: &Step, stream: domain::StreamName, made: &mut HashMap<(usize, bool, u64, u8), NewEvent>) -> StreamAppend {
    let (by_version, from, expected) = match step.expected {
        Expected::Any(number) => (false, number, ExpectedVersion::Any),
        Expected::Exists(number) => (false, number, ExpectedVersion::StreamExists),
        Expected::From(0) => (true, 0, ExpectedVersion::NoStream),
        Expected::From(version) => (true, version, ExpectedVersion::Exact(version - 1)),
    };
    let make = |number| {
        made.entry((step.stream, by_version, number, step.variant)).or_insert_with(|| event_with_id(EventId(Uuid::new_v4()))).clone()
    };
    append(stream, expected, (from..from + step.count).map(make).collect())
}

fn without(base: u64, appended: Appended) -> Appended {
    Appended { position: position_of(appended.position.commit - base), ..appended }
}

fn comparable(events: Vec<RecordedEvent>, base: u64) -> Vec<RecordedEvent> {
    let recorded_at = event().occurred_at;
    events.into_iter().map(|event| RecordedEvent { position: position_of(event.position.commit - base), recorded_at, ..event }).collect()
}

#[tokio::test]
async fn an_id_twice_in_one_append_is_refused() {
    let twice = event();
    let refusal = EventStore::memory().append(append(stream(), ExpectedVersion::Any, vec![twice.clone(), twice])).await;
    assert_eq!(refusal, Err(AppendError::EventIdReused));
}
