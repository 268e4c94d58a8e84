//! C1 to C4: which appends a stream takes. A refused append writes nothing.

use crate::Log;
use crate::sample::{append, events, read, stream, versions};
use ExpectedVersion::{Any, Exact, NoStream, StreamExists};
use domain::StreamName;
use event_store::{AppendError, EventStore, ExpectedVersion};

async fn verdict(store: &EventStore, stream: StreamName, expected: ExpectedVersion, count: usize) -> Result<(u64, u64, bool), AppendError> {
    versions(&store.append(append(stream, expected, events(count))).await)
}

fn wrong(actual: Option<u64>) -> Result<(u64, u64, bool), AppendError> {
    Err(AppendError::WrongVersion { actual })
}

pub(crate) async fn c1_any_takes_a_stream_at_whatever_version(log: Log) {
    let (store, stream) = (log.open().await, stream());
    assert_eq!(verdict(&store, stream, Any, 1).await, Ok((0, 0, false)));
    assert_eq!(verdict(&store, stream, Any, 3).await, Ok((1, 3, false)));
    assert_eq!(read(&store, stream).await.len(), 4);
}

pub(crate) async fn c2_no_stream_takes_only_the_first_append(log: Log) {
    let (store, stream) = (log.open().await, stream());
    assert_eq!(verdict(&store, stream, NoStream, 2).await, Ok((0, 1, false)));
    assert_eq!(verdict(&store, stream, NoStream, 1).await, wrong(Some(1)));
    assert_eq!(read(&store, stream).await.len(), 2);
}

pub(crate) async fn c3_stream_exists_takes_only_a_later_append(log: Log) {
    let (store, stream) = (log.open().await, stream());
    assert_eq!(verdict(&store, stream, StreamExists, 1).await, wrong(None));
    assert_eq!(verdict(&store, stream, NoStream, 1).await, Ok((0, 0, false)));
    assert_eq!(verdict(&store, stream, StreamExists, 2).await, Ok((1, 2, false)));
    assert_eq!(read(&store, stream).await.len(), 3);
}

pub(crate) async fn c4_an_exact_version_takes_only_the_stream_at_that_version(log: Log) {
    let (store, stream) = (log.open().await, stream());
    for version in [0, 1, u64::MAX] {
        assert_eq!(verdict(&store, stream, Exact(version), 1).await, wrong(None));
    }
    assert_eq!(verdict(&store, stream, NoStream, 2).await, Ok((0, 1, false)));
    for version in [0, 2, u64::MAX] {
        assert_eq!(verdict(&store, stream, Exact(version), 1).await, wrong(Some(1)));
    }
    assert_eq!(verdict(&store, stream, Exact(1), 2).await, Ok((2, 3, false)));
    assert_eq!(verdict(&store, stream, Exact(1), 1).await, wrong(Some(3)));
    assert_eq!(read(&store, stream).await.len(), 4);
}
