//! C26: ending in good order.

use crate::Log;
use crate::sample::{append, events, ids, new_ids, of, put, read, stream};
use event_store::{AppendError, ExpectedVersion, ReadError, SubscriptionEvent};
use futures::future::join_all;

pub(crate) async fn c26_after_shutdown_nothing_is_taken_and_subscriptions_end(log: Log) {
    let (store, stream) = (log.open().await, stream());
    let start = put(&store, stream, 1).await.position;
    let mut subscription = store.subscribe(start, of(stream.organization));
    assert!(matches!(subscription.next().await, Ok(SubscriptionEvent::CaughtUp(position)) if position >= start));
    let waiting = tokio::spawn(async move {
        // Others may write to a log that is shared.
        loop {
            match subscription.next().await {
                Ok(SubscriptionEvent::CaughtUp(_)) => {}
                end => return end,
            }
        }
    });
    store.shutdown().await;
    assert_eq!(waiting.await.unwrap(), Err(ReadError::Closed));
    assert_eq!(store.append(append(stream, ExpectedVersion::Any, events(1))).await, Err(AppendError::ShuttingDown));
    let batch = vec![append(stream, ExpectedVersion::Any, events(1)), append(stream, ExpectedVersion::Any, vec![])];
    assert_eq!(store.append_batch(batch).await, [Err(AppendError::ShuttingDown), Err(AppendError::Empty)]);
    assert_eq!(store.subscribe(start, of(stream.organization)).next().await, Err(ReadError::Closed));
    // Twice does no harm.
    store.shutdown().await;
}

pub(crate) async fn c26_what_was_taken_before_shutdown_is_completed_and_answered(log: Log) {
    let (store, reading) = (log.open().await, log.open().await);
    let appends: Vec<_> = (0..60).map(|_| append(stream(), ExpectedVersion::NoStream, events(2))).collect();
    let answers: Vec<_> = appends
        .iter()
        .cloned()
        .map(|append| {
            let store = store.clone();
            tokio::spawn(async move { store.append(append).await })
        })
        .collect();
    tokio::task::yield_now().await;
    store.shutdown().await;
    for (append, answer) in appends.iter().zip(join_all(answers).await) {
        let stored = ids(&read(&reading, append.stream).await);
        match answer.expect("no append panics") {
            Ok(_) => assert_eq!(stored, new_ids(&append.events)),
            Err(refusal) => {
                assert_eq!(refusal, AppendError::ShuttingDown);
                assert!(stored.is_empty(), "an append was refused and is there");
            }
        }
    }
}
