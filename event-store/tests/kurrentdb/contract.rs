//! The contract (`event-store/CONTRACT.md`), rule by rule.

use crate::fixture::log;
use event_store_contract::sample::{put, read, stream};
use event_store_contract::{case, model};

macro_rules! on_kurrentdb {
    ($($file:ident :: $name:ident,)*) => {
        $(#[tokio::test(flavor = "multi_thread")] async fn $name() { case(stringify!($name)).run(log().await).await; })*
    };
}

event_store_contract::for_each_case!(on_kurrentdb);

#[test]
fn any_sequence_of_commands_is_answered_as_the_model_answers_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Two processes in turn, so that what each one knows goes stale.
    let log = runtime.block_on(log());
    let stores = runtime.block_on(async { [log.open().await, log.open().await] });
    model::hold(60, &runtime, &stores);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_of_recording_is_the_servers() {
    let log = log().await;
    let store = log.open().await;
    let stream = stream();
    put(&store, stream, 1).await;
    let recorded = read(&store, stream).await[0].recorded_at.micros();
    assert!(recorded > 1_700_000_000_123_456 && recorded % 1_000_000 != 0, "{recorded}");
}
