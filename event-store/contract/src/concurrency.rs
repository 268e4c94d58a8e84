//! C10 and C12: one order for everybody, and one winner.

use crate::Log;
use crate::sample::{append, assert_ordered, events, ids, of, put, read, stream, stream_of, take};
use domain::{Category, OrganizationId};
use event_store::{AppendError, EventStore, ExpectedVersion};
use futures::future::join_all;
use uuid::Uuid;

pub(crate) async fn c10_what_was_answered_stands_before_what_was_asked_later(log: Log) {
    let stores = [log.open().await, log.open().await];
    let streams = [stream(), stream(), stream()];
    let mut last = stores[0].head().await.unwrap();
    for number in 0..30 {
        let answer = put(&stores[number % 2], streams[number % 3], 1 + number % 2).await;
        assert!(answer.position > last, "append {number} stands at {}, not behind {last}", answer.position);
        last = answer.position;
        assert!(stores[(number + 1) % 2].head().await.unwrap() >= last, "an answer means that everybody can read it");
    }
}

pub(crate) async fn c10_every_reader_sees_one_order(log: Log) {
    let stores = [log.open().await, log.open().await];
    let organization = OrganizationId(Uuid::new_v4());
    let start = stores[0].head().await.unwrap();
    let mut readers: Vec<_> = stores.iter().map(|store| store.subscribe(start, of(organization))).collect();
    let writers = (0..6).map(|number: usize| {
        let (store, stream) = (stores[number % 2].clone(), stream_of(Category::Email, organization));
        tokio::spawn(async move {
            for _ in 0..20 {
                put(&store, stream, 1).await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let seen = join_all(readers.iter_mut().map(|reader| take(reader, 120))).await;
    for writer in writers {
        writer.await.unwrap();
    }
    let stored = stores[1].read_matching(start, usize::MAX, &of(organization)).await.unwrap();
    assert_ordered(&stored);
    assert_eq!(seen, [stored.clone(), stored]);
}

pub(crate) async fn c12_of_several_that_expect_the_same_one_is_written(log: Log) {
    let stores = [log.open().await, log.open().await];
    let streams: Vec<_> = (0..40).map(|_| stream()).collect();
    let contenders: Vec<_> = (0..4)
        .map(|number: usize| {
            let store: EventStore = stores[number % 2].clone();
            let appends: Vec<_> = streams.iter().map(|stream| append(*stream, ExpectedVersion::NoStream, events(1))).collect();
            tokio::spawn(async move {
                let ids: Vec<_> = appends.iter().map(|append| append.events[0].id).collect();
                (ids, join_all(appends.into_iter().map(|append| store.append(append))).await)
            })
        })
        .collect();
    let outcomes = join_all(contenders).await;
    for (place, stream) in streams.iter().enumerate() {
        let stored = ids(&read(&stores[0], *stream).await);
        assert_eq!(stored.len(), 1);
        for outcome in &outcomes {
            let (ids, verdicts) = outcome.as_ref().expect("no writer panics");
            match &verdicts[place] {
                Ok(_) => assert_eq!(ids[place], stored[0], "an append was answered and is not there"),
                Err(refusal) => {
                    assert_eq!(*refusal, AppendError::WrongVersion { actual: Some(0) });
                    assert_ne!(ids[place], stored[0], "an append was refused and is there");
                }
            }
        }
    }
}
