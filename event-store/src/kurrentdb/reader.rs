//! Reading. Every read may be repeated, so it is, until patience is at its end.

use super::client::{Events, Found, Link, Start, Trouble};
use super::end::Mark;
use super::landmark::Landmark;
use super::stored;
use super::supervisor::{Patience, Supervisor};
use crate::{Direction, Fault, Filter, ReadError, ReadFrom};
use domain::{EventId, Position, RecordedEvent, StreamName};
use futures::future::BoxFuture;
use futures::stream::{StreamExt, TryStreamExt};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Streams read at a time: the protocol has no call for several.
const STREAMS_AT_ONCE: usize = 16;
/// How often an end of the log before what was seen is looked at again, and the pause between.
const LOOKS_AGAIN: u32 = 3;
pub(super) const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// Events of the log fetched by one call when going backwards.
const BACKWARDS_AT_ONCE: usize = 1_000;

#[derive(Clone)]
pub(super) struct Reader {
    pub supervisor: Arc<Supervisor>,
    pub patience: Duration,
    pub landmark: Arc<OnceLock<Landmark>>,
}

/// An event's place, as far as appends need to know it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub id: EventId,
    pub position: Position,
}

impl Reader {
    /// Calls until it succeeds, with a new client after each failure.
    pub async fn call<T, F: Future<Output = Result<T, Trouble>>>(&self, call: impl Fn(Link) -> F) -> Result<T, Trouble> {
        let mut patience = Patience::new(self.patience);
        loop {
            let (link, generation) = self.supervisor.link().await;
            match call(link).await {
                Ok(answer) => {
                    self.supervisor.proved(generation).await;
                    return Ok(answer);
                }
                Err(trouble) => self.supervisor.recover(generation, trouble, &mut patience).await?,
            }
        }
    }

    /// The log's last event, whoever wrote it. One before `seen` is believed only when new connections find it again: a node that was the
    /// leader until just now may still answer.
    pub async fn head(&self, seen: Position) -> Result<Option<Mark>, ReadError> {
        let mut looks = 0;
        loop {
            let last =
                self.call(|link| async move { link.read_all(Start::End, 1, None).await?.next().await }).await.map_err(unavailable)?;
            let mark = last.map(mark);
            if looks == LOOKS_AGAIN || mark.as_ref().map_or(Position::START, |mark| mark.position) >= seen {
                return Ok(mark);
            }
            looks += 1;
            self.supervisor.renew().await.map_err(unavailable)?;
            super::pause(LOOK_AGAIN_AFTER).await;
        }
    }

    pub async fn streams(&self, streams: &[StreamName]) -> Result<Vec<Vec<RecordedEvent>>, ReadError> {
        let mut reads: Vec<BoxFuture<'_, _>> = Vec::with_capacity(streams.len());
        for stream in streams {
            reads.push(Box::pin(self.stream(*stream, ReadFrom::START, Direction::Forwards, usize::MAX)));
        }
        futures::stream::iter(reads).buffered(STREAMS_AT_ONCE).try_collect().await
    }

    pub async fn stream(
        &self,
        stream: StreamName,
        from: ReadFrom,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let start = match (direction, from) {
            (Direction::Forwards, ReadFrom::Version(version)) if is_version(version) => Start::Forwards(version),
            (Direction::Forwards, _) => return Ok(vec![]),
            (Direction::Backwards, ReadFrom::Version(version)) if self.reaches(stream, version).await? => Start::Backwards(version),
            (Direction::Backwards, _) => Start::End,
        };
        let found = self.found(stream, start, limit).await.map_err(unavailable)?;
        found.iter().map(|found| stored::recorded(found).unwrap_or(Err(ReadError::Damaged { position: found.position }))).collect()
    }

    /// Whether the stream goes on behind this version. The server reads backwards from a version only if it is there.
    async fn reaches(&self, stream: StreamName, version: u64) -> Result<bool, ReadError> {
        let last = self.found(stream, Start::End, 1).await.map_err(unavailable)?;
        Ok(last.first().is_some_and(|last| version < last.version))
    }

