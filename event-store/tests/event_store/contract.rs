//! What every backend promises. Each test runs on memory and on PostgreSQL.

use crate::support::{append, appended, event, event_with_id, events, in_time, open, position_of, read_up_to, stream};
use ExpectedVersion::{Any, Exact, NoStream, StreamExists};
use domain::{Category, EventId, OrganizationId, Position, StreamName};
use event_store::{APPEND_BYTES_MAX, AppendError, EventStore, ExpectedVersion, Filter, SubscriptionEvent};
use test_support::TestDatabase;
use uuid::Uuid;

macro_rules! on_both_backends {
    ($($name:ident)*) => {
        mod memory {
            $(#[tokio::test] async fn $name() { super::$name(event_store::EventStore::memory()).await; })*
        }
        mod postgres {
            $(#[tokio::test] async fn $name() {
                let database = test_support::TestDatabase::create().await;
                super::in_time(super::$name(super::postgres_store(&database).await)).await;
            })*
        }
    };
}

on_both_backends! {
    an_appended_event_is_read_back_as_it_was
    versions_count_from_zero_in_each_stream_and_positions_over_all
    an_unexpected_version_is_refused_and_says_the_actual_one
    a_repeated_append_gets_the_first_answer
    ids_that_partly_exist_are_refused
    two_appends_to_one_stream_in_a_batch_see_each_other
    a_batch_is_judged_stream_by_stream
    what_is_too_large_or_empty_is_refused
    streams_are_read_in_the_order_asked_and_unknown_ones_are_empty
    the_same_id_in_another_organization_or_category_is_another_stream
    a_subscription_reads_history_and_goes_live
    a_filtered_subscription_gets_only_what_it_asked_for
    a_reader_ahead_of_the_log_is_told_loudly
    after_shutdown_nothing_is_taken_and_subscriptions_end
}

async fn postgres_store(database: &TestDatabase) -> EventStore {
    EventStore::Postgres(open(database).await)
}

async fn an_appended_event_is_read_back_as_it_was(store: EventStore) {
    let (stream, new) = (stream(), event());
    assert_eq!(store.append(append(stream, NoStream, vec![new.clone()])).await, Ok(appended(0, 0, 1)));
    let read = store.read_streams(&[stream]).await.unwrap().remove(0);
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].position, position_of(1));
    assert_eq!(read[0].header, new.header(stream, 0));
    assert_eq!(read[0].header_bytes, new.header(stream, 0).to_bytes());
    assert_eq!((&read[0].facts, &read[0].slots, read[0].salt), (&new.facts, &new.slots, new.salt));
    assert_eq!(store.read_all(Position::START, 10).await.unwrap(), read);
}

async fn versions_count_from_zero_in_each_stream_and_positions_over_all(store: EventStore) {
    let (one, other) = (stream(), stream());
    assert_eq!(store.append(append(one, NoStream, events(2))).await, Ok(appended(0, 1, 2)));
    assert_eq!(store.append(append(other, Any, events(1))).await, Ok(appended(0, 0, 3)));
    assert_eq!(store.append(append(one, Exact(1), events(3))).await, Ok(appended(2, 4, 6)));
    assert_eq!(store.append(append(other, StreamExists, events(1))).await, Ok(appended(1, 1, 7)));
    assert_eq!(store.append(append(one, Any, events(1))).await, Ok(appended(5, 5, 8)));
    assert_eq!(store.head().await, Ok(position_of(8)));
    let positions: Vec<_> = store.read_all(position_of(2), 4).await.unwrap().iter().map(|event| event.position.commit).collect();
    assert_eq!(positions, [3, 4, 5, 6]);
}

async fn an_unexpected_version_is_refused_and_says_the_actual_one(store: EventStore) {
    let stream = stream();
    let wrong = |actual| Err(AppendError::WrongVersion { actual });
    assert_eq!(store.append(append(stream, Exact(0), events(1))).await, wrong(None));
    assert_eq!(store.append(append(stream, Exact(u64::MAX), events(1))).await, wrong(None));
    assert_eq!(store.append(append(stream, StreamExists, events(1))).await, wrong(None));
    store.append(append(stream, NoStream, events(2))).await.unwrap();
    assert_eq!(store.append(append(stream, NoStream, events(1))).await, wrong(Some(1)));
    assert_eq!(store.append(append(stream, Exact(0), events(1))).await, wrong(Some(1)));
    assert_eq!(store.append(append(stream, Exact(2), events(1))).await, wrong(Some(1)));
    assert_eq!(store.head().await, Ok(position_of(2)));
}

