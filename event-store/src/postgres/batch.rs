//! Deciding a batch in memory: which appends are written, which were written before, which are refused. Pure, so that a batch whose
//! statement missed is simply decided again.

use super::queue::Request;
use super::versions::Versions;
use crate::{AppendError, Appended, ExpectedVersion, at};
use domain::{EventId, NewEvent, StreamName};
use std::collections::HashMap;

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub version: u64,
    pub position: u64,
}

/// What became known by asking the log for particular ids; `None`: the stream has no such event.
pub(super) type Probed = HashMap<(StreamName, EventId), Option<Standing>>;

/// What a batch comes to, if nobody else wrote since `base`.
#[derive(Default)]
pub(super) struct Plan {
    /// One for each request, in their order.
    pub verdicts: Vec<Result<Appended, AppendError>>,
    /// The events to write at `base + 1`, `base + 2`, …: (request, event within it, version).
    pub rows: Vec<(usize, usize, u64)>,
    pub streams: Vec<StreamChange>,
}

/// What the batch makes of one stream.
pub(super) struct StreamChange {
    pub stream: StreamName,
    pub before: Option<u64>,
    pub after: u64,
    pub first_position: u64,
    pub last_position: u64,
}

/// What must be read before the batch can be decided.
#[derive(Default)]
pub(super) struct Missing {
    pub streams: Vec<StreamName>,
    pub ids: Vec<(StreamName, EventId)>,
}

/// Decides all requests, or says what is missing. With `assume_new`, a stream that an append expects not to exist is taken to be new without
/// asking: the statement checks it.
pub(super) fn decide(base: u64, requests: &[Request], versions: &Versions, probed: &Probed, assume_new: bool) -> Result<Plan, Missing> {
    let mut decision = Decision { base, requests, versions, probed, assume_new, plan: Plan::default(), touched: HashMap::new() };
    let mut missing = Missing::default();
    for (number, request) in requests.iter().enumerate() {
        let verdict = decision.request(number, request, &mut missing);
        decision.plan.verdicts.push(verdict);
    }
    if missing.streams.is_empty() && missing.ids.is_empty() { Ok(decision.plan) } else { Err(missing) }
}

struct Decision<'a> {
    base: u64,
    requests: &'a [Request],
    versions: &'a Versions,
    probed: &'a Probed,
    assume_new: bool,
    plan: Plan,
    /// Streams that the batch writes to, and their place in `plan.streams`: a second request sees what the first one did.
    touched: HashMap<StreamName, usize>,
}

impl Decision<'_> {
    /// With something missing, the verdict means nothing.
    fn request(&mut self, number: usize, request: &Request, missing: &mut Missing) -> Result<Appended, AppendError> {
        let (stream, expected, events) = (request.append.stream, request.append.expected, &request.append.events);
        let touched = self.touched.get(&stream).map(|&place| Some(self.plan.streams[place].after));
        let assumed = (self.assume_new && expected == ExpectedVersion::NoStream).then_some(None);
        let Some(actual) = touched.or_else(|| self.versions.get(&stream)).or(assumed) else {
            missing.streams.push(stream);
            return Err(AppendError::Empty);
        };
        let (as_expected, repeat_from) = match expected {
            ExpectedVersion::NoStream => (actual.is_none(), Some(0)),
            ExpectedVersion::Exact(version) => (actual == Some(version), version.checked_add(1)),
            ExpectedVersion::Any => (true, None),
            ExpectedVersion::StreamExists => (actual.is_some(), None),
        };
        // A definite version that matches needs no look at the ids: a repeat would have moved the version on.
        if as_expected && (repeat_from.is_some() || actual.is_none()) {
            return Ok(self.write(number, stream, actual, events));
        }
        let Some(found) = self.look_up(stream, events, missing) else { return Err(AppendError::Empty) };
        match (repeat(&found, repeat_from), found.iter().any(Option::is_some)) {
            (Some(appended), _) => Ok(appended),
            (None, true) if repeat_from.is_none() => Err(AppendError::EventIdReused),
            (None, _) if as_expected => Ok(self.write(number, stream, actual, events)),
            (None, _) => Err(AppendError::WrongVersion { actual }),
        }
    }

    fn write(&mut self, number: usize, stream: StreamName, actual: Option<u64>, events: &[NewEvent]) -> Appended {
        let first_version = actual.map_or(0, |version| version + 1);
        let first_position = self.base + self.plan.rows.len() as u64 + 1;
        let last = events.len() as u64 - 1;
        self.plan.rows.extend((0..events.len()).map(|place| (number, place, first_version + place as u64)));
        let (after, last_position) = (first_version + last, first_position + last);
        let next = self.plan.streams.len();
        let place = *self.touched.entry(stream).or_insert(next);
        match self.plan.streams.get_mut(place) {
            Some(change) => (change.after, change.last_position) = (after, last_position),
            None => self.plan.streams.push(StreamChange { stream, before: actual, after, first_position, last_position }),
        }
        Appended { first_version, last_version: after, position: at(last_position), already: false }
    }

    /// Where each of the events stands already. `None` when the log must be asked first.
    fn look_up(&self, stream: StreamName, events: &[NewEvent], missing: &mut Missing) -> Option<Vec<Option<Standing>>> {
        let was_there = self.versions.get(&stream) != Some(None);
        let mut found = Vec::with_capacity(events.len());
        for event in events {
            let key = (stream, event.id);
            match (self.written(key), self.probed.get(&key)) {
                (Some(standing), _) => found.push(Some(standing)),
                (None, Some(standing)) => found.push(*standing),
                (None, None) if was_there => missing.ids.push(key),
                (None, None) => found.push(None),
            }
        }
        (found.len() == events.len()).then_some(found)
    }

    /// Where the batch itself puts an event. Looked for one by one: only a repeat within the same batch gets here.
    fn written(&self, (stream, id): (StreamName, EventId)) -> Option<Standing> {
        self.touched.get(&stream)?;
        let is_it = |&(request, place, _): &(usize, usize, u64)| {
            let append: &crate::StreamAppend = &self.requests[request].append;
            append.stream == stream && append.events[place].id == id
        };
        let row = self.plan.rows.iter().position(is_it)?;
        Some(Standing { version: self.plan.rows[row].2, position: self.base + row as u64 + 1 })
    }
}

/// The earlier answer, if all events stand one after the other, from the version where this append would have put them.
fn repeat(found: &[Option<Standing>], from: Option<u64>) -> Option<Appended> {
    let (first, last) = (found.first().copied()??, found.last().copied()??);
    let consecutive =
        found.iter().zip(first.version..).all(|(standing, version)| standing.is_some_and(|standing| standing.version == version));
    let as_asked = from.is_none_or(|from| from == first.version);
    (consecutive && as_asked).then(|| Appended {
        first_version: first.version,
        last_version: last.version,
        position: at(last.position),
        already: true,
    })
}
