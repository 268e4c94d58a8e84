//! C9: what is never written, and why.

use crate::Log;
use crate::sample::{append, event_of_size, read, stream};
use event_store::{APPEND_BYTES_MAX, AppendError, ExpectedVersion};

pub(crate) async fn c9_what_is_too_large_is_refused_with_its_weight_and_the_limit(log: Log) {
    let (store, stream) = (log.open().await, stream());
    let too_large = append(stream, ExpectedVersion::Any, vec![event_of_size(APPEND_BYTES_MAX)]);
    let bytes = too_large.weight();
    let refusal = store.append(too_large).await.unwrap_err();
    assert_eq!(refusal, AppendError::TooLarge { bytes, limit: APPEND_BYTES_MAX });
    let text = refusal.to_string();
    assert!(text.contains(&bytes.to_string()) && text.contains(&APPEND_BYTES_MAX.to_string()), "{text}");
    // Several events are weighed together.
    let halves = (0..2).map(|_| event_of_size(APPEND_BYTES_MAX / 2)).collect();
    assert!(matches!(store.append(append(stream, ExpectedVersion::Any, halves)).await, Err(AppendError::TooLarge { .. })));
    assert!(read(&store, stream).await.is_empty());
    let spare = append(stream, ExpectedVersion::Any, vec![event_of_size(0)]).weight();
    let just_fits = append(stream, ExpectedVersion::Any, vec![event_of_size(APPEND_BYTES_MAX - spare)]);
    assert_eq!(just_fits.weight(), APPEND_BYTES_MAX);
    store.append(just_fits.clone()).await.unwrap();
    assert_eq!(read(&store, stream).await[0].facts, just_fits.events[0].facts);
}

pub(crate) async fn c9_an_append_without_events_is_refused(log: Log) {
    let (store, stream) = (log.open().await, stream());
    for expected in [ExpectedVersion::Any, ExpectedVersion::NoStream, ExpectedVersion::Exact(0)] {
        assert_eq!(store.append(append(stream, expected, vec![])).await, Err(AppendError::Empty));
    }
}