async fn a_repeated_append_gets_the_first_answer(store: EventStore) {
    let stream = stream();
    let (first, second, third) = (events(2), events(1), events(3));
    let mut answers = Vec::new();
    for (expected, events) in [(NoStream, &first), (Exact(1), &second), (Any, &third)] {
        answers.push(store.append(append(stream, expected, events.clone())).await.unwrap());
    }
    for expected in [NoStream, Any, StreamExists] {
        let repeat = store.append(append(stream, expected, first.clone())).await.unwrap();
        assert_eq!(repeat, event_store::Appended { already: true, ..answers[0] });
    }
    for expected in [Exact(1), Any] {
        let repeat = store.append(append(stream, expected, second.clone())).await.unwrap();
        assert_eq!(repeat, event_store::Appended { already: true, ..answers[1] });
    }
    let repeat = store.append(append(stream, Exact(2), third.clone())).await.unwrap();
    assert_eq!(repeat, event_store::Appended { already: true, ..answers[2] });
    assert_eq!(store.append(append(stream, Exact(0), second)).await, Err(AppendError::WrongVersion { actual: Some(5) }));
    assert_eq!(store.head().await, Ok(position_of(6)));
}

async fn ids_that_partly_exist_are_refused(store: EventStore) {
    let stream = stream();
    let known = events(2);
    store.append(append(stream, NoStream, known.clone())).await.unwrap();
    for mixture in [vec![known[0].clone(), event()], vec![event(), known[1].clone()], vec![known[1].clone(), known[0].clone()]] {
        assert_eq!(store.append(append(stream, Any, mixture)).await, Err(AppendError::EventIdReused));
    }
    assert_eq!(store.head().await, Ok(position_of(2)));
}

async fn two_appends_to_one_stream_in_a_batch_see_each_other(store: EventStore) {
    let (one, other) = (stream(), stream());
    let (first, any) = (events(2), events(1));
    let batch = vec![
        append(one, NoStream, first.clone()),
        append(one, NoStream, events(1)),
        append(one, NoStream, first.clone()),
        append(one, Exact(1), events(1)),
        append(one, Any, any.clone()),
        append(one, Any, any.clone()),
        append(other, Any, any),
        append(one, Any, vec![event(), first[0].clone()]),
    ];
    let verdicts = store.append_batch(batch).await;
    let repeat = |first, last, position| Ok(event_store::Appended { already: true, ..appended(first, last, position) });
    assert_eq!(
        verdicts,
        [
            Ok(appended(0, 1, 2)),
            Err(AppendError::WrongVersion { actual: Some(1) }),
            repeat(0, 1, 2),
            Ok(appended(2, 2, 3)),
            Ok(appended(3, 3, 4)),
            repeat(3, 3, 4),
            Ok(appended(0, 0, 5)),
            Err(AppendError::EventIdReused),
        ]
    );
    assert_eq!(store.read_streams(&[one]).await.unwrap()[0].len(), 4);
}

async fn a_batch_is_judged_stream_by_stream(store: EventStore) {
    let existing = stream();
    store.append(append(existing, NoStream, events(1))).await.unwrap();
    let batch = vec![
        append(stream(), NoStream, events(1)),
        append(existing, NoStream, events(1)),
        append(stream(), NoStream, vec![]),
        append(existing, Exact(0), events(1)),
    ];
    let verdicts = store.append_batch(batch).await;
    assert_eq!(
        verdicts,
        [Ok(appended(0, 0, 2)), Err(AppendError::WrongVersion { actual: Some(0) }), Err(AppendError::Empty), Ok(appended(1, 1, 3))]
    );
    assert_eq!(store.append_batch(vec![]).await, []);
}

async fn what_is_too_large_or_empty_is_refused(store: EventStore) {
    let mut large = event();
    large.facts = vec![b' '; APPEND_BYTES_MAX];
    let refusal = store.append(append(stream(), Any, vec![large])).await.unwrap_err();
    assert!(matches!(refusal, AppendError::TooLarge { bytes, limit: APPEND_BYTES_MAX } if bytes > APPEND_BYTES_MAX));
    let mut just_fits = event();
    just_fits.facts = vec![b' '; APPEND_BYTES_MAX - 2048];
    let stream = stream();
    store.append(append(stream, Any, vec![just_fits.clone()])).await.unwrap();
    assert_eq!(store.read_streams(&[stream]).await.unwrap()[0][0].facts, just_fits.facts);
    assert_eq!(store.append(append(stream, Any, vec![])).await, Err(AppendError::Empty));
}

async fn streams_are_read_in_the_order_asked_and_unknown_ones_are_empty(store: EventStore) {
    let (one, other, unknown) = (stream(), stream(), stream());
    store.append(append(one, NoStream, events(2))).await.unwrap();
    store.append(append(other, NoStream, events(1))).await.unwrap();
    store.append(append(one, Exact(1), events(1))).await.unwrap();
    let read = store.read_streams(&[other, unknown, one, other]).await.unwrap();
    let versions: Vec<Vec<u64>> = read.iter().map(|events| events.iter().map(|event| event.header.version).collect()).collect();
    assert_eq!(versions, [vec![0], vec![], vec![0, 1, 2], vec![0]]);
    assert!(read[2].iter().all(|event| event.header.stream == one));
    assert!(store.read_streams(&[]).await.unwrap().is_empty());
}

