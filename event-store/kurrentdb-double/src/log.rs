//! The log, and what the server checks before it writes. Positions are byte offsets, and the server's own events stand among the others, so
//! nothing about positions can be guessed.

use bytes::Bytes;
use std::collections::{HashMap, HashSet};
use std::time::UNIX_EPOCH;
use uuid::Uuid;

/// What a record weighs beside its contents.
const RECORD_BYTES: u64 = 137;
/// After so many events, the server writes one of its own.
const STATISTICS_EVERY: usize = 5;

#[derive(Clone, Debug)]
pub struct Stored {
    pub id: Uuid,
    pub stream: String,
    pub revision: u64,
    pub position: u64,
    pub event_type: String,
    pub content_type: String,
    pub data: Bytes,
    pub custom_metadata: Bytes,
    /// Units of 100 ns since 1970.
    pub created: u64,
}

#[derive(Clone, Debug)]
pub struct Proposed {
    pub id: Uuid,
    pub event_type: String,
    pub content_type: String,
    pub data: Bytes,
    pub custom_metadata: Bytes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpectedRevision {
    Any,
    NoStream,
    StreamExists,
    Exact(u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Written now or before; the server does not say which.
    Written {
        revision: u64,
        position: u64,
    },
    Wrong {
        current: Option<u64>,
    },
}

pub struct Log {
    events: Vec<Stored>,
    streams: HashMap<String, Vec<usize>>,
    /// The ids that are recognised where no version is expected.
    remembered: HashSet<(Uuid, String)>,
    end: u64,
}

impl Log {
    pub fn new() -> Self {
        let mut log = Self { events: vec![], streams: HashMap::new(), remembered: HashSet::new(), end: 1_021 };
        log.write_own("$settings", "$UserCreated");
        log
    }

    pub fn events(&self) -> &[Stored] {
        &self.events
    }

    pub fn stream(&self, stream: &str) -> Vec<&Stored> {
        self.streams.get(stream).into_iter().flatten().map(|index| &self.events[*index]).collect()
    }

    /// Behind the last record.
    pub fn end(&self) -> u64 {
        self.end
    }

    pub fn forget_ids(&mut self) {
        self.remembered.clear();
    }

    pub fn len(&self) -> usize {
        self.events.len()
    }

    pub fn lose(&mut self, events: usize) {
        self.events.truncate(self.events.len().saturating_sub(events));
        self.end = self.events.last().map_or(0, |last| last.position) + RECORD_BYTES;
        self.streams.clear();
        for (index, event) in self.events.iter().enumerate() {
            self.streams.entry(event.stream.clone()).or_default().push(index);
        }
    }

    /// As `CheckCommit` of the server's `IndexWriter` decides.
    pub fn append(&mut self, stream: &str, expected: ExpectedRevision, proposed: Vec<Proposed>) -> Verdict {
        let present = self.stream(stream);
        let current = (present.len() as u64).checked_sub(1);
        let wrong = Verdict::Wrong { current };
        let known = |place: Option<&&Stored>, event: &Proposed| place.is_some_and(|place| place.id == event.id);
        let repeated = |first: usize| {
            let all = proposed.iter().enumerate().all(|(number, event)| known(present.get(first + number), event));
            let last = all.then(|| present[first + proposed.len() - 1]);
            last.map(|last| Verdict::Written { revision: last.revision, position: last.position })
        };
        match (expected, current) {
            (ExpectedRevision::StreamExists, None) => return wrong,
            (ExpectedRevision::Any | ExpectedRevision::StreamExists, _) => {
                let is_known = |event: &Proposed| self.remembered.contains(&(event.id, stream.to_owned()));
                match proposed.iter().filter(|event| is_known(event)).count() {
                    0 => {}
                    count if count == proposed.len() => {
                        let last = present.iter().find(|event| event.id == proposed[count - 1].id);
                        return last.map_or(wrong, |last| Verdict::Written { revision: last.revision, position: last.position });
                    }
                    _ => return wrong,
                }
            }
            (ExpectedRevision::NoStream, Some(_)) => return repeated(0).unwrap_or(wrong),
            (ExpectedRevision::Exact(revision), Some(current)) if revision < current => {
                return usize::try_from(revision + 1).ok().and_then(repeated).unwrap_or(wrong);
            }
            (ExpectedRevision::Exact(revision), current) if current != Some(revision) => return wrong,
            _ => {}
        }
        for event in proposed {
            self.write(stream, event);
        }
        let last = self.stream(stream)[self.streams[stream].len() - 1];
        let written = Verdict::Written { revision: last.revision, position: last.position };
        if self.events.len().is_multiple_of(STATISTICS_EVERY) {
            self.write_own("$stats-127.0.0.1:2113", "$statsCollected");
        }
        written
    }

    /// An event that another application put into a stream.
    pub fn write_another(&mut self, stream: &str, id: Uuid) {
        let data = Bytes::from_static(b"{}");
        let (event_type, content_type) = ("SomethingElse".to_owned(), "application/json".to_owned());
        self.write(stream, Proposed { id, event_type, content_type, custom_metadata: data.clone(), data });
    }

    fn write_own(&mut self, stream: &str, event_type: &str) {
        let data = Bytes::from_static(b"{\"own\":true}");
        let content_type = "application/json".to_owned();
        let id = Uuid::from_u128(u128::from(self.end));
        self.write(stream, Proposed { id, event_type: event_type.to_owned(), content_type, data, custom_metadata: Bytes::new() });
    }

    #[expect(clippy::disallowed_methods, reason = "a server has a clock of its own")]
    fn write(&mut self, stream: &str, event: Proposed) {
        let Proposed { id, event_type, content_type, data, custom_metadata } = event;
        let created = std::time::SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |span| span.as_nanos() / 100);
        let places = self.streams.entry(stream.to_owned()).or_default();
        let revision = places.len() as u64;
        places.push(self.events.len());
        self.remembered.insert((id, stream.to_owned()));
        let position = self.end;
        self.end += RECORD_BYTES + (2 * event_type.len() + data.len() + custom_metadata.len()) as u64;
        let created = u64::try_from(created).unwrap_or(0);
        let stream = stream.to_owned();
        self.events.push(Stored { id, stream, revision, position, event_type, content_type, data, custom_metadata, created });
    }
}
