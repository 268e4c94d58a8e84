//! Where a projection gets its events: from the log while it is behind, from the common feed at the log's end.

use crate::feed::{Batch, Feed};
use domain::Position;
use event_store::{EventStore, Filter, ReadError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Batches read ahead while the one before them is applied.
const READ_AHEAD: usize = 2;

/// A reader that finds nothing of interest says this often how far it has come, so that the bookmark moves on.
const WORD_AFTER: Duration = Duration::from_secs(1);
const WORD_AFTER_MAX: Duration = Duration::from_mins(1);

type History = mpsc::Receiver<Result<Batch, ReadError>>;

pub(crate) struct Source {
    store: EventStore,
    feed: Arc<Feed>,
    filter: Filter,
    /// What lies between the projection and the feed.
    history: Option<History>,
}

impl Source {
    /// Starts behind `after`; every later call of [`Self::next`] must ask for what follows the last batch.
    pub fn new(store: EventStore, feed: Arc<Feed>, filter: Filter, after: Position) -> Self {
        let history = Some(read_history(&store, &filter, after));
        Self { store, feed, filter, history }
    }

    /// The next events behind `after`; waits until there are some. May be dropped and called again.
    pub async fn next(&mut self, after: Position) -> Result<Batch, ReadError> {
        loop {
            if let Some(history) = &mut self.history {
                let batch = history.recv().await.unwrap_or(Err(ReadError::Closed))?;
                if batch.is_end {
                    self.history = None;
                }
                return Ok(batch);
            }
            match self.feed.after(after).await? {
                Some(batch) => return Ok(batch),
                None => self.history = Some(read_history(&self.store, &self.filter, after)),
            }
        }
    }
}

/// Reads in a task of its own, so that reading and applying overlap. It goes on at the log's end, and ends when nobody listens any more.
pub(crate) fn read_history(store: &EventStore, filter: &Filter, after: Position) -> History {
    let (sender, history) = mpsc::channel(READ_AHEAD);
    let mut subscription = store.subscribe(after, filter.clone());
    tokio::spawn(async move {
        let (mut told, mut word_after) = (after, WORD_AFTER);
        loop {
            let read = tokio::select! {
                news = subscription.next() => news.map(|news| Batch::read(news, told)),
                () = pause(word_after) => match subscription.checkpoint() {
                    passed if passed > told => Ok(Batch::passed(passed)),
                    // One read may take longer than that. It began anew just now, and gets more time.
                    _ => {
                        word_after = WORD_AFTER_MAX.min(word_after * 2);
                        continue;
                    }
                },
                () = sender.closed() => return,
            };
            word_after = WORD_AFTER;
            told = read.as_ref().map_or(told, |batch| batch.to);
            let is_last = read.is_err();
            if sender.send(read).await.is_err() || is_last {
                return;
            }
        }
    });
    history
}

#[expect(clippy::disallowed_methods, reason = "what is said then is true whenever it is said")]
async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}