async fn the_same_id_in_another_organization_or_category_is_another_stream(store: EventStore) {
    let mine = stream();
    let foreign = StreamName::new(mine.category, OrganizationId(Uuid::new_v4()), mine.id);
    let other_category = StreamName::new(Category::Suppression, mine.organization, mine.id);
    let repeated = events(1);
    store.append(append(mine, NoStream, repeated.clone())).await.unwrap();
    assert!(store.read_streams(&[foreign, other_category]).await.unwrap().iter().all(Vec::is_empty));
    assert_eq!(store.append(append(foreign, Any, repeated.clone())).await, Ok(appended(0, 0, 2)));
    assert_eq!(store.append(append(other_category, NoStream, repeated)).await, Ok(appended(0, 0, 3)));
    let read = store.read_streams(&[mine, foreign, other_category]).await.unwrap();
    assert!(read.iter().all(|events| events.len() == 1));
}

async fn a_subscription_reads_history_and_goes_live(store: EventStore) {
    let stream = stream();
    store.append(append(stream, NoStream, events(2_300))).await.unwrap_err();
    for number in 0..3 {
        let expected = if number == 0 { NoStream } else { Exact(number * 500 - 1) };
        store.append(append(stream, expected, events(500))).await.unwrap();
    }
    let mut subscription = store.subscribe(position_of(100), Filter::default());
    let SubscriptionEvent::Events(first) = subscription.next().await.unwrap() else { panic!("history comes first") };
    assert!(first.len() <= 1_000);
    let rest = read_up_to(&mut subscription, 1_400 - first.len()).await;
    let positions = first.iter().chain(&rest).map(|event| event.position.commit);
    assert!(positions.eq(101..=1_500));
    assert_eq!(subscription.next().await, Ok(SubscriptionEvent::CaughtUp(position_of(1_500))));
    let live = tokio::spawn(async move { subscription.next().await });
    store.append(append(stream, Any, events(1))).await.unwrap();
    let Ok(SubscriptionEvent::Events(live)) = live.await.unwrap() else { panic!("news comes as events") };
    assert_eq!(live[0].position, position_of(1_501));
}

async fn a_filtered_subscription_gets_only_what_it_asked_for(store: EventStore) {
    let wanted = stream();
    let other = StreamName::new(Category::User, wanted.organization, Uuid::now_v7());
    for stream in [other, wanted, stream(), other] {
        store.append(append(stream, Any, events(1))).await.unwrap();
    }
    let filter = Filter { organization: Some(wanted.organization), ..Filter::categories(&[Category::Email]) };
    let mut subscription = store.subscribe(Position::START, filter);
    let SubscriptionEvent::Events(found) = subscription.next().await.unwrap() else { panic!("there is one event") };
    assert_eq!(found.iter().map(|event| event.header.stream).collect::<Vec<_>>(), [wanted]);
    assert_eq!(subscription.next().await, Ok(SubscriptionEvent::CaughtUp(position_of(4))));
    store.append(append(other, Any, events(1))).await.unwrap();
    assert_eq!(subscription.next().await, Ok(SubscriptionEvent::CaughtUp(position_of(5))));
    let of_type = |name: &str| Filter { event_types: vec![name.to_owned()], ..Filter::default() };
    assert_eq!(store.read_matching(Position::START, 3, &of_type("TransmissionStarted")).await.unwrap().len(), 3);
    assert!(store.read_matching(Position::START, 3, &of_type("EmailQueued")).await.unwrap().is_empty());
}

async fn a_reader_ahead_of_the_log_is_told_loudly(store: EventStore) {
    store.append(append(stream(), NoStream, vec![event_with_id(EventId(Uuid::now_v7()))])).await.unwrap();
    let mut subscription = store.subscribe(position_of(5), Filter::default());
    assert_eq!(subscription.next().await, Err(event_store::ReadError::LogLost { head: position_of(1), reader: position_of(5) }));
}

async fn after_shutdown_nothing_is_taken_and_subscriptions_end(store: EventStore) {
    store.append(append(stream(), NoStream, events(1))).await.unwrap();
    let mut subscription = store.subscribe(position_of(1), Filter::default());
    assert_eq!(subscription.next().await, Ok(SubscriptionEvent::CaughtUp(position_of(1))));
    let waiting = tokio::spawn(async move { subscription.next().await });
    store.shutdown().await;
    assert_eq!(waiting.await.unwrap(), Err(event_store::ReadError::Closed));
    assert_eq!(store.append(append(stream(), NoStream, events(1))).await, Err(AppendError::ShuttingDown));
}