    /// Where the events of a stream stand, up to `limit` of them, from the one with this version.
    pub async fn places(&self, stream: StreamName, first_version: u64, limit: usize) -> Result<Vec<Place>, Trouble> {
        if !is_version(first_version) {
            return Ok(vec![]);
        }
        let found = self.found(stream, Start::Forwards(first_version), limit).await?;
        Ok(found.iter().map(|found| Place { id: EventId(found.id), position: found.position }).collect())
    }

    /// The version of the stream's last event.
    pub async fn last_version(&self, stream: StreamName) -> Result<Option<u64>, Trouble> {
        Ok(self.found(stream, Start::End, 1).await?.first().map(|last| last.version))
    }

    async fn found(&self, stream: StreamName, start: Start<u64>, limit: usize) -> Result<Vec<Found>, Trouble> {
        if limit == 0 {
            return Ok(vec![]);
        }
        let name = &stream.to_string();
        let read = self.call(|link| async move { all(link.read_stream(name, start, limit).await?).await }).await;
        let found = match read {
            Err(Trouble::StreamNotFound) => return Ok(vec![]),
            read => read?,
        };
        // Servers before 22 tell no positions here, and a wrong one would be worse than none.
        if found.iter().any(|found| found.position.commit == u64::MAX) {
            return Err(Trouble::Refused("the server is too old: it tells no positions in streams"));
        }
        Ok(found)
    }

    pub async fn at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, ReadError> {
        let mut reads: Vec<BoxFuture<'_, _>> = Vec::with_capacity(positions.len());
        for position in positions {
            reads.push(Box::pin(self.one_at(*position)));
        }
        futures::stream::iter(reads).buffered(STREAMS_AT_ONCE).try_collect().await
    }

    async fn one_at(&self, position: Position) -> Result<RecordedEvent, ReadError> {
        let read = self.call(|link| async move { link.read_all(Start::Forwards(position), 1, None).await?.next().await });
        let found = read.await.map_err(unavailable)?.filter(|found| found.position == position);
        found.as_ref().and_then(stored::recorded).unwrap_or(Err(ReadError::Damaged { position }))
    }

    pub async fn backwards(&self, before: Position, limit: usize, filter: &Filter) -> Result<Vec<RecordedEvent>, ReadError> {
        let (mut read, mut before) = (Vec::new(), before);
        while read.len() < limit && before > Position::START {
            let start = if before == crate::LOG_END { Start::End } else { Start::Backwards(before) };
            let found = self
                .call(|link| async move { all(link.read_all(start, BACKWARDS_AT_ONCE, None).await?).await })
                .await
                .map_err(unavailable)?;
            let Some(first) = found.last().map(|found| found.position).filter(|first| *first < before) else { break };
            for event in found.iter().filter(|found| found.position < before).filter_map(stored::recorded) {
                let event = event?;
                if filter.matches(&event) && read.len() < limit {
                    read.push(event);
                }
            }
            before = first;
        }
        Ok(read)
    }
}

async fn all(mut events: Events) -> Result<Vec<Found>, Trouble> {
    let mut found = Vec::new();
    while let Some(event) = events.next().await? {
        found.push(event);
    }
    Ok(found)
}

pub(super) fn mark(found: Found) -> Mark {
    Mark { position: found.position, stream: found.stream.into(), event_type: found.event_type.into() }
}

/// The server counts versions with a sign.
pub(super) fn is_version(version: u64) -> bool {
    i64::try_from(version).is_ok_and(|version| version < i64::MAX)
}

pub(super) fn unavailable(trouble: Trouble) -> ReadError {
    ReadError::Unavailable(fault(trouble))
}

pub(super) fn fault(trouble: Trouble) -> Fault {
    match trouble {
        Trouble::Refused(why) => Fault::Refused(why.to_owned()),
        _ => Fault::Connection,
    }
}
