//! Looking up how far the log reaches at this moment, once for everybody who asks at the same time.

use super::end::{self, End};
use super::reader::Reader;
use crate::ReadError;
use domain::Position;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::{Mutex, watch};

pub(super) struct Looks {
    reader: Reader,
    end: Arc<watch::Sender<End>>,
    asked: AtomicU64,
    last: Mutex<Look>,
}

/// The last look, and the number of the last question that was asked before it began.
struct Look {
    answers: u64,
    head: Position,
}

impl Looks {
    pub fn new(reader: Reader, end: Arc<watch::Sender<End>>) -> Self {
        Self { reader, end, asked: AtomicU64::new(0), last: Mutex::new(Look { answers: 0, head: Position::START }) }
    }

    /// Where the log ends, by a look that began after the question.
    pub async fn head(&self) -> Result<Position, ReadError> {
        let question = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        let mut last = self.last.lock().await;
        if last.answers < question {
            let answers = self.asked.load(Ordering::SeqCst);
            // One after the other: many calls at once that a follower refuses look like being sent in circles.
            let mark = self.reader.head(Position::START).await?;
            let same = self.reader.check_landmark().await;
            if same == Err(ReadError::AnotherLog) {
                end::give_up(&self.end, End::Replaced);
            }
            same?;
            if let Some(mark) = &mark {
                end::advance(&self.end, mark);
            }
            *last = Look { answers, head: mark.map_or(Position::START, |mark| mark.position) };
        }
        Ok(last.head)
    }
}
