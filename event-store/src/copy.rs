//! A whole log from one store into another: the same events in the same order, byte for byte.
//!
//! Every event of both logs is read and compared in one walk. What the target holds already must be how the source begins; what is missing
//! is appended, a few hundred events at a time, and read back. So a copy that was killed goes on where the target ends, and one that ends has
//! seen both logs whole. `recorded_at` says when a store wrote an event, so the copy has times of its own; it is in no hash.

mod reading;

use crate::{APPEND_BYTES_MAX, AppendError, EventStore, ExpectedVersion, ReadError, StreamAppend};
use domain::{NewEvent, Position, RecordedEvent, leaf_hash};
use reading::Reading;
use sha2::{Digest, Sha256};

/// Events written before they are read back, and what they may weigh.
const CHUNK_EVENTS_MAX: usize = 500;
const CHUNK_BYTES_MAX: usize = 4 << 20;

/// What a copy came to, when it ends well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// In both logs, and how many of them this copy wrote.
    pub events: u64,
    pub written: u64,
    pub streams: u64,
    /// `SHA-256(chain before ‖ leaf hash)` over all events, from 32 zeros on: computed from each log by itself, and the same.
    pub chain: [u8; 32],
    /// The last event's position in either.
    pub source: Position,
    pub target: Position,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    #[error("the source: {0}")]
    Source(ReadError),
    #[error("the target: {0}")]
    Target(ReadError),
    #[error("source and target are the same log")]
    SameLog,
    /// The place of the first difference. Nothing was written behind it.
    #[error(
        "the target holds something else: event {number} differs, at position {source_position} of the source and {target} of the target"
    )]
    Differs { number: u64, source_position: Position, target: Position },
    #[error("the target holds more than the source: {events} events of the source, and then one at position {target}")]
    Longer { events: u64, target: Position },
    /// Written again, it would have other bytes.
    #[error("the event at position {position} of the source does not have the form that this program writes")]
    Foreign { position: Position },
    #[error("the event at position {position} of the source was not written: {error}")]
    NotWritten { position: Position, error: AppendError },
    #[error("the target's account of its streams does not agree with its events")]
    Streams,
}

/// An event that stands in both logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counterparts {
    pub source: Position,
    pub target: Position,
    /// It was there before.
    pub already: bool,
}

/// Brings `to` to where `from` ends now. `told` hears of every event that is known to stand in both, in order.
pub async fn copy(from: &EventStore, to: &EventStore, told: impl FnMut(Counterparts)) -> Result<Copied, CopyError> {
    let head = from.head().await.map_err(CopyError::Source)?;
    copy_up_to(from, to, head, told).await
}

/// Brings `to` to where `from` was at `head`.
pub async fn copy_up_to(
    from: &EventStore,
    to: &EventStore,
    head: Position,
    mut told: impl FnMut(Counterparts),
) -> Result<Copied, CopyError> {
    let (source_name, target_name) = (from.name().await.map_err(CopyError::Source)?, to.name().await.map_err(CopyError::Target)?);
    if source_name.is_some() && source_name == target_name {
        return Err(CopyError::SameLog);
    }
    let (mut source, mut target) = (Reading::of(from, head), Reading::of(to, crate::LOG_END));
    let mut walk = Walk::default();
    while let Some(there) = target.next().await.map_err(CopyError::Target)? {
        let Some(event) = source.next().await.map_err(CopyError::Source)? else {
            return Err(CopyError::Longer { events: walk.events, target: there.position });
        };
        told(walk.compare(&event, &there, true)?);
    }
    loop {
        let chunk = source.chunk(CHUNK_EVENTS_MAX, CHUNK_BYTES_MAX).await.map_err(CopyError::Source)?;
        if chunk.is_empty() {
            break;
        }
        write(to, &chunk).await?;
        for event in &chunk {
            let there = target.await_next().await.map_err(CopyError::Target)?;
            told(walk.compare(event, &there, false)?);
        }
    }
    walk.end(to).await
}

