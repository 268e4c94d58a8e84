//! What waits for the appender.

use crate::{AppendError, Appended, StreamAppend};
use tokio::sync::{mpsc, oneshot};

/// Bounds of one statement. Beyond about a thousand events it gains nothing, and the bytes pass through memory several times.
const BATCH_REQUESTS_MAX: usize = 1_000;
const BATCH_EVENTS_MAX: usize = 2_000;
const BATCH_BYTES_MAX: usize = 8 << 20;

/// One caller's append. The envelopes are encoded already, on the caller's time.
pub(super) struct Request {
    pub append: StreamAppend,
    pub sealed: Vec<Vec<u8>>,
    pub bytes: usize,
    pub answer: oneshot::Sender<Result<Appended, AppendError>>,
}

pub(super) enum Message {
    Append(Vec<Request>),
    /// Take nothing more, complete what was taken, and end.
    Shutdown,
}

/// The receiving end, cut into batches.
pub(super) struct Queue {
    messages: mpsc::UnboundedReceiver<Message>,
    waiting: std::collections::VecDeque<Request>,
}

impl Queue {
    pub fn new(messages: mpsc::UnboundedReceiver<Message>) -> Self {
        Self { messages, waiting: std::collections::VecDeque::new() }
    }

    /// Whatever waits now, up to the bounds; waits for a first request when there is none. `None` at the end.
    pub async fn next(&mut self) -> Option<Vec<Request>> {
        // Callers that were just answered get to ask again before the batch is closed: fuller batches without a timer.
        tokio::task::yield_now().await;
        while self.waiting.is_empty() {
            let message = self.messages.recv().await?;
            self.take(message);
        }
        while self.waiting.len() < BATCH_REQUESTS_MAX {
            let Ok(message) = self.messages.try_recv() else { break };
            self.take(message);
        }
        Some(self.cut())
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Append(requests) => self.waiting.extend(requests),
            Message::Shutdown => self.messages.close(),
        }
    }

    fn cut(&mut self) -> Vec<Request> {
        let (mut events, mut bytes) = (0, 0);
        let mut batch = Vec::with_capacity(self.waiting.len().min(BATCH_REQUESTS_MAX));
        while let Some(request) = self.waiting.front() {
            events += request.append.events.len();
            bytes += request.bytes;
            let full = batch.len() >= BATCH_REQUESTS_MAX || events > BATCH_EVENTS_MAX || bytes > BATCH_BYTES_MAX;
            if full && !batch.is_empty() {
                break;
            }
            batch.extend(self.waiting.pop_front());
        }
        batch
    }
}
