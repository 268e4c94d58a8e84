//! The log as the contract describes it: for each stream a list of ids, and for each event the command that wrote it.

use domain::{EventId, NewEvent, Position, RecordedEvent, StreamName};
use event_store::{AppendError, Appended, Direction, ExpectedVersion, ReadFrom, StreamAppend};
use std::collections::{HashMap, HashSet};

/// First version, last version, and whether it was a repeat.
pub(super) type Verdict = Result<(u64, u64, bool), AppendError>;

#[derive(Default)]
pub(super) struct Model {
    streams: HashMap<StreamName, Vec<Written>>,
    /// Where the answers said that events stand.
    positions: Vec<(StreamName, u64, Position)>,
    /// The appends being judged, for their streams.
    asked: Vec<StreamName>,
}

#[derive(Clone)]
pub(super) struct Written {
    event: NewEvent,
    stream: StreamName,
    version: u64,
    /// Events of an earlier command stand before those of a later one; within a batch, streams have no order among each other.
    command: usize,
}

impl Model {
    pub fn append(&mut self, command: usize, append: &StreamAppend) -> Verdict {
        self.asked.push(append.stream);
        let ids: Vec<EventId> = append.events.iter().map(|event| event.id).collect();
        if ids.is_empty() {
            return Err(AppendError::Empty);
        }
        if ids.iter().collect::<HashSet<_>>().len() < ids.len() {
            return Err(AppendError::EventIdReused);
        }
        let stream = self.streams.entry(append.stream).or_default();
        let length = stream.len() as u64;
        let wrong = Err(AppendError::WrongVersion { actual: length.checked_sub(1) });
        match append.expected {
            ExpectedVersion::NoStream if length == 0 => {}
            ExpectedVersion::NoStream => return repeat(stream, 0, &ids).map_or(wrong, Ok),
            ExpectedVersion::Exact(version) if length == version + 1 => {}
            ExpectedVersion::Exact(version) => return repeat(stream, version + 1, &ids).map_or(wrong, Ok),
            ExpectedVersion::Any | ExpectedVersion::StreamExists => {
                if let Some(used) = stream.iter().position(|written| ids.contains(&written.event.id)) {
                    return repeat(stream, used as u64, &ids).ok_or(AppendError::EventIdReused);
                }
                if length == 0 && append.expected == ExpectedVersion::StreamExists {
                    return wrong;
                }
            }
        }
        let write = |(event, version): (&NewEvent, u64)| Written { event: event.clone(), stream: append.stream, version, command };
        stream.extend(append.events.iter().zip(length..).map(write));
        Ok((length, length + ids.len() as u64 - 1, false))
    }

    pub fn compare_verdicts(&mut self, got: &[Result<Appended, AppendError>], wanted: &[Verdict], command: usize) {
        let versions = |verdict: &Result<Appended, AppendError>| {
            verdict.clone().map(|appended| (appended.first_version, appended.last_version, appended.already))
        };
        assert_eq!(got.iter().map(versions).collect::<Vec<_>>(), wanted, "command {command}");
        for (verdict, stream) in got.iter().zip(std::mem::take(&mut self.asked)) {
            if let Ok(appended) = verdict {
                self.positions.push((stream, appended.last_version, appended.position));
            }
        }
    }

    pub fn stretch(&self, stream: StreamName, from: ReadFrom, direction: Direction, limit: usize) -> Vec<Written> {
        let events = self.streams.get(&stream).map_or(&[][..], Vec::as_slice).iter();
        match (direction, from) {
            (Direction::Forwards, ReadFrom::End) => vec![],
            (Direction::Forwards, ReadFrom::Version(first)) => events.filter(|event| event.version >= first).take(limit).cloned().collect(),
            (Direction::Backwards, ReadFrom::End) => events.rev().take(limit).cloned().collect(),
            (Direction::Backwards, ReadFrom::Version(first)) => {
                events.rev().filter(|event| event.version <= first).take(limit).cloned().collect()
            }
        }
    }

    pub fn compare_stretch(&self, got: &[RecordedEvent], wanted: &[Written], command: usize) {
        assert_eq!(got.len(), wanted.len(), "command {command}");
        for (got, wanted) in got.iter().zip(wanted) {
            assert_eq!(got.header, wanted.event.header(wanted.stream, wanted.version), "command {command}");
            assert_eq!((&got.facts, &got.slots, got.salt), (&wanted.event.facts, &wanted.event.slots, wanted.event.salt));
        }
    }

    /// The whole log, or its first or last events.
    pub fn compare_log(&self, got: &[RecordedEvent], direction: Direction, limit: usize, command: usize) {
        let total: usize = self.streams.values().map(Vec::len).sum();
        assert_eq!(got.len(), total.min(limit), "command {command}");
        let in_order: Vec<&RecordedEvent> = match direction {
            Direction::Forwards => got.iter().collect(),
            Direction::Backwards => got.iter().rev().collect(),
        };
        assert!(in_order.is_sorted_by(|one, next| one.position < next.position), "command {command}: positions do not rise");
        let find = |event: &&RecordedEvent| {
            let stream = &self.streams[&event.header.stream];
            let written = stream.get(usize::try_from(event.header.version).ok()?)?;
            (written.event.id == event.header.event_id).then_some(written.command)
        };
        let commands: Option<Vec<usize>> = in_order.iter().map(find).collect();
        let commands = commands.expect("the log holds nothing that the model does not");
        assert!(commands.is_sorted(), "command {command}: what was answered first stands first");
    }

    /// Each answer named the position where its last event stands.
    pub fn compare_positions(&self, log: &[RecordedEvent]) {
        let stands: HashMap<_, _> = log.iter().map(|event| ((event.header.stream, event.header.version), event.position)).collect();
        for (stream, version, position) in &self.positions {
            assert_eq!(stands.get(&(*stream, *version)), Some(position));
        }
    }
}

/// The earlier answer, if the ids stand in a row from that version on.
fn repeat(stream: &[Written], from: u64, ids: &[EventId]) -> Option<(u64, u64, bool)> {
    let start = usize::try_from(from).ok()?;
    let stands = stream.get(start..start.checked_add(ids.len())?)?;
    stands.iter().zip(ids).all(|(written, id)| written.event.id == *id).then(|| (from, from + ids.len() as u64 - 1, true))
}
