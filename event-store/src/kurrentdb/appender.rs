//! Appending: one call a request, always with fixed event ids and a definite version, so that every call may be repeated.

use super::client::{At, Trouble};
use super::end::{self, End, Mark};
use super::looks::Looks;
use super::reader::{Place, Reader, fault, is_version};
use super::stored;
use super::supervisor::Patience;
use super::turns::Turns;
use crate::{APPEND_BYTES_MAX, AppendError, Appended, ExpectedVersion, Fault, ReadError, StreamAppend};
use domain::Position;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};

/// Appends under way at a time. More only queue at the server.
const AT_ONCE: usize = 128;
/// How often an append that expects no particular version is decided again because somebody else wrote meanwhile.
const DECISIONS_MAX: usize = 100;

pub(super) struct Appender {
    reader: Reader,
    end: Arc<watch::Sender<End>>,
    looks: Looks,
    turns: Turns,
    at_once: Semaphore,
}

/// What the server said to an append.
enum Sent {
    /// It stands there: written now, or found by the server to be there already. It does not say which.
    Written(Option<Position>),
    Conflict(Option<u64>),
}

impl Appender {
    pub fn new(reader: Reader, end: Arc<watch::Sender<End>>) -> Self {
        let looks = Looks::new(reader.clone(), end.clone());
        Self { reader, end, looks, turns: Turns::default(), at_once: Semaphore::new(AT_ONCE) }
    }

    pub async fn append(&self, append: &StreamAppend) -> Result<Appended, AppendError> {
        // Within this process, appends to one stream wait for each other instead of refusing each other.
        let _turn = self.turns.of(append.stream).lock_owned().await;
        let _place = self.at_once.acquire().await;
        match append.expected {
            ExpectedVersion::NoStream => self.append_at(append, At::NoStream).await,
            ExpectedVersion::Exact(version) if is_version(version) => self.append_at(append, At::Version(version)).await,
            ExpectedVersion::Exact(_) => {
                let actual = self.reader.last_version(append.stream).await.map_err(unwritten)?;
                Err(AppendError::WrongVersion { actual })
            }
            ExpectedVersion::Any | ExpectedVersion::StreamExists => self.append_behind(append).await,
        }
    }

    /// What this process has seen of the log.
    fn seen(&self) -> Result<Position, AppendError> {
        match &*self.end.borrow() {
            End::Lost { head, seen } => Err(AppendError::LogLost { head: *head, seen: *seen }),
            End::Replaced => Err(AppendError::AnotherLog),
            End::Closed => Err(AppendError::ShuttingDown),
            End::Known(mark) => Ok(mark.as_ref().map_or(Position::START, |mark| mark.position)),
        }
    }

    async fn append_at(&self, append: &StreamAppend, at: At) -> Result<Appended, AppendError> {
        self.seen()?;
        // The server does not say whether it has written the events or found them. What stands before the end of this moment was there.
        let seen = self.looks.head().await.map_err(unread)?;
        match self.send(append, at).await? {
            Sent::Written(position) => self.written(append, at, position, seen).await,
            Sent::Conflict(actual) => self.repeated(append, at, seen).await?.ok_or(AppendError::WrongVersion { actual }),
        }
    }

    /// Behind whatever the stream holds, unless it holds these events. That is looked up here, since the server remembers only the ids that
    /// were written lately; and then the version found is expected.
    async fn append_behind(&self, append: &StreamAppend) -> Result<Appended, AppendError> {
        self.seen()?;
        let seen = self.looks.head().await.map_err(unread)?;
        let mut actual = None;
        for _ in 0..DECISIONS_MAX {
            let places = self.reader.places(append.stream, 0, usize::MAX).await.map_err(unwritten)?;
            if let Some(start) = places.iter().position(|place| append.events.iter().any(|event| event.id == place.id)) {
                let position = holds(append, &places[start..]).ok_or(AppendError::EventIdReused)?;
                return Ok(appended(append, start as u64, position, true));
            }
            actual = (places.len() as u64).checked_sub(1);
            if actual.is_none() && append.expected == ExpectedVersion::StreamExists {
                break;
            }
            let at = actual.map_or(At::NoStream, At::Version);
            match self.send(append, at).await? {
                Sent::Written(position) => return self.written(append, at, position, seen).await,
                Sent::Conflict(_) => {
                    // Unless it was written by a call whose answer was lost, somebody else was faster.
                    if let Some(appended) = self.repeated(append, at, seen).await? {
                        return Ok(appended);
                    }
                }
            }
        }
        Err(AppendError::WrongVersion { actual })
    }

