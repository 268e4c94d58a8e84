//! C5, C13 to C15 and C25: what stands in a stream, and reading it.

use crate::Log;
use crate::sample::{append, event, events, ids, new_ids, put, read, stream, versions};
use domain::{Category, CorrelationId, EventId, NewEvent, OrganizationId, RecordedEvent, StreamName};
use event_store::{Direction, EventStore, ExpectedVersion, ReadFrom};
use uuid::Uuid;

pub(crate) async fn c5_an_append_is_read_back_whole_as_it_was_written(log: Log) {
    let (store, stream, new) = (log.open().await, stream(), events(3));
    let answer = store.append(append(stream, ExpectedVersion::NoStream, new.clone())).await.unwrap();
    assert_eq!((answer.first_version, answer.last_version, answer.already), (0, 2, false));
    let read = read(&store, stream).await;
    assert_eq!(read.len(), 3);
    for ((read, new), version) in read.iter().zip(&new).zip(0..) {
        assert_eq!(read.header, new.header(stream, version));
        assert_eq!(read.header_bytes, new.header(stream, version).to_bytes());
        assert_eq!((&read.facts, &read.slots, read.salt), (&new.facts, &new.slots, new.salt));
    }
    assert_eq!(read[2].position, answer.position, "the answer's position is the last event's");
}

pub(crate) async fn c13_the_same_id_in_another_organisation_or_category_is_another_stream(log: Log) {
    let (store, mine) = (log.open().await, stream());
    let foreign = StreamName::new(mine.category, OrganizationId(Uuid::new_v4()), mine.id);
    let other_category = StreamName::new(Category::Suppression, mine.organization, mine.id);
    let repeated = events(1);
    store.append(append(mine, ExpectedVersion::NoStream, repeated.clone())).await.unwrap();
    assert!(store.read_streams(&[foreign, other_category]).await.unwrap().iter().all(Vec::is_empty));
    for (stream, expected) in [(foreign, ExpectedVersion::Any), (other_category, ExpectedVersion::NoStream)] {
        let verdict = store.append(append(stream, expected, repeated.clone())).await;
        assert_eq!(versions(&verdict), Ok((0, 0, false)), "ids count within their stream");
    }
    let read = store.read_streams(&[mine, foreign, other_category]).await.unwrap();
    assert!(read.iter().all(|events| events.len() == 1));
}

async fn stretch(store: &EventStore, stream: StreamName, from: ReadFrom, direction: Direction, limit: usize) -> Vec<u64> {
    let read = store.read_stream(stream, from, direction, limit).await.unwrap();
    assert!(read.iter().all(|event| event.header.stream == stream));
    read.iter().map(|event| event.header.version).collect()
}

/// A stream of ten events with another one's between them.
async fn ten_events(store: &EventStore) -> StreamName {
    let (stream, other) = (stream(), stream());
    for count in [3, 1, 6] {
        put(store, stream, count).await;
        put(store, other, 2).await;
    }
    stream
}

pub(crate) async fn c14_a_stream_is_read_forwards_from_any_version(log: Log) {
    use Direction::Forwards;
    let store = log.open().await;
    let ten = ten_events(&store).await;
    assert_eq!(stretch(&store, ten, ReadFrom::START, Forwards, usize::MAX).await, (0..10).collect::<Vec<_>>());
    assert_eq!(stretch(&store, ten, ReadFrom::Version(3), Forwards, 4).await, [3, 4, 5, 6]);
    assert_eq!(stretch(&store, ten, ReadFrom::Version(9), Forwards, 4).await, [9]);
    assert_eq!(stretch(&store, ten, ReadFrom::START, Forwards, 0).await, [0_u64; 0]);
    for behind in [ReadFrom::Version(10), ReadFrom::Version(u64::MAX), ReadFrom::End] {
        assert_eq!(stretch(&store, ten, behind, Forwards, 4).await, [0_u64; 0]);
    }
    assert_eq!(stretch(&store, stream(), ReadFrom::START, Forwards, 4).await, [0_u64; 0]);
}

pub(crate) async fn c14_a_stream_is_read_backwards_from_any_version(log: Log) {
    use Direction::Backwards;
    let store = log.open().await;
    let ten = ten_events(&store).await;
    for behind in [ReadFrom::End, ReadFrom::Version(9), ReadFrom::Version(10), ReadFrom::Version(u64::MAX)] {
        assert_eq!(stretch(&store, ten, behind, Backwards, 3).await, [9, 8, 7]);
    }
    assert_eq!(stretch(&store, ten, ReadFrom::End, Backwards, usize::MAX).await, (0..10).rev().collect::<Vec<_>>());
    assert_eq!(stretch(&store, ten, ReadFrom::Version(4), Backwards, 3).await, [4, 3, 2]);
    assert_eq!(stretch(&store, ten, ReadFrom::START, Backwards, 3).await, [0]);
    assert_eq!(stretch(&store, ten, ReadFrom::End, Backwards, 0).await, [0_u64; 0]);
    assert_eq!(stretch(&store, stream(), ReadFrom::End, Backwards, 3).await, [0_u64; 0]);
}

pub(crate) async fn c15_streams_are_read_in_the_order_asked(log: Log) {
    let store = log.open().await;
    let (one, other, unknown) = (stream(), stream(), stream());
    for (stream, count) in [(one, 2), (other, 1), (one, 1)] {
        put(&store, stream, count).await;
    }
    let read = store.read_streams(&[other, unknown, one, other]).await.unwrap();
    let versions = |events: &Vec<RecordedEvent>| events.iter().map(|event| event.header.version).collect::<Vec<_>>();
    assert_eq!(read.iter().map(versions).collect::<Vec<_>>(), [vec![0], vec![], vec![0, 1, 2], vec![0]]);
    assert!(read[2].iter().all(|event| event.header.stream == one));
    assert!(store.read_streams(&[]).await.unwrap().is_empty());
}

pub(crate) async fn c25_correlation_and_causation_are_kept(log: Log) {
    let store = log.open().await;
    let (request, reaction) = (stream(), stream());
    let first = NewEvent { correlation: CorrelationId(Uuid::new_v4()), causation: None, ..event() };
    let caused = |cause: EventId| NewEvent { correlation: first.correlation, causation: Some(cause), ..event() };
    let second = caused(first.id);
    let third = caused(second.id);
    store.append(append(request, ExpectedVersion::NoStream, vec![first.clone()])).await.unwrap();
    let written = vec![second, third];
    store.append(append(reaction, ExpectedVersion::NoStream, written.clone())).await.unwrap();
    let (began, followed) = (read(&store, request).await, read(&store, reaction).await);
    assert_eq!(ids(&followed), new_ids(&written));
    assert_eq!(began[0].header.causation, None);
    assert_eq!(followed[0].header.causation, Some(first.id));
    assert_eq!(followed[1].header.causation, Some(written[0].id));
    assert!(began.iter().chain(&followed).all(|event| event.header.correlation == first.correlation));
}
