//! The logs as they lie in the database, beside the event log that they follow from.

use crate::checkpoint::{Checkpoint, Log};
use crate::entry::Entry;
use crate::hash::Hash;
use crate::lease::Lease;
use crate::rows;
use deadpool_postgres::Pool;
use domain::{
    Actor, Category, Clock, CorrelationId, Draft, Event, EventId, Evidence, EvidenceEvent, ExportFormat, Ids, LogEnd, NewEvent,
    OrganizationId, RecordedCheckpoint, RecordedEvent, RootHash, SealedSlots, StreamName, SystemActor, Timestamp,
};
use event_store::{AppendError, Direction, EventStore, ExpectedVersion, Fault, ReadError, ReadFrom, StreamAppend};
use std::borrow::Cow;
use std::sync::Arc;

/// Checkpoints in one event: it stays well below the megabyte that an append may weigh.
const RECORDED_AT_ONCE: usize = 4_000;

pub struct Parts {
    pub store: EventStore,
    /// Connections with the application's role.
    pub pool: Pool,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
}

/// Cheap to clone.
#[derive(Clone)]
pub struct Logs {
    pub(crate) store: EventStore,
    pub(crate) pool: Pool,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
}

#[derive(Debug, thiserror::Error)]
pub enum LogsError {
    #[error("the database failed: {0}")]
    Database(Fault),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Append(#[from] AppendError),
    #[error("another process has taken over")]
    LeaseLost,
    #[error("a row of the transparency log does not have the form that it should")]
    Malformed,
    #[error("the log ends before what the transparency log was made of: events were lost")]
    LogLost,
}

impl From<tokio_postgres::Error> for LogsError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error.into())
    }
}

impl From<deadpool_postgres::PoolError> for LogsError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        Self::Database(error.into())
    }
}

/// What is recorded and waits to be signed: the platform log as it stands, and the checkpoints in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsigned {
    pub platform_size: u64,
    pub platform_root: Hash,
    /// Including the platform log's own.
    pub checkpoints: Vec<(Log, u64, Hash)>,
}

impl Unsigned {
    /// The texts to be signed by this key.
    pub fn texts(&self, public: &[u8; 32]) -> Vec<String> {
        let text = |(log, size, root): &(Log, u64, Hash)| Checkpoint { origin: log.origin(public), size: *size, root: *root }.text();
        self.checkpoints.iter().map(text).collect()
    }
}

/// Whether a log still holds what is known elsewhere to have been in it.
pub async fn holds(store: &EventStore, end: &LogEnd) -> Result<bool, ReadError> {
    let from = ReadFrom::Version(end.version);
    let found = store.read_stream(Evidence::stream_of_recordings(), from, Direction::Forwards, 1).await?;
    Ok(found.first().map(log_end).as_ref() == Some(end))
}

fn log_end(event: &RecordedEvent) -> LogEnd {
    let header = &event.header;
    LogEnd { event: header.event_id, version: header.version, leaf: Entry::of(event).leaf(), at: header.occurred_at }
}

impl Logs {
    pub fn new(parts: Parts) -> Self {
        let Parts { store, pool, clock, ids } = parts;
        Self { store, pool, clock, ids }
    }

    /// Records in the event log how far each organisation's log has come since it was recorded last. Whether there was anything.
    pub async fn record(&self, lease: &mut Lease) -> Result<bool, LogsError> {
        self.catch_up(lease).await?;
        let client = self.pool.get().await?;
        let mut checkpoints = Vec::new();
        for edge in rows::edges_with_news(&client).await? {
            let (Log::Organization(organization), edge) = edge else { continue };
            checkpoints.push(RecordedCheckpoint { organization, size: edge.size(), root: RootHash(edge.root()) });
        }
        drop(client);
        for some in checkpoints.chunks(RECORDED_AT_ONCE) {
            self.append(some).await?;
        }
        self.catch_up(lease).await?;
        Ok(!checkpoints.is_empty())
    }

    /// Records that a copy of an organisation's history is about to be made, so that the copy itself tells of it.
    pub async fn record_export(
        &self,
        organization: OrganizationId,
        format: ExportFormat,
        (since, until): (Option<Timestamp>, Option<Timestamp>),
    ) -> Result<EventId, LogsError> {
        let now = self.clock.now();
        let stream = StreamName::new(Category::Evidence, organization, self.ids.time_ordered(now));
        let drafts = Evidence::default().export(format, since, until);
        let events: Vec<NewEvent> = drafts.iter().map(|draft| self.event(draft, now)).collect();
        let id = events[0].id;
        self.store.append(StreamAppend { stream, expected: ExpectedVersion::NoStream, events }).await?;
        Ok(id)
    }

    fn event(&self, draft: &Draft<EvidenceEvent>, occurred_at: Timestamp) -> NewEvent {
        let (event_type, schema_version) = draft.event.event_type();
        NewEvent {
            id: EventId(self.ids.time_ordered(occurred_at)),
            event_type: Cow::Borrowed(event_type),
            schema_version,
            occurred_at,
            actor: Actor::System(SystemActor::Platform),
            correlation: CorrelationId(self.ids.time_ordered(occurred_at)),
            causation: None,
            facts: draft.event.facts(),
            slots: SealedSlots::default(),
            salt: self.ids.salt(),
        }
    }

    /// The last recording: whoever vouches for the logs as they stand says with it how far the event log had come.
    pub async fn end(&self) -> Result<Option<LogEnd>, LogsError> {
        let stream = Evidence::stream_of_recordings();
        let last = self.store.read_stream(stream, ReadFrom::End, Direction::Backwards, 1).await?;
        Ok(last.first().map(log_end))
    }

    /// Whether the event log still holds what is known elsewhere to have been in it.
    pub async fn holds(&self, end: &LogEnd) -> Result<bool, LogsError> {
        Ok(holds(&self.store, end).await?)
    }

    async fn append(&self, checkpoints: &[RecordedCheckpoint]) -> Result<(), LogsError> {
        let stream = Evidence::stream_of_recordings();
        let last = self.store.read_stream(stream, ReadFrom::End, Direction::Backwards, 1).await?;
        let now = self.clock.now();
        let occurred_at = last.first().map_or(now, |last| last.header.occurred_at.max(now));
        let event = self.event(&Evidence::record(checkpoints.to_vec()), occurred_at);
        let expected = last.first().map_or(ExpectedVersion::NoStream, |last| ExpectedVersion::Exact(last.header.version));
        self.store.append(StreamAppend { stream, expected, events: vec![event] }).await?;
        Ok(())
    }

    /// What may be signed once the platform log as it stands is vouched for.
    pub async fn unsigned(&self) -> Result<Unsigned, LogsError> {
        let client = self.pool.get().await?;
        let platform = rows::edges(&client, &[Log::Platform]).await?.remove(&Log::Platform).unwrap_or_default();
        let mut checkpoints = rows::recorded_not_signed(&client).await?;
        if rows::signed_size(&client, Log::Platform).await? != platform.size() {
            checkpoints.push((Log::Platform, platform.size(), platform.root()));
        }
        Ok(Unsigned { platform_size: platform.size(), platform_root: platform.root(), checkpoints })
    }

    /// Makes signed checkpoints the newest ones that are shown.
    pub async fn publish(&self, lease: &Lease, unsigned: &Unsigned, notes: &[String]) -> Result<(), LogsError> {
        let mut client = self.pool.get().await?;
        let transaction = client.transaction().await?;
        self.hold(&transaction, lease).await?;
        rows::publish(&transaction, &unsigned.checkpoints, notes).await?;
        transaction.commit().await?;
        Ok(())
    }
}
