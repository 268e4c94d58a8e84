//! Random commands beside a model of a log that is plain enough to be believed.

mod judge;

use crate::sample::{append, event_with_id, of, stream_of};
use domain::{Category, EventId, NewEvent, OrganizationId, StreamName};
use event_store::{Direction, EventStore, ExpectedVersion, LOG_END, ReadFrom, StreamAppend};
use judge::Model;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::HashMap;
use uuid::Uuid;

const STREAMS: usize = 3;

/// What is asked of the store.
#[derive(Clone, Debug)]
enum Command {
    /// One append goes alone, several as a batch.
    Append(Vec<Step>),
    ReadStream {
        stream: usize,
        from: ReadFrom,
        direction: Direction,
        limit: usize,
    },
    ReadStreams(Vec<usize>),
    ReadLog {
        direction: Direction,
        limit: usize,
    },
}

/// One append: how many events, and which of two sets of ids, so that repeats and clashes are frequent.
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
    (0..STREAMS, expected, 0..4_u64, 0..2_u8).prop_map(|(stream, expected, count, variant)| Step { stream, expected, count, variant })
}

fn direction() -> impl Strategy<Value = Direction> {
    prop_oneof![Just(Direction::Forwards), Just(Direction::Backwards)]
}

fn command() -> impl Strategy<Value = Command> {
    let from = prop_oneof![(0..12_u64).prop_map(ReadFrom::Version), Just(ReadFrom::End)];
    prop_oneof![
        4 => prop::collection::vec(step(), 1..6).prop_map(Command::Append),
        2 => step().prop_map(|step| Command::Append(vec![step])),
        2 => (0..STREAMS, from, direction(), 0..6_usize)
            .prop_map(|(stream, from, direction, limit)| Command::ReadStream { stream, from, direction, limit }),
        1 => prop::collection::vec(0..STREAMS, 0..4).prop_map(Command::ReadStreams),
        1 => (direction(), 0..8_usize).prop_map(|(direction, limit)| Command::ReadLog { direction, limit }),
    ]
}

/// Runs so many random sequences of commands, each on streams of its own, and compares every answer with the model's. The stores are open on one
/// log and take turns, as processes would whose knowledge of the log goes stale.
///
/// # Panics
/// With the shortest sequence found for which the answers differ.
pub fn hold(cases: u32, runtime: &tokio::runtime::Runtime, stores: &[EventStore]) {
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&prop::collection::vec(command(), 1..16), |commands| {
        runtime.block_on(compare(stores, &commands));
        Ok(())
    });
    if let Err(difference) = outcome {
        panic!("{difference}");
    }
}

async fn compare(stores: &[EventStore], commands: &[Command]) {
    let organization = OrganizationId(Uuid::new_v4());
    let streams: Vec<StreamName> = (0..STREAMS).map(|_| stream_of(Category::Email, organization)).collect();
    let start = stores[0].head().await.expect("the log can be read");
    let (mut model, mut made) = (Model::default(), HashMap::new());
    for (number, command) in commands.iter().enumerate() {
        let store = &stores[number % stores.len()];
        match command {
            Command::Append(steps) => {
                let appends: Vec<StreamAppend> = steps.iter().map(|step| request(step, streams[step.stream], &mut made)).collect();
                let wanted: Vec<_> = appends.iter().map(|append| model.append(number, append)).collect();
                let got = match <[StreamAppend; 1]>::try_from(appends) {
                    Ok([append]) => vec![store.append(append).await],
                    Err(appends) => store.append_batch(appends).await,
                };
                model.compare_verdicts(&got, &wanted, number);
            }
            Command::ReadStream { stream, from, direction, limit } => {
                let got = store.read_stream(streams[*stream], *from, *direction, *limit).await.expect("the log can be read");
                model.compare_stretch(&got, &model.stretch(streams[*stream], *from, *direction, *limit), number);
            }
            Command::ReadStreams(places) => {
                let names: Vec<_> = places.iter().map(|place| streams[*place]).collect();
                let got = store.read_streams(&names).await.expect("the log can be read");
                assert_eq!(got.len(), names.len());
                for (got, name) in got.iter().zip(names) {
                    model.compare_stretch(got, &model.stretch(name, ReadFrom::START, Direction::Forwards, usize::MAX), number);
                }
            }
            Command::ReadLog { direction, limit } => {
                let filter = of(organization);
                let got = match direction {
                    Direction::Forwards => store.read_matching(start, *limit, &filter).await,
                    Direction::Backwards => store.read_backwards(LOG_END, *limit, &filter).await,
                };
                model.compare_log(&got.expect("the log can be read"), *direction, *limit, number);
            }
        }
    }
    let everything = stores[0].read_matching(start, usize::MAX, &of(organization)).await.expect("the log can be read");
    model.compare_log(&everything, Direction::Forwards, usize::MAX, commands.len());
    model.compare_positions(&everything);
}

/// The ids of an append by version belong to that version, and those of other appends to their number: then a repeat is a repeat.
fn request(step: &Step, stream: StreamName, made: &mut HashMap<(usize, bool, u64, u8), NewEvent>) -> StreamAppend {
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
