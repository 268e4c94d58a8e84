//! What may go wrong around an append, and what must hold all the same.

use crate::support::{append, appended, event, event_of_size, events, in_time, open, position_of, read_up_to, stream};
use domain::Position;
use event_store::{APPEND_BYTES_MAX, AppendError, EventStore, ExpectedVersion, Fault, Filter, ReadError, SubscriptionEvent};
use futures::future::join_all;
use std::time::Duration;
use test_support::TestDatabase;

async fn two_processes(database: &TestDatabase) -> (EventStore, EventStore) {
    (EventStore::Postgres(open(database).await), EventStore::Postgres(open(database).await))
}

#[tokio::test]
async fn a_stale_cache_neither_refuses_nor_accepts_wrongly() {
    let database = TestDatabase::create().await;
    let (one, other) = two_processes(&database).await;
    let stream = stream();
    let first = events(1);
    one.append(append(stream, ExpectedVersion::NoStream, first.clone())).await.unwrap();
    other.append(append(stream, ExpectedVersion::Exact(0), events(2))).await.unwrap();
    // `one` still believes version 0.
    assert_eq!(one.append(append(stream, ExpectedVersion::Exact(2), events(1))).await, Ok(appended(3, 3, 4)));
    assert_eq!(
        other.append(append(stream, ExpectedVersion::Exact(2), events(1))).await,
        Err(AppendError::WrongVersion { actual: Some(3) })
    );
    let repeat = other.append(append(stream, ExpectedVersion::Any, first)).await.unwrap();
    assert!(repeat.already && repeat.position == position_of(1));
}

#[tokio::test]
async fn neither_a_caller_that_gives_up_nor_the_last_clone_that_goes_cancels_anything() {
    let database = TestDatabase::create().await;
    let (store, reading) = two_processes(&database).await;
    let streams: Vec<_> = (0..50).map(|_| stream()).collect();
    for stream in &streams {
        let mut given_up = Box::pin(store.append(append(*stream, ExpectedVersion::NoStream, events(1))));
        assert!(futures::poll!(&mut given_up).is_pending());
    }
    drop(store);
    let mut subscription = reading.subscribe(Position::START, Filter::default());
    let read = in_time(read_up_to(&mut subscription, streams.len())).await;
    assert!(read.iter().map(|event| event.header.stream).eq(streams));
}

