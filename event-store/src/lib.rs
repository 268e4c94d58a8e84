//! The log: append, read, subscribe. PostgreSQL or KurrentDB in production, memory in tests, one contract for all: `CONTRACT.md`.
//!
//! An append concerns one stream and says which version it expects there. The order of all events is total, and no reader misses one.
//! This crate must not know what an event means, and holds no key: it stores the bytes that `domain` makes.

mod append;
mod copy;
mod fault;
mod head;
mod kurrentdb;
mod log_name;
mod memory;
mod metered;
mod postgres;
mod read;
mod subscription;

pub use append::{APPEND_BYTES_MAX, AppendError, Appended, ExpectedVersion, StreamAppend};
pub use copy::{Copied, CopyError, Counterparts, copy, copy_up_to};
pub use fault::Fault;
pub use kurrentdb::{KurrentdbAddressError, KurrentdbConfig, KurrentdbReport, KurrentdbStore};
pub use log_name::LogName;
pub use memory::MemoryStore;
use metered::Metered;
pub use postgres::{Connector, LogPartition, LogStorage, PostgresConfig, PostgresStore};
pub use read::{Direction, Filter, LOG_END, ReadError, ReadFrom};
use subscription::CountedLog;
pub use subscription::{BATCH_BYTES_MAX, BATCH_EVENTS_MAX, Subscription, SubscriptionEvent};

use domain::{Position, RecordedEvent, StreamName, Timestamp};

/// The backends. Clones share one log.
#[derive(Clone)]
pub enum EventStore {
    Postgres(PostgresStore),
    Kurrentdb(KurrentdbStore),
    Memory(MemoryStore),
}

impl EventStore {
    /// An empty log in memory, for tests.
    pub fn memory() -> Self {
        Self::Memory(MemoryStore::default())
    }

    /// Appends one stream's events: all or none. An answer means that they are durable. Once polled, the append goes its way: dropping the
    /// future gives up the answer, not the append. The same ids again give the first append's answer; their bytes are not compared.
    pub async fn append(&self, append: StreamAppend) -> Result<Appended, AppendError> {
        let metered = Metered::begin([&append]);
        let answer = match self {
            Self::Postgres(store) => store.append(append).await,
            Self::Kurrentdb(store) => store.append(append).await,
            Self::Memory(store) => store.append(append),
        };
        metered.end([&answer]);
        answer
    }

    /// Appends to several streams, with a verdict for each, in the order asked. They travel together, but one may be refused and another not.
    pub async fn append_batch(&self, appends: Vec<StreamAppend>) -> Vec<Result<Appended, AppendError>> {
        let metered = Metered::begin(&appends);
        let answers = match self {
            Self::Postgres(store) => store.append_batch(appends).await,
            Self::Kurrentdb(store) => store.append_batch(appends).await,
            Self::Memory(store) => appends.into_iter().map(|append| store.append(append)).collect(),
        };
        metered.end(&answers);
        answers
    }

    /// Whole streams in the order asked, from one moment; an empty list for a stream that does not exist.
    pub async fn read_streams(&self, streams: &[StreamName]) -> Result<Vec<Vec<RecordedEvent>>, ReadError> {
        match self {
            Self::Postgres(store) => store.reader().streams(streams).await,
            Self::Kurrentdb(store) => store.read_streams(streams).await,
            Self::Memory(store) => Ok(store.read_streams(streams)),
        }
    }

    /// Up to `limit` events of one stream, the one that `from` names first; none if the stream does not exist.
    pub async fn read_stream(
        &self,
        stream: StreamName,
        from: ReadFrom,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        match self {
            Self::Postgres(store) => store.reader().stream(stream, from, direction, limit).await,
            Self::Kurrentdb(store) => store.read_stream(stream, from, direction, limit).await,
            Self::Memory(store) => Ok(store.read_stream(stream, from, direction, limit)),
        }
    }

    /// Up to `limit` events of the whole log behind `after`, in order.
    pub async fn read_all(&self, after: Position, limit: usize) -> Result<Vec<RecordedEvent>, ReadError> {
        self.read_matching(after, limit, &Filter::default()).await
    }