/// How far both logs are known to be the same.
#[derive(Default)]
struct Walk {
    events: u64,
    written: u64,
    streams: u64,
    source: Position,
    target: Position,
    chains: [[u8; 32]; 2],
}

impl Walk {
    fn compare(&mut self, event: &RecordedEvent, there: &RecordedEvent, already: bool) -> Result<Counterparts, CopyError> {
        self.events += 1;
        let (source, target) = (event.position, there.position);
        for (chain, event) in self.chains.iter_mut().zip([event, there]) {
            let leaf = leaf_hash(&event.salt, &event.header_bytes, &event.facts, &event.slots);
            *chain = Sha256::new().chain_update(*chain).chain_update(leaf).finalize().into();
        }
        let bytes = |event: &RecordedEvent| (event.header_bytes.clone(), event.facts.clone(), event.slots.clone(), event.salt);
        if self.chains[0] != self.chains[1] || bytes(event) != bytes(there) {
            return Err(CopyError::Differs { number: self.events, source_position: source, target });
        }
        self.streams += u64::from(event.header.version == 0);
        self.written += u64::from(!already);
        (self.source, self.target) = (source, target);
        Ok(Counterparts { source, target, already })
    }

    /// Where the store keeps an account of its streams, it must agree with the events that were seen.
    async fn end(self, to: &EventStore) -> Result<Copied, CopyError> {
        let account = to.stream_account().await.map_err(CopyError::Target)?;
        if account.is_some_and(|account| account != (self.streams, self.events)) {
            return Err(CopyError::Streams);
        }
        let Self { events, written, streams, source, target, chains: [chain, _] } = self;
        Ok(Copied { events, written, streams, chain, source, target })
    }
}

/// In order, whatever becomes of it: of an append that is not answered, none behind it is begun.
async fn write(to: &EventStore, chunk: &[RecordedEvent]) -> Result<(), CopyError> {
    let mut appends = Vec::new();
    for event in chunk {
        add(&mut appends, event)?;
    }
    let first = chunk[0].position;
    let answers = match to {
        // Streams of a batch go side by side there.
        EventStore::Kurrentdb(_) => {
            for (position, append) in appends {
                to.append(append).await.map_err(|error| CopyError::NotWritten { position, error })?;
            }
            return Ok(());
        }
        // One statement, whole or not at all, in the order asked.
        EventStore::Postgres(_) | EventStore::Memory(_) => to.append_batch(appends.into_iter().map(|(_, append)| append).collect()).await,
    };
    answers.into_iter().find_map(Result::err).map_or(Ok(()), |error| Err(CopyError::NotWritten { position: first, error }))
}

/// Events of one stream that follow each other go in one append, as far as its weight allows.
fn add(appends: &mut Vec<(Position, StreamAppend)>, event: &RecordedEvent) -> Result<(), CopyError> {
    let header = &event.header;
    let new = NewEvent {
        id: header.event_id,
        event_type: header.event_type.clone(),
        schema_version: header.schema_version,
        occurred_at: header.occurred_at,
        actor: header.actor,
        correlation: header.correlation,
        causation: header.causation,
        facts: event.facts.clone(),
        slots: event.slots.clone(),
        salt: event.salt,
    };
    if new.header(header.stream, header.version).to_bytes() != event.header_bytes {
        return Err(CopyError::Foreign { position: event.position });
    }
    let expected = header.version.checked_sub(1).map_or(ExpectedVersion::NoStream, ExpectedVersion::Exact);
    let single = StreamAppend { stream: header.stream, expected, events: vec![new] };
    match appends.last_mut() {
        Some((_, last)) if last.stream == header.stream && last.weight() + single.weight() <= APPEND_BYTES_MAX => {
            last.events.extend(single.events);
        }
        _ => appends.push((event.position, single)),
    }
    Ok(())
}
