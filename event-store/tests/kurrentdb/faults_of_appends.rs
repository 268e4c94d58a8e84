//! What may go wrong with an append, and that it is written once all the same, or refused for what it is.

use crate::fixture::hasty;
use event_store::{AppendError, Appended, EventStore, ExpectedVersion, Fault, KurrentdbStore};
use event_store_contract::sample::{append, event, events, ids, new_ids, put, read, stream};
use kurrentdb_double::{AppendFault, Double};
use std::time::Duration;

async fn double_and_store() -> (Double, EventStore) {
    let double = Double::start().await;
    let store = EventStore::Kurrentdb(KurrentdbStore::start(hasty(&double.url())).await.expect("the double is there"));
    (double, store)
}

/// Whatever strikes the first call: the append is answered as new, and stands there once.
async fn is_written_once(fault: AppendFault) {
    for expected in [ExpectedVersion::NoStream, ExpectedVersion::Any] {
        let (double, store) = double_and_store().await;
        let (stream, new) = (stream(), events(3));
        double.next_append(fault);
        // The server may have forgotten the ids: the version that is expected stands in for them.
        double.forget_ids();
        let answer = store.append(append(stream, expected, new.clone())).await.expect("the second call succeeds");
        let written = read(&store, stream).await;
        assert_eq!(ids(&written), new_ids(&new), "{fault:?} with {expected:?}");
        assert_eq!(answer, Appended { first_version: 0, last_version: 2, position: written[2].position, already: false });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_answer_was_cut_off_is_written_once() {
    is_written_once(AppendFault::CutAfterWriting).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_was_cut_off_is_written_once() {
    is_written_once(AppendFault::CutBeforeWriting).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_is_never_answered_is_written_once() {
    is_written_once(AppendFault::HangAfterWriting).await;
    is_written_once(AppendFault::Hang).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_commit_took_too_long_is_written_once() {
    is_written_once(AppendFault::CommitTimeout).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_to_a_node_that_is_not_ready_is_written_once() {
    is_written_once(AppendFault::NotReady).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_expects_nothing_goes_behind_whoever_was_faster() {
    let (double, store) = double_and_store().await;
    let stream = stream();
    put(&store, stream, 1).await;
    double.next_append(AppendFault::OvertakenByAnother);
    let answer = store.append(append(stream, ExpectedVersion::Any, events(1))).await.expect("it expects nothing");
    assert_eq!((answer.first_version, answer.already), (2, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_expects_a_version_is_refused_when_somebody_was_faster() {
    let (double, store) = double_and_store().await;
    let stream = stream();
    put(&store, stream, 1).await;
    double.next_append(AppendFault::OvertakenByAnother);
    let refusal = store.append(append(stream, ExpectedVersion::Exact(0), events(1))).await;
    assert_eq!(refusal, Err(AppendError::WrongVersion { actual: Some(1) }));
    // The connection has not suffered from the conflict.
    let answer = store.append(append(stream, ExpectedVersion::Exact(1), events(1))).await;
    assert_eq!(answer.map(|answer| answer.first_version), Ok(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conflict_in_a_batch_leaves_the_others_alone() {
    let (_double, store) = double_and_store().await;
    let taken = stream();
    put(&store, taken, 1).await;
    let batch: Vec<_> = (0..200)
        .map(|number| {
            if number % 10 == 3 {
                append(taken, ExpectedVersion::NoStream, events(1))
            } else {
                append(stream(), ExpectedVersion::NoStream, events(1))
            }
        })
        .collect();
    let verdicts = store.append_batch(batch).await;
    for (number, verdict) in verdicts.iter().enumerate() {
        match number % 10 {
            3 => assert_eq!(*verdict, Err(AppendError::WrongVersion { actual: Some(0) })),
            _ => assert!(verdict.is_ok(), "{verdict:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeat_is_recognised_when_the_server_has_forgotten_its_ids() {
    let (double, store) = double_and_store().await;
    let (stream, first, second) = (stream(), events(2), events(1));
    let answer = store.append(append(stream, ExpectedVersion::NoStream, first.clone())).await.unwrap();
    store.append(append(stream, ExpectedVersion::Any, second)).await.unwrap();
    double.forget_ids();
    for expected in [ExpectedVersion::NoStream, ExpectedVersion::Any, ExpectedVersion::StreamExists] {
        let repeat = store.append(append(stream, expected, first.clone())).await;
        assert_eq!(repeat, Ok(Appended { already: true, ..answer }), "{expected:?}");
    }
    assert_eq!(read(&store, stream).await.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_finds_too_large_is_refused_with_its_limit() {
    let (double, store) = double_and_store().await;
    let new = append(stream(), ExpectedVersion::NoStream, events(1));
    double.next_append(AppendFault::TooLarge { limit: 512 });
    assert_eq!(store.append(new.clone()).await, Err(AppendError::TooLarge { bytes: new.weight(), limit: 512 }));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_server_is_gone_for_good_nothing_was_written_and_the_caller_hears_so() {
    let (mut double, store) = double_and_store().await;
    put(&store, stream(), 1).await;
    double.die(0);
    let refusal = store.append(append(stream(), ExpectedVersion::NoStream, events(1))).await;
    assert_eq!(refusal, Err(AppendError::Unavailable(Fault::Connection)));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_the_server_is_gone_for_good_with_an_append_its_outcome_is_unknown_until_it_is_repeated() {
    let (mut double, store) = double_and_store().await;
    let new = append(stream(), ExpectedVersion::NoStream, vec![event()]);
    double.next_append(AppendFault::HangAfterWriting);
    // The server writes events of its own.
    let before = double.events();
    let appending = tokio::spawn({
        let (store, new) = (store.clone(), new.clone());
        async move { store.append(new).await }
    });
    // The append is written before the server goes: its deadline is not over yet.
    while double.events() == before {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    double.die(0);
    assert_eq!(appending.await.unwrap(), Err(AppendError::OutcomeUnknown(Fault::Connection)));
    double.appear(0).await;
    let repeat = store.append(new.clone()).await.expect("the server is there again");
    assert!(repeat.already, "{repeat:?}");
    assert_eq!(read(&store, new.stream).await.len(), 1);
}
