//! The log on KurrentDB (EventStoreDB until 2024): one node or a cluster, by the protocol that servers from 22 on speak.
//!
//! The store is a supervisor around the official client: see `client` for what that client does not survive by itself. Everything goes to
//! the leader, so that what was appended is read at once, by whoever asks.

mod appender;
mod client;
mod end;
mod following;
mod landmark;
mod looks;
mod promptness;
mod reader;
mod report;
mod stored;
mod stretch;
mod supervisor;
mod turns;

use crate::{AppendError, Appended, Direction, Fault, Filter, ReadError, ReadFrom, StreamAppend};
use appender::Appender;
use client::Address;
use domain::{Position, RecordedEvent, StreamName};
use end::{End, Watcher};
pub(crate) use following::Following;
use futures::future::join_all;
use reader::Reader;
pub use report::KurrentdbReport;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use supervisor::Supervisor;
use tokio::sync::{OwnedRwLockReadGuard, RwLock, watch};
use tokio::task::JoinHandle;

#[derive(Clone)]
pub struct KurrentdbConfig {
    address: Address,
    /// How long one call may take, and one read may say nothing.
    pub deadline: Duration,
    /// For how long a call that failed is repeated, beside the attempts themselves, before its caller hears of it.
    pub patience: Duration,
    /// How often the log's end is looked up: how soon events of other processes are seen here.
    pub poll_interval: Duration,
}

/// Says nothing of the address, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an address of KurrentDB, as in esdb://host:2113?tls=false, esdb+discover://host, kurrentdb:// or kurrentdb+discover://")]
pub struct KurrentdbAddressError;

impl KurrentdbConfig {
    /// An address as KurrentDB's clients take it: several hosts, and a name to discover them by, are possible. The leader is preferred whatever
    /// its `nodePreference` says.
    pub fn new(url: &str) -> Result<Self, KurrentdbAddressError> {
        let address = Address::parse(url).ok_or(KurrentdbAddressError)?;
        let (deadline, patience) = (Duration::from_secs(5), Duration::from_secs(20));
        Ok(Self { address, deadline, patience, poll_interval: Duration::from_millis(50) })
    }
}

/// Every clone shares the connection.
#[derive(Clone)]
pub struct KurrentdbStore {
    shared: Arc<Shared>,
}

struct Shared {
    reader: Reader,
    appender: Appender,
    end: Arc<watch::Sender<End>>,
    /// Held for reading by every append under way.
    is_open: Arc<RwLock<bool>>,
    watcher: JoinHandle<()>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.watcher.abort();
    }
}

impl Shared {
    async fn head(&self, seen: Position) -> Result<Position, ReadError> {
        let mark = self.reader.head(seen).await?;
        if let Some(mark) = &mark {
            end::advance(&self.end, mark);
        }
        Ok(mark.map_or(Position::START, |mark| mark.position))
    }
}

impl KurrentdbStore {
    /// Looks up where the log ends, and watches its end from then on. The server need not be there at once, but within the configured patience.
    pub async fn start(config: KurrentdbConfig) -> Result<Self, Fault> {
        let KurrentdbConfig { address, deadline, patience, poll_interval } = config;
        let supervisor = Arc::new(Supervisor::new(address, deadline).map_err(reader::fault)?);
        let reader = Reader { supervisor, patience, landmark: Arc::default() };
        let first_look = async {
            let mark = reader.head(Position::START).await?;
            reader.check_landmark().await?;
            Ok(mark)
        };
        let mark = first_look.await.map_err(|error| match error {
            ReadError::Unavailable(fault) => fault,
            _ => Fault::Connection,
        })?;
        let end = Arc::new(watch::Sender::new(End::Known(mark)));
        let watcher = tokio::spawn(Watcher { reader: reader.clone(), end: end.clone(), interval: poll_interval }.run());
        let appender = Appender::new(reader.clone(), end.clone());
        let is_open = Arc::new(RwLock::new(true));
        Ok(Self { shared: Arc::new(Shared { reader, appender, end, is_open, watcher }) })
    }

    pub(crate) async fn append(&self, append: StreamAppend) -> Result<Appended, AppendError> {
        self.append_batch(vec![append]).await.pop().expect("one append has one answer")
    }

    /// Streams side by side, and what concerns one stream in the order asked.
    pub(crate) async fn append_batch(&self, appends: Vec<StreamAppend>) -> Vec<Result<Appended, AppendError>> {
        let mut answers: Vec<_> = appends.iter().map(|append| append.check().and(Err(AppendError::ShuttingDown))).collect();
        let Some(open) = self.open().map(Arc::new) else { return answers };
        let mut streams: HashMap<StreamName, Vec<(usize, StreamAppend)>> = HashMap::new();
        for (number, append) in appends.into_iter().enumerate() {
            if answers[number] == Err(AppendError::ShuttingDown) {
                answers[number] = Err(AppendError::OutcomeUnknown(Fault::Connection));
                streams.entry(append.stream).or_default().push((number, append));
            }
        }
        // Tasks of their own: a caller that gives up cancels nothing.
        let tasks = streams.into_values().map(|appends| {
            let (shared, open) = (self.shared.clone(), open.clone());
            tokio::spawn(async move {
                let mut answers = Vec::with_capacity(appends.len());
                for (number, append) in appends {
                    answers.push((number, shared.appender.append(&append).await));
                }
                drop(open);
                answers
            })
        });
        for (number, answer) in join_all(tasks).await.into_iter().flatten().flatten() {
            answers[number] = answer;
        }
        answers
    }

    /// `None` once the store is shutting down.
    fn open(&self) -> Option<OwnedRwLockReadGuard<bool>> {
        self.shared.is_open.clone().try_read_owned().ok().filter(|is_open| **is_open)
    }

    pub(crate) async fn read_streams(&self, streams: &[StreamName]) -> Result<Vec<Vec<RecordedEvent>>, ReadError> {
        self.shared.reader.streams(streams).await
    }

    pub(crate) async fn read_stream(
        &self,
        stream: StreamName,
        from: ReadFrom,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        self.shared.reader.stream(stream, from, direction, limit).await
    }

    pub(crate) async fn read_matching(&self, after: Position, limit: usize, filter: &Filter) -> Result<Vec<RecordedEvent>, ReadError> {
        self.shared.reader.matching(after, limit, filter).await
    }

    pub(crate) async fn read_backwards(&self, before: Position, limit: usize, filter: &Filter) -> Result<Vec<RecordedEvent>, ReadError> {
        self.shared.reader.backwards(before, limit, filter).await
    }

    pub(crate) async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, ReadError> {
        self.shared.reader.at(positions).await
    }

    pub(crate) fn follow(&self, after: Position, filter: Filter) -> Following {
        Following::new(self.shared.clone(), after, filter)
    }

    pub(crate) async fn head(&self) -> Result<Position, ReadError> {
        self.shared.head(Position::START).await
    }

    /// Completes what was taken, refuses the rest, and ends subscriptions.
    pub async fn shutdown(&self) {
        *self.shared.is_open.write().await = false;
        self.shared.watcher.abort();
        self.shared.end.send_replace(End::Closed);
    }
}

/// Waits before a server is asked again.
#[expect(clippy::disallowed_methods, reason = "a server that is gone comes back in its own time, not in the injected clock's")]
async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}