    /// Up to `limit` events behind `after` that `filter` lets through, in order.
    pub async fn read_matching(&self, after: Position, limit: usize, filter: &Filter) -> Result<Vec<RecordedEvent>, ReadError> {
        match self {
            Self::Postgres(store) => store.reader().matching(after.commit, limit, filter).await,
            Self::Kurrentdb(store) => store.read_matching(after, limit, filter).await,
            Self::Memory(store) => Ok(store.read_range(after.commit, u64::MAX, limit, filter)),
        }
    }

    /// Up to `limit` events before `before` that `filter` lets through, the last one first. [`LOG_END`] is behind all of them.
    pub async fn read_backwards(&self, before: Position, limit: usize, filter: &Filter) -> Result<Vec<RecordedEvent>, ReadError> {
        match self {
            Self::Postgres(store) => store.reader().backwards(before.commit, limit, filter).await,
            Self::Kurrentdb(store) => store.read_backwards(before, limit, filter).await,
            Self::Memory(store) => Ok(store.read_backwards(before.commit, limit, filter)),
        }
    }

    /// The events at exactly these positions, in the order asked. A position that has none is [`ReadError::Damaged`]: whoever names one has seen it.
    pub async fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, ReadError> {
        match self {
            Self::Postgres(store) => store.reader().at(positions).await,
            Self::Kurrentdb(store) => store.read_at(positions).await,
            Self::Memory(store) => store.read_at(positions),
        }
    }

    /// Everything behind `after` that `filter` lets through, and then whatever comes, without a gap between the two.
    pub fn subscribe(&self, after: Position, filter: Filter) -> Subscription {
        match self {
            Self::Postgres(store) => Subscription::counted(CountedLog::Postgres(store.clone()), after, filter),
            Self::Kurrentdb(store) => Subscription::kurrentdb(store, after, filter),
            Self::Memory(store) => Subscription::counted(CountedLog::Memory(store.clone()), after, filter),
        }
    }

    /// Where the log ends now; [`Position::START`] while it is empty.
    pub async fn head(&self) -> Result<Position, ReadError> {
        match self {
            Self::Postgres(store) => Ok(at(store.head().await?)),
            Self::Kurrentdb(store) => store.head().await,
            Self::Memory(store) => Ok(at(store.head())),
        }
    }

    /// What the log is called; `None` while it is empty.
    pub async fn name(&self) -> Result<Option<LogName>, ReadError> {
        Ok(self.read_all(Position::START, 1).await?.first().map(LogName::of))
    }

    /// How many streams the store knows whose last event stands where it says, and how many events all streams hold by their versions. `None`
    /// where versions are the server's own, and each is compared with its event when that is read.
    pub(crate) async fn stream_account(&self) -> Result<Option<(u64, u64)>, ReadError> {
        match self {
            Self::Postgres(store) => store.reader().stream_account().await.map(Some),
            Self::Kurrentdb(_) | Self::Memory(_) => Ok(None),
        }
    }

    /// How many events stand behind `after`, up to `to`. `None` where positions count nothing, and only reading would tell.
    pub fn count_between(&self, after: Position, to: Position) -> Option<u64> {
        match self {
            Self::Postgres(_) | Self::Memory(_) => Some(to.commit.saturating_sub(after.commit)),
            Self::Kurrentdb(_) => None,
        }
    }

    /// How the log lies in its database, and how fast it grew until `now`. `None`: it lies elsewhere, and that server's own tools tell.
    pub async fn storage(&self, now: Timestamp) -> Result<Option<LogStorage>, ReadError> {
        match self {
            Self::Postgres(store) => store.reader().storage(now).await.map(Some),
            Self::Kurrentdb(_) | Self::Memory(_) => Ok(None),
        }
    }

    /// Stops taking appends, completes those that were taken, and ends subscriptions.
    pub async fn shutdown(&self) {
        match self {
            Self::Postgres(store) => store.shutdown().await,
            Self::Kurrentdb(store) => store.shutdown().await,
            Self::Memory(store) => store.shutdown(),
        }
    }
}

/// PostgreSQL and memory count positions, and write the count into both halves.
pub(crate) fn at(position: u64) -> Position {
    Position { commit: position, prepare: position }
}
