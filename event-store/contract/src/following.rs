//! C18, C19, C21 and C24: reading on for ever.

use crate::Log;
use crate::sample::{append, assert_ordered, events, ids, new_ids, of, put, stream, stream_of, take};
use domain::{Category, OrganizationId, Position};
use event_store::{EventStore, ExpectedVersion, ReadError, Subscription, SubscriptionEvent};
use uuid::Uuid;

/// The position of the next `CaughtUp`, when nothing but that is to come.
async fn caught_up(subscription: &mut Subscription) -> Position {
    match subscription.next().await.expect("the log can be read") {
        SubscriptionEvent::CaughtUp(position) => position,
        SubscriptionEvent::Events(events) => panic!("{} events came that were not written", events.len()),
    }
}

pub(crate) async fn c18_a_subscription_reads_history_and_goes_on_with_news_without_a_seam(log: Log) {
    let (store, stream) = (log.open().await, stream());
    let start = store.head().await.unwrap();
    let mut written = Vec::new();
    for _ in 0..3 {
        let new = events(500);
        written.extend(new_ids(&new));
        store.append(append(stream, ExpectedVersion::Any, new)).await.unwrap();
    }
    let mut subscription = store.subscribe(start, of(stream.organization));
    let SubscriptionEvent::Events(mut read) = subscription.next().await.unwrap() else { panic!("history comes first") };
    // What is written while history is read comes behind it.
    let late = events(2);
    written.extend(new_ids(&late));
    store.append(append(stream, ExpectedVersion::Any, late)).await.unwrap();
    let missing = 1_502 - read.len();
    read.extend(take(&mut subscription, missing).await);
    assert_eq!(ids(&read), written);
    assert_ordered(&read);
    assert!(caught_up(&mut subscription).await >= read[1_501].position);
    let live = tokio::spawn(async move { take(&mut subscription, 1).await });
    let news = put(&store, stream, 1).await;
    assert_eq!(live.await.unwrap()[0].position, news.position);
}

pub(crate) async fn c18_readers_beside_busy_writers_miss_and_repeat_nothing(log: Log) {
    let (writing, reading) = (log.open().await, log.open().await);
    let organization = OrganizationId(Uuid::new_v4());
    let start = writing.head().await.unwrap();
    let readers: Vec<_> = [&writing, &reading, &reading]
        .map(|store: &EventStore| {
            let mut subscription = store.subscribe(start, of(organization));
            tokio::spawn(async move { take(&mut subscription, 300).await })
        })
        .into();
    let writers: Vec<_> = (0..10)
        .map(|_| {
            let (store, stream) = (writing.clone(), stream_of(Category::Email, organization));
            tokio::spawn(async move {
                for count in [1, 2, 3].into_iter().cycle().take(15) {
                    put(&store, stream, count).await;
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }
    let stored = writing.read_matching(start, usize::MAX, &of(organization)).await.unwrap();
    assert_eq!(stored.len(), 300);
    for reader in readers {
        assert_eq!(ids(&reader.await.unwrap()), ids(&stored));
    }
}

pub(crate) async fn c19_a_reader_hears_when_it_has_caught_up(log: Log) {
    let (store, stream) = (log.open().await, stream());
    let start = store.head().await.unwrap();
    let mut subscription = store.subscribe(start, of(stream.organization));
    // At once when there is nothing to read.
    assert!(caught_up(&mut subscription).await >= start);
    for count in [1, 3] {
        let written = put(&store, stream, count).await;
        take(&mut subscription, count).await;
        let position = caught_up(&mut subscription).await;
        assert!(position >= written.position);
        assert_eq!(position, subscription.checkpoint());
    }
}

pub(crate) async fn c19_a_filtered_reader_hears_how_far_it_has_come(log: Log) {
    let (store, mine, other) = (log.open().await, stream(), stream());
    let start = store.head().await.unwrap();
    let mut subscription = store.subscribe(start, of(mine.organization));
    for _ in 0..2 {
        let passed = put(&store, other, 5).await.position;
        while caught_up(&mut subscription).await < passed {}
        assert!(subscription.checkpoint() >= passed);
    }
}

pub(crate) async fn c21_a_reader_resumes_where_its_checkpoint_was_taken(log: Log) {
    let (store, other) = (log.open().await, log.open().await);
    let organization = OrganizationId(Uuid::new_v4());
    let (stream, stranger) = (stream_of(Category::Email, organization), self::stream());
    let start = store.head().await.unwrap();
    for _ in 0..4 {
        put(&store, stream, 300).await;
        put(&store, stranger, 20).await;
    }
    let stored = store.read_matching(start, usize::MAX, &of(organization)).await.unwrap();
    let mut subscription = store.subscribe(start, of(organization));
    let mut read = Vec::new();
    while read.len() < 1_200 {
        if let SubscriptionEvent::Events(events) = subscription.next().await.unwrap() {
            read.extend(events);
            assert!(subscription.checkpoint() >= read[read.len() - 1].position);
            // As it is kept in a table, and taken up by another process.
            let kept = Position::from_bytes(subscription.checkpoint().to_bytes());
            subscription = other.subscribe(kept, of(organization));
        }
    }
    assert_eq!(ids(&read), ids(&stored));
    // The position of any event will do as well.
    for place in [0, 599, 1_198] {
        let mut subscription = other.subscribe(stored[place].position, of(organization));
        let SubscriptionEvent::Events(rest) = subscription.next().await.unwrap() else { panic!("there is more behind it") };
        assert_eq!(rest[0].header.event_id, stored[place + 1].header.event_id);
    }
}

pub(crate) async fn c24_a_reader_ahead_of_the_log_is_told(log: Log) {
    let store = log.open().await;
    let head = put(&store, stream(), 1).await.position;
    // A bookmark of a log that reached further than this one does.
    let ahead = Position { commit: head.commit + 1_000_000_000_000, prepare: head.prepare + 1_000_000_000_000 };
    let refusal = store.subscribe(ahead, of(OrganizationId(Uuid::new_v4()))).next().await;
    assert!(matches!(refusal, Err(ReadError::LogLost { reader, .. }) if reader == ahead), "{refusal:?}");
}