#[tokio::test]
async fn a_reader_stops_at_an_event_that_is_missing() {
    let database = TestDatabase::create().await;
    let store = EventStore::Postgres(open(&database).await);
    store.append(append(stream(), ExpectedVersion::NoStream, events(5))).await.unwrap();
    let damage = "ALTER TABLE log.event_000000 DISABLE TRIGGER ALL; DELETE FROM log.event WHERE position = ";
    for missing in [3, 1, 4] {
        database.client().await.batch_execute(&format!("{damage}{missing}")).await.unwrap();
        let mut subscription = store.subscribe(Position::START, Filter::default());
        assert_eq!(subscription.next().await, Err(ReadError::Gap { after: Position::START, to: position_of(5) }));
        assert_eq!(subscription.checkpoint(), Position::START);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_lost_amid_appends_is_answered_truthfully() {
    let database = TestDatabase::create().await;
    let store = EventStore::Postgres(open(&database).await);
    let writers: Vec<_> = (0..16).map(|_| tokio::spawn(keep_appending(store.clone(), 60))).collect();
    let client = database.client().await;
    let (mut killed, mut progress) = (0, 0);
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        // The connection breaks again as soon as some appends came through.
        let head = store.head().await.unwrap().commit;
        if head > progress + 30 {
            progress = head;
            let kill = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'lethemail appender'
                AND datname = current_database()";
            killed += client.query_one(kill, &[]).await.unwrap().get::<_, i64>(0);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut acknowledged = 0;
    for writer in in_time(join_all(writers)).await {
        let (stream, ids) = writer.unwrap();
        let stored = store.read_streams(&[stream]).await.unwrap().remove(0);
        assert!(stored.iter().map(|event| event.header.event_id).eq(ids), "each event once, in the order of the answers");
        acknowledged += stored.len() as u64;
    }
    assert_eq!(store.head().await, Ok(position_of(acknowledged)));
    assert!(killed >= 3, "the connection was lost {killed} times only");
}

/// Appends one by one, half of them by version and half by id alone; every one must succeed.
async fn keep_appending(store: EventStore, count: u64) -> (domain::StreamName, Vec<domain::EventId>) {
    let (stream, mut ids) = (stream(), Vec::new());
    for number in 0..count {
        let expected = match number {
            0 => ExpectedVersion::NoStream,
            _ if number % 2 == 0 => ExpectedVersion::Any,
            _ => ExpectedVersion::Exact(number - 1),
        };
        let event = event();
        ids.push(event.id);
        let answer = in_time(store.append(append(stream, expected, vec![event]))).await.unwrap();
        assert_eq!((answer.first_version, answer.last_version), (number, number));
    }
    (stream, ids)
}

#[tokio::test]
async fn a_log_that_lost_events_is_neither_read_nor_written() {
    let database = TestDatabase::create().await;
    let store = EventStore::Postgres(open(&database).await);
    let known = stream();
    store.append(append(known, ExpectedVersion::NoStream, events(3))).await.unwrap();
    let mut subscription = store.subscribe(Position::START, Filter::default());
    read_up_to(&mut subscription, 3).await;
    assert_eq!(subscription.next().await, Ok(SubscriptionEvent::CaughtUp(position_of(3))));
    // A fail-over to a standby that had not received the last event looks like this.
    let fail_over = "ALTER TABLE log.event_000000 DISABLE TRIGGER ALL; DELETE FROM log.event WHERE position = 3;
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lethemail appender' AND datname = current_database()";
    database.client().await.batch_execute(fail_over).await.unwrap();
    let lost = AppendError::LogLost { head: position_of(2), seen: position_of(3) };
    assert_eq!(in_time(store.append(append(stream(), ExpectedVersion::NoStream, events(1)))).await, Err(lost.clone()));
    assert_eq!(in_time(subscription.next()).await, Err(ReadError::LogLost { head: position_of(2), reader: position_of(3) }));
    assert_eq!(store.append(append(known, ExpectedVersion::Any, events(1))).await, Err(lost));
    assert_eq!(store.head().await, Err(ReadError::LogLost { head: position_of(2), reader: position_of(3) }));
}

#[tokio::test]
async fn an_append_may_cross_into_a_partition_that_no_migration_made() {
    let database = TestDatabase::create().await;
    let store = EventStore::Postgres(open(&database).await);
    store.append(append(stream(), ExpectedVersion::NoStream, events(1))).await.unwrap();
    store.shutdown().await;
    let client = database.client().await;
    let jump = "INSERT INTO log.event SELECT 19999997, version, occurred_at, recorded_at, organization, stream_id, event_id, category, event_type, header,
        facts, sealed, salt FROM log.event";
    client.batch_execute(jump).await.unwrap();
    let store = EventStore::Postgres(open(&database).await);
    let across = stream();
    assert_eq!(store.append(append(across, ExpectedVersion::NoStream, events(5))).await, Ok(appended(0, 4, 20_000_002)));
    assert_eq!(store.read_streams(&[across]).await.unwrap()[0].len(), 5);
    assert_eq!(store.read_all(position_of(19_999_997), 10).await.unwrap().len(), 5);
}

#[tokio::test]
async fn c27_what_waits_for_a_database_that_is_away_is_bounded_and_the_rest_refused_at_once() {
    let database = TestDatabase::create().await;
    let store = EventStore::Postgres(open(&database).await);
    let client = database.client().await;
    // Whoever wants to write waits for this lock: the database is there, and does not answer.
    client.batch_execute("BEGIN; LOCK TABLE log.event IN EXCLUSIVE MODE").await.unwrap();
    let heavy = || append(stream(), ExpectedVersion::NoStream, vec![event_of_size(APPEND_BYTES_MAX - 2048)]);
    // Callers that give up make no room: their events may still be written.
    for _ in 0..64 {
        assert!(futures::poll!(Box::pin(store.append(heavy()))).is_pending());
    }
    let crowded = AppendError::Unavailable(Fault::Crowded);
    assert_eq!(store.append(heavy()).await, Err(crowded.clone()));
    assert_eq!(store.append_batch(vec![heavy(), heavy()]).await, vec![Err(crowded.clone()), Err(crowded)]);
    client.batch_execute("COMMIT").await.unwrap();
    while store.head().await != Ok(position_of(64)) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(in_time(store.append(heavy())).await.map(|appended| appended.position), Ok(position_of(65)), "there is room again");
}
