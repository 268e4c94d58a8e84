//! A log in memory: the contract in its plainest form. Tests run on it, and PostgreSQL is compared with it.

use crate::head::{self, Head};
use crate::subscription::Window;
use crate::{AppendError, Appended, Direction, ExpectedVersion, Filter, ReadError, ReadFrom, StreamAppend, at};
use domain::{EventId, Position, RecordedEvent, StreamName};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Every clone is the same log.
#[derive(Clone)]
pub struct MemoryStore {
    events: Arc<Mutex<Vec<RecordedEvent>>>,
    head: Arc<watch::Sender<Head>>,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self { events: Arc::default(), head: Arc::new(watch::Sender::new(Head::At(0))) }
    }
}

impl MemoryStore {
    pub(crate) fn append(&self, append: StreamAppend) -> Result<Appended, AppendError> {
        append.check()?;
        if *self.head.borrow() == Head::Closed {
            return Err(AppendError::ShuttingDown);
        }
        let mut log = self.lock();
        let stream: Vec<&RecordedEvent> = log.iter().filter(|event| event.header.stream == append.stream).collect();
        if let Some(repeat) = repeated(&stream, &append)? {
            return Ok(repeat);
        }
        let first_version = stream.len() as u64;
        for (event, version) in append.events.into_iter().zip(first_version..) {
            let header = event.header(append.stream, version);
            let position = at(log.len() as u64 + 1);
            let (header_bytes, recorded_at) = (header.to_bytes(), event.occurred_at);
            let (facts, slots, salt) = (event.facts, event.slots, event.salt);
            log.push(RecordedEvent { position, header, header_bytes, facts, slots, salt, recorded_at });
        }
        let last = log.last().expect("an append that was checked holds an event");
        let appended = Appended { first_version, last_version: last.header.version, position: last.position, already: false };
        head::advance(&self.head, appended.position.commit);
        Ok(appended)
    }

    pub(crate) fn read_streams(&self, streams: &[StreamName]) -> Vec<Vec<RecordedEvent>> {
        let log = self.lock();
        let read = |stream: &StreamName| log.iter().filter(|event| event.header.stream == *stream).cloned().collect();
        streams.iter().map(read).collect()
    }

    pub(crate) fn read_at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, ReadError> {
        let log = self.lock();
        let event = |position: &Position| log.iter().find(|event| event.position == *position).cloned();
        positions.iter().map(|position| event(position).ok_or(ReadError::Damaged { position: *position })).collect()
    }

    pub(crate) fn read_range(&self, after: u64, to: u64, limit: usize, filter: &Filter) -> Vec<RecordedEvent> {
        let log = self.lock();
        let start = usize::try_from(after).unwrap_or(usize::MAX);
        let behind = log.iter().skip(start).take_while(|event| event.position.commit <= to);
        behind.filter(|event| filter.matches(event)).take(limit).cloned().collect()
    }

    /// The first events in `(after, to]` that match, no more than may be held at once.
    pub(crate) fn window(&self, after: u64, to: u64, limit: usize, filter: &Filter) -> Window {
        let mut window = Window::default();
        for event in self.read_range(after, to, limit, filter) {
            let position = event.position.commit;
            if window.take_in(event, limit) {
                window.to = position;
                return window;
            }
        }
        window.to = to;
        window
    }

    pub(crate) fn read_stream(&self, stream: StreamName, from: ReadFrom, direction: Direction, limit: usize) -> Vec<RecordedEvent> {
        let log = self.lock();
        let of_stream = log.iter().filter(|event| event.header.stream == stream);
        match (direction, from) {
            (Direction::Forwards, ReadFrom::End) => vec![],
            (Direction::Forwards, ReadFrom::Version(first)) => {
                of_stream.filter(|event| event.header.version >= first).take(limit).cloned().collect()
            }
            (Direction::Backwards, ReadFrom::End) => of_stream.rev().take(limit).cloned().collect(),
            (Direction::Backwards, ReadFrom::Version(first)) => {
                of_stream.rev().filter(|event| event.header.version <= first).take(limit).cloned().collect()
            }
        }
    }

    pub(crate) fn read_backwards(&self, before: u64, limit: usize, filter: &Filter) -> Vec<RecordedEvent> {
        let log = self.lock();
        let earlier = log.iter().rev().filter(|event| event.position.commit < before && filter.matches(event));
        earlier.take(limit).cloned().collect()
    }

    pub(crate) fn head(&self) -> u64 {
        self.lock().len() as u64
    }

    pub(crate) fn watch_head(&self) -> watch::Receiver<Head> {
        self.head.subscribe()
    }

    pub(crate) fn shutdown(&self) {
        self.head.send_replace(Head::Closed);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<RecordedEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `None` when the append is to be written; the earlier answer when it was written before; otherwise why it is refused.
fn repeated(stream: &[&RecordedEvent], append: &StreamAppend) -> Result<Option<Appended>, AppendError> {
    let ids: Vec<EventId> = append.events.iter().map(|event| event.id).collect();
    let actual = stream.last().map(|event| event.header.version);
    let found = |start: usize| {
        let part = stream.get(start..start.checked_add(ids.len())?)?;
        part.iter().zip(&ids).all(|(event, id)| event.header.event_id == *id).then(|| Appended {
            first_version: start as u64,
            last_version: (start + ids.len() - 1) as u64,
            position: part[part.len() - 1].position,
            already: true,
        })
    };
    let (matches, start) = match append.expected {
        ExpectedVersion::NoStream => (actual.is_none(), 0),
        ExpectedVersion::Exact(version) => (actual == Some(version), usize::try_from(version).unwrap_or(usize::MAX).saturating_add(1)),
        ExpectedVersion::Any | ExpectedVersion::StreamExists => {
            let used = stream.iter().position(|event| ids.contains(&event.header.event_id));
            let exists = actual.is_some() || append.expected == ExpectedVersion::Any;
            match used {
                Some(start) => return found(start).map(Some).ok_or(AppendError::EventIdReused),
                None => (exists, usize::MAX - ids.len()),
            }
        }
    };
    if matches {
        return Ok(None);
    }
    found(start).map(Some).ok_or(AppendError::WrongVersion { actual })
}
