//! C6 to C8: appends that come twice, ids that were used, and appends that travel together.

use crate::Log;
use crate::sample::{append, event, event_with_id, events, ids, new_ids, put, read, stream, versions};
use ExpectedVersion::{Any, Exact, NoStream, StreamExists};
use event_store::{AppendError, Appended, ExpectedVersion};

pub(crate) async fn c6_a_repeat_gets_the_first_answer(log: Log) {
    let (store, stream) = (log.open().await, stream());
    let written = [(NoStream, events(2)), (Exact(1), events(1)), (Any, events(3))];
    let mut answers = Vec::new();
    for (expected, events) in &written {
        answers.push(store.append(append(stream, *expected, events.clone())).await.unwrap());
    }
    for (place, expectations) in [(0, vec![NoStream, Any, StreamExists]), (1, vec![Exact(1), Any]), (2, vec![Exact(2), Any])] {
        for expected in expectations {
            let repeat = store.append(append(stream, expected, written[place].1.clone())).await;
            assert_eq!(repeat, Ok(Appended { already: true, ..answers[place] }), "append {place} with {expected:?}");
        }
    }
    // The same ids at other versions are no repeat.
    let elsewhere = store.append(append(stream, Exact(0), written[1].1.clone())).await;
    assert_eq!(elsewhere, Err(AppendError::WrongVersion { actual: Some(5) }));
    assert_eq!(ids(&read(&store, stream).await), written.iter().flat_map(|(_, events)| new_ids(events)).collect::<Vec<_>>());
}

pub(crate) async fn c6_a_repeat_is_recognised_by_another_process(log: Log) {
    let (one, other, stream) = (log.open().await, log.open().await, stream());
    let (first, second) = (events(2), events(2));
    let answer = one.append(append(stream, NoStream, first.clone())).await.unwrap();
    other.append(append(stream, Any, second.clone())).await.unwrap();
    for store in [&one, &other] {
        for expected in [NoStream, Any, StreamExists] {
            let repeat = store.append(append(stream, expected, first.clone())).await;
            assert_eq!(repeat, Ok(Appended { already: true, ..answer }));
        }
    }
    assert_eq!(read(&one, stream).await.len(), 4);
}

pub(crate) async fn c6_a_repeat_is_recognised_by_its_ids_alone(log: Log) {
    let (store, stream) = (log.open().await, stream());
    let first = event();
    store.append(append(stream, NoStream, vec![first.clone()])).await.unwrap();
    // Sealed again after a crash, an event has other bytes.
    let sealed_again = event_with_id(first.id);
    assert_ne!(sealed_again.salt, first.salt);
    let repeat = store.append(append(stream, NoStream, vec![sealed_again])).await;
    assert_eq!(versions(&repeat), Ok((0, 0, true)));
    assert_eq!(read(&store, stream).await[0].salt, first.salt, "what was written first stays");
}

pub(crate) async fn c7_ids_that_partly_stand_in_the_stream_are_refused(log: Log) {
    let (store, stream) = (log.open().await, stream());
    let known = events(2);
    store.append(append(stream, NoStream, known.clone())).await.unwrap();
    for expected in [Any, StreamExists] {
        for mixture in [vec![known[0].clone(), event()], vec![event(), known[1].clone()], vec![known[1].clone(), known[0].clone()]] {
            assert_eq!(store.append(append(stream, expected, mixture)).await, Err(AppendError::EventIdReused));
        }
    }
    assert_eq!(read(&store, stream).await.len(), 2);
}

pub(crate) async fn c7_an_id_twice_in_one_append_is_refused(log: Log) {
    let (store, stream) = (log.open().await, stream());
    let twice = event();
    let refusal = store.append(append(stream, Any, vec![twice.clone(), twice])).await;
    assert_eq!(refusal, Err(AppendError::EventIdReused));
    assert!(read(&store, stream).await.is_empty());
}

pub(crate) async fn c8_a_batch_is_judged_stream_by_stream(log: Log) {
    let (store, existing) = (log.open().await, stream());
    put(&store, existing, 1).await;
    let streams: Vec<_> = (0..40).map(|_| stream()).collect();
    let mut batch: Vec<_> = streams.iter().map(|stream| append(*stream, NoStream, events(2))).collect();
    batch.insert(1, append(existing, NoStream, events(1)));
    batch.insert(2, append(stream(), NoStream, vec![]));
    batch.insert(3, append(existing, Exact(0), events(1)));
    let verdicts = store.append_batch(batch).await;
    let mut judged: Vec<_> = verdicts.iter().map(versions).collect();
    let special: Vec<_> = judged.drain(1..4).collect();
    assert_eq!(special, [Err(AppendError::WrongVersion { actual: Some(0) }), Err(AppendError::Empty), Ok((1, 1, false))]);
    assert!(judged.iter().all(|verdict| *verdict == Ok((0, 1, false))), "{judged:?}");
    let read = store.read_streams(&streams).await.unwrap();
    let answers = verdicts.iter().enumerate().filter(|(place, _)| ![1, 2, 3].contains(place)).map(|(_, verdict)| verdict);
    for (events, verdict) in read.iter().zip(answers) {
        assert_eq!(events.iter().map(|event| event.header.version).collect::<Vec<_>>(), [0, 1]);
        assert_eq!(Ok(events[1].position), verdict.clone().map(|appended| appended.position));
    }
    assert_eq!(store.append_batch(vec![]).await, []);
}

pub(crate) async fn c8_appends_to_one_stream_in_a_batch_see_each_other(log: Log) {
    let store = log.open().await;
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
    let verdicts: Vec<_> = store.append_batch(batch).await.iter().map(versions).collect();
    let wanted = [
        Ok((0, 1, false)),
        Err(AppendError::WrongVersion { actual: Some(1) }),
        Ok((0, 1, true)),
        Ok((2, 2, false)),
        Ok((3, 3, false)),
        Ok((3, 3, true)),
        Ok((0, 0, false)),
        Err(AppendError::EventIdReused),
    ];
    assert_eq!(verdicts, wanted);
    assert_eq!(read(&store, one).await.len(), 4);
}
