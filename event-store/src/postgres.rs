//! The log on PostgreSQL: one appender task on a connection of its own, readers on a pool, and a watcher of the log's end.

mod appender;
mod batch;
mod connector;
mod inspect;
mod matching;
mod queue;
mod reader;
mod session;
mod statement;
mod tail;
mod versions;

use crate::head::Head;
use crate::{AppendError, Appended, Fault, ReadError, StreamAppend, at};
use appender::Appender;
pub use connector::Connector;
use domain::Clock;
use futures::future::join_all;
pub use inspect::{LogPartition, LogStorage};
use queue::{Message, Queue, Request};
pub(crate) use reader::Reader;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tail::Tail;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio_postgres::NoTls;

pub struct PostgresConfig {
    /// Where the appender and the watcher connect. The user must be able to `SET ROLE lethemail_app`.
    pub config: tokio_postgres::Config,
    /// In clear unless the caller brings TLS along.
    pub connector: Connector,
    /// For reading; its connections need SELECT on `log` only.
    pub pool: deadpool_postgres::Pool,
    /// Dates `recorded_at`.
    pub clock: Arc<dyn Clock>,
    /// How long appends wait for a lost connection, beside the attempts themselves, before they are answered with an error.
    pub patience: Duration,
    /// How often the log's end is looked up in case that news of it was missed.
    pub poll_interval: Duration,
}

impl PostgresConfig {
    pub fn new(config: tokio_postgres::Config, pool: deadpool_postgres::Pool, clock: Arc<dyn Clock>) -> Self {
        Self {
            config,
            connector: Connector::new(NoTls),
            pool,
            clock,
            patience: Duration::from_secs(20),
            poll_interval: Duration::from_secs(1),
        }
    }
}

/// Every clone shares the appender. When the last one goes, the appender completes what it was given and ends.
#[derive(Clone)]
pub struct PostgresStore {
    shared: Arc<Shared>,
}

/// What waits for the appender, or is being written, weighs no more than this. Callers that ask again and again while the database is away would fill
/// the memory otherwise.
const WAITING_BYTES_MAX: usize = 64 << 20;

struct Shared {
    queue: mpsc::UnboundedSender<Message>,
    room: Arc<Semaphore>,
    reader: Reader,
    head: Arc<watch::Sender<Head>>,
    appender: Mutex<Option<JoinHandle<()>>>,
    tail: JoinHandle<()>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.tail.abort();
    }
}

impl PostgresStore {
    /// Connects, makes the partitions that will be needed, and starts the appender and the watcher on the current tokio runtime. The database
    /// must be migrated.
    pub async fn start(config: PostgresConfig) -> Result<Self, Fault> {
        let PostgresConfig { config, connector, pool, clock, patience, poll_interval } = config;
        let head = Arc::new(watch::Sender::new(Head::At(0)));
        let appender = Appender::start(config.clone(), connector.clone(), clock, head.clone(), patience).await?;
        let (queue, messages) = mpsc::unbounded_channel();
        let appender = Mutex::new(Some(tokio::spawn(appender.run(Queue::new(messages)))));
        let reader = Reader::new(pool);
        let tail = tokio::spawn(Tail { config, connector, head: head.clone(), poll_interval }.run());
        let room = Arc::new(Semaphore::new(WAITING_BYTES_MAX));
        Ok(Self { shared: Arc::new(Shared { queue, room, reader, head, appender, tail }) })
    }

    pub(crate) async fn append(&self, append: StreamAppend) -> Result<Appended, AppendError> {
        let mut requests = Vec::with_capacity(1);
        let answer = self.request(append, &mut requests)?;
        self.send(requests);
        answer.await.unwrap_or(Err(AppendError::ShuttingDown))
    }

    pub(crate) async fn append_batch(&self, appends: Vec<StreamAppend>) -> Vec<Result<Appended, AppendError>> {
        let mut requests = Vec::with_capacity(appends.len());
        let answers: Vec<_> = appends.into_iter().map(|append| self.request(append, &mut requests)).collect();
        self.send(requests);
        join_all(answers.into_iter().map(async |answer| match answer {
            Ok(answer) => answer.await.unwrap_or(Err(AppendError::ShuttingDown)),
            Err(refusal) => Err(refusal),
        }))
        .await
    }

    /// Readies an append for the queue, on its caller's time. What can never be written does not get there, nor what there is no room for.
    fn request(&self, append: StreamAppend, requests: &mut Vec<Request>) -> Result<Answer, AppendError> {
        let bytes = append.check()?;
        let weight = u32::try_from(bytes).unwrap_or(u32::MAX);
        let room = self.shared.room.clone().try_acquire_many_owned(weight).map_err(|_| AppendError::Unavailable(Fault::Crowded))?;
        let (answer, receiver) = oneshot::channel();
        requests.push(Request::new(append, bytes, room, answer));
        Ok(receiver)
    }

    fn send(&self, requests: Vec<Request>) {
        // A queue that is closed drops the requests, and so their answers: ShuttingDown.
        let _ = self.shared.queue.send(Message::Append(requests));
    }

    pub(crate) fn reader(&self) -> &Reader {
        &self.shared.reader
    }

    /// A log that has lost events has no end that anybody should go by.
    pub(crate) async fn head(&self) -> Result<u64, ReadError> {
        let head = self.reader().head().await?;
        match *self.shared.head.borrow() {
            Head::Lost { head, seen } => Err(ReadError::LogLost { head: at(head), reader: at(seen) }),
            Head::At(_) | Head::Closed => Ok(head),
        }
    }

    pub(crate) fn watch_head(&self) -> watch::Receiver<Head> {
        self.shared.head.subscribe()
    }

    /// Completes what was taken, refuses the rest, and ends subscriptions.
    pub async fn shutdown(&self) {
        let _ = self.shared.queue.send(Message::Shutdown);
        let appender = self.shared.appender.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(appender) = appender
            && appender.await.is_err()
        {
            tracing::error!("the appender ended by a panic");
        }
        self.shared.tail.abort();
        self.shared.head.send_replace(Head::Closed);
    }
}

type Answer = oneshot::Receiver<Result<Appended, AppendError>>;

/// Waits before a connection is tried again.
#[expect(clippy::disallowed_methods, reason = "a server that is gone comes back in its own time, not in the injected clock's")]
async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}
