//! What waits for the appender.

use crate::{AppendError, Appended, ExpectedVersion, StreamAppend};
use std::borrow::Cow;
use std::collections::VecDeque;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};

/// Bounds of one statement. Beyond about a thousand events it gains nothing, and the bytes pass through memory several times.
const BATCH_REQUESTS_MAX: usize = 1_000;
const BATCH_EVENTS_MAX: usize = 2_000;
const BATCH_BYTES_MAX: usize = 8 << 20;

/// One caller's append, with as much as possible done on the caller's time.
pub(super) struct Request {
    pub append: StreamAppend,
    /// The events' envelopes, encoded.
    pub sealed: Vec<Vec<u8>>,
    /// The events' headers, encoded for the versions that the caller expects; empty when the caller expects none in particular.
    pub headers: Vec<Vec<u8>>,
    pub bytes: usize,
    /// Its share of what may wait, given back with the answer.
    room: OwnedSemaphorePermit,
    answer: oneshot::Sender<Result<Appended, AppendError>>,
}

impl Request {
    pub fn new(
        append: StreamAppend,
        bytes: usize,
        room: OwnedSemaphorePermit,
        answer: oneshot::Sender<Result<Appended, AppendError>>,
    ) -> Self {
        let sealed = append.events.iter().map(|event| event.slots.encode()).collect();
        let first_version = first_version(append.expected);
        let headers = first_version.map_or_else(Vec::new, |first| {
            let versions = first..;
            append.events.iter().zip(versions).map(|(event, version)| event.header(append.stream, version).to_bytes()).collect()
        });
        Self { append, sealed, headers, bytes, room, answer }
    }

    /// Gives its room back, and the answer. A caller that gave up has dropped the other end, which changes nothing.
    pub fn answer(self, verdict: Result<Appended, AppendError>) {
        let Self { append, sealed, headers, room, answer, .. } = self;
        drop((append, sealed, headers, room));
        let _ = answer.send(verdict);
    }

    /// The header's stored bytes for the version that the event got.
    pub fn header(&self, event: usize, version: u64) -> Cow<'_, [u8]> {
        let expected = first_version(self.append.expected).and_then(|first| first.checked_add(event as u64));
        match self.headers.get(event) {
            Some(header) if expected == Some(version) => Cow::Borrowed(header),
            _ => Cow::Owned(self.append.events[event].header(self.append.stream, version).to_bytes()),
        }
    }
}

/// The version of the first event, if the append succeeds and if that can be told beforehand.
fn first_version(expected: ExpectedVersion) -> Option<u64> {
    match expected {
        ExpectedVersion::NoStream => Some(0),
        // No stream comes near the largest number; an append that expects so will be refused.
        ExpectedVersion::Exact(version) => version.checked_add(1).filter(|first| *first < u64::MAX / 2),
        ExpectedVersion::Any | ExpectedVersion::StreamExists => None,
    }
}

pub(super) enum Message {
    Append(Vec<Request>),
    /// Take nothing more, complete what was taken, and end.
    Shutdown,
}

/// The receiving end, cut into batches.
pub(super) struct Queue {
    messages: mpsc::UnboundedReceiver<Message>,
    /// Calls in their order. What was asked together is written together: a crash leaves all of it or nothing.
    waiting: VecDeque<Vec<Request>>,
    requests: usize,
}

impl Queue {
    pub fn new(messages: mpsc::UnboundedReceiver<Message>) -> Self {
        Self { messages, waiting: VecDeque::new(), requests: 0 }
    }

    /// Whatever waits now, up to the bounds; waits for a first request when there is none. `None` at the end.
    pub async fn next(&mut self) -> Option<Vec<Request>> {
        self.take_waiting();
        while self.waiting.is_empty() {
            let message = self.messages.recv().await?;
            self.take(message);
        }
        // Callers that were just answered get to ask again before the batch is closed, as long as more of them do: fuller batches without a timer.
        let mut before = 0;
        while before < self.requests && self.requests < BATCH_REQUESTS_MAX {
            before = self.requests;
            tokio::task::yield_now().await;
            self.take_waiting();
        }
        Some(self.cut())
    }

    fn take_waiting(&mut self) {
        while self.requests < BATCH_REQUESTS_MAX
            && let Ok(message) = self.messages.try_recv()
        {
            self.take(message);
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Append(requests) => {
                self.requests += requests.len();
                self.waiting.push_back(requests);
            }
            Message::Shutdown => self.messages.close(),
        }
    }

    fn cut(&mut self) -> Vec<Request> {
        let (mut events, mut bytes) = (0, 0);
        let mut batch = Vec::with_capacity(self.requests.min(BATCH_REQUESTS_MAX));
        while let Some(call) = self.waiting.front() {
            events += call.iter().map(|request| request.append.events.len()).sum::<usize>();
            bytes += call.iter().map(|request| request.bytes).sum::<usize>();
            let full = batch.len() + call.len() > BATCH_REQUESTS_MAX || events > BATCH_EVENTS_MAX || bytes > BATCH_BYTES_MAX;
            if full && !batch.is_empty() {
                break;
            }
            batch.extend(self.waiting.pop_front().into_iter().flatten());
        }
        self.requests -= batch.len();
        batch
    }
}