    async fn send(&self, append: &StreamAppend, at: At) -> Result<Sent, AppendError> {
        let stream = append.stream.to_string();
        let supervisor = &self.reader.supervisor;
        let mut patience = Patience::new(self.reader.patience);
        let mut in_doubt = false;
        loop {
            let (link, generation) = supervisor.link().await;
            let trouble = match link.append(&stream, at, stored::proposals(append, first_version(at))).await {
                Ok(position) => {
                    supervisor.proved(generation).await;
                    return Ok(Sent::Written(position));
                }
                Err(Trouble::WrongVersion(actual)) => return Ok(Sent::Conflict(actual)),
                Err(Trouble::TooLarge { limit }) => {
                    let limit = limit.unwrap_or(APPEND_BYTES_MAX);
                    return Err(AppendError::TooLarge { bytes: append.weight(), limit });
                }
                Err(trouble) => trouble,
            };
            in_doubt |= matches!(trouble, Trouble::Lost | Trouble::Silent);
            if let Err(trouble) = supervisor.recover(generation, trouble, &mut patience).await {
                return Err(if in_doubt { AppendError::OutcomeUnknown(fault(trouble)) } else { unwritten(trouble) });
            }
        }
    }

    /// Answers for events that the server says are there.
    async fn written(&self, append: &StreamAppend, at: At, position: Option<Position>, seen: Position) -> Result<Appended, AppendError> {
        if let Some(position) = position.filter(|position| *position > seen) {
            return Ok(self.answered(append, at, position, seen));
        }
        // A repeat, and the answer to one may give another position, or none.
        let repeated = self.repeated(append, at, seen).await;
        let unknown = AppendError::OutcomeUnknown(Fault::Connection);
        repeated.unwrap_or(None).ok_or(unknown)
    }

    /// The earlier answer, if exactly these events stand where the append would have written them.
    async fn repeated(&self, append: &StreamAppend, at: At, seen: Position) -> Result<Option<Appended>, AppendError> {
        let places = self.reader.places(append.stream, first_version(at), append.events.len()).await;
        let places = places.map_err(|trouble| AppendError::OutcomeUnknown(fault(trouble)))?;
        Ok(holds(append, &places).map(|position| self.answered(append, at, position, seen)))
    }

    fn answered(&self, append: &StreamAppend, at: At, position: Position, seen: Position) -> Appended {
        let event_type = append.events.last().map_or("", |event| &event.event_type);
        end::advance(&self.end, &Mark { position, stream: append.stream.to_string().into(), event_type: event_type.into() });
        appended(append, first_version(at), position, position <= seen)
    }
}

/// The position of the last event, if these places begin with exactly the append's events.
fn holds(append: &StreamAppend, places: &[Place]) -> Option<Position> {
    let places = places.get(..append.events.len())?;
    let same = places.iter().zip(&append.events).all(|(place, event)| place.id == event.id);
    places.last().filter(|_| same).map(|last| last.position)
}

fn appended(append: &StreamAppend, first_version: u64, position: Position, already: bool) -> Appended {
    Appended { first_version, last_version: first_version + append.events.len() as u64 - 1, position, already }
}

fn first_version(at: At) -> u64 {
    match at {
        At::NoStream => 0,
        At::Version(version) => version + 1,
    }
}

fn unread(error: ReadError) -> AppendError {
    match error {
        ReadError::Unavailable(fault) => AppendError::Unavailable(fault),
        ReadError::AnotherLog => AppendError::AnotherLog,
        _ => AppendError::Unavailable(Fault::Connection),
    }
}

fn unwritten(trouble: Trouble) -> AppendError {
    AppendError::Unavailable(fault(trouble))
}
