//! What changed between two moments, and which events did it.

use crate::as_of::decode;
use crate::{FieldValue, Fields, History, HistoryError, Moment, Portrait};
use domain::{
    Actor, ApiKey, Category, Email, Erasure, EventId, Hold, Organization, Position, RecordedEvent, SmtpServer, StreamName, Suppression,
    Timestamp, User,
};
use event_store::Filter;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Events between the two moments at most, when a whole organisation is compared.
pub(crate) const EVENTS_MAX: usize = 1_000;
/// Events read at once, and looked at in all.
const BATCH: usize = 500;
const LOOKED_AT_MAX: usize = 20_000;
/// The clocks of processes that write one log differ less than this: keys are made for the database's today and yesterday only.
const CLOCKS_APART_MAX: Duration = Duration::from_secs(24 * 3600);

/// What an organisation has besides messages.
const THINGS: [Category; 5] = [Category::Organization, Category::ApiKey, Category::SmtpServer, Category::Suppression, Category::Hold];

/// A field that has another value at the second moment than at the first.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    pub stream: StreamName,
    pub field: String,
    /// `None`: it had no value.
    pub before: Option<FieldValue>,
    pub after: Option<FieldValue>,
    /// Every event in between that gave the field another value, oldest first.
    pub causes: Vec<Cause>,
}

/// An event, as far as it says who did what, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    pub stream: StreamName,
    pub event_id: EventId,
    /// As it is stored, whatever it is called today.
    pub event_type: String,
    pub schema_version: u16,
    pub occurred_at: Timestamp,
    pub actor: Actor,
    pub position: Position,
}

impl Cause {
    pub(crate) fn of(event: &RecordedEvent) -> Self {
        let header = &event.header;
        Self {
            stream: header.stream,
            event_id: header.event_id,
            event_type: header.event_type.to_string(),
            schema_version: header.schema_version,
            occurred_at: header.occurred_at,
            actor: header.actor,
            position: event.position,
        }
    }
}

impl History {
    /// The fields of a thing at a moment; `None` when it did not exist then.
    pub async fn fields(&self, stream: StreamName, moment: Moment) -> Result<Option<Fields>, HistoryError> {
        let events = self.stream(stream).await?;
        if !events.first().is_some_and(|first| moment.includes(first)) {
            return Ok(None);
        }
        told(&events, moment, moment).map(|told| Some(told.after))
    }

    /// What changed of one thing.
    pub async fn diff(&self, stream: StreamName, from: Moment, to: Moment) -> Result<Vec<Change>, HistoryError> {
        if from.is_after(to) {
            return Err(HistoryError::Backwards);
        }
        changes(stream, &self.stream(stream).await?, from, to)
    }

    /// What changed of an organisation, its keys, servers and suppressions.
    pub async fn diff_organization(&self, organization: StreamName, from: Moment, to: Moment) -> Result<Vec<Change>, HistoryError> {
        if from.is_after(to) {
            return Err(HistoryError::Backwards);
        }
        let streams = self.touched(organization, from, to).await?;
        let mut found = Vec::new();
        for (stream, events) in streams.iter().zip(self.store.read_streams(&streams).await?) {
            found.extend(changes(*stream, &events, from, to)?);
        }
        Ok(found)
    }

    /// The streams that got an event between the moments, the organisation's own first.
    async fn touched(&self, organization: StreamName, from: Moment, to: Moment) -> Result<Vec<StreamName>, HistoryError> {
        let filter = Filter { organization: Some(organization.organization), ..Filter::categories(&THINGS) };
        let mut before = self.end_of(to, &filter).await?;
        let (mut streams, mut between) = (BTreeSet::new(), 0);
        for _ in 0..LOOKED_AT_MAX / BATCH {
            let events = self.store.read_backwards(before, BATCH, &filter).await?;
            let within = events.iter().filter(|event| to.includes(event) && !from.includes(event));
            let found: Vec<StreamName> = within.map(|event| event.header.stream).collect();
            between += found.len();
            streams.extend(found);
            if between > EVENTS_MAX {
                return Err(HistoryError::TooMuch);
            }
            match events.last() {
                Some(last) if events.len() == BATCH && !all_earlier(from, last) => before = last.position,
                _ => return Ok(streams.into_iter().collect()),
            }
        }
        Err(HistoryError::TooMuch)
    }
}

/// Whether whatever is recorded before that event happened before the moment, too.
fn all_earlier(moment: Moment, event: &RecordedEvent) -> bool {
    match moment {
        Moment::Position(position) => event.position <= position,
        Moment::Time(time) => event.header.occurred_at + CLOCKS_APART_MAX < time,
    }
}

/// Two states of one thing, and what came between them.
struct Told {
    before: Fields,
    after: Fields,
    causes: BTreeMap<String, Vec<Cause>>,
}

fn changes(stream: StreamName, events: &[RecordedEvent], from: Moment, to: Moment) -> Result<Vec<Change>, HistoryError> {
    // A time and a position can be in either order: what the first includes and the second does not shows it.
    if events.iter().any(|event| from.includes(event) && !to.includes(event)) {
        return Err(HistoryError::Backwards);
    }
    let Told { mut before, after, mut causes } = told(events, from, to)?;
    let mut found: Vec<Change> = Vec::new();
    for (field, value) in after {
        let earlier = before.remove(&field);
        if earlier.as_ref() != Some(&value) {
            let causes = causes.remove(&field).unwrap_or_default();
            found.push(Change { stream, field, before: earlier, after: Some(value), causes });
        }
    }
    found.extend(before.into_iter().map(|(field, value)| {
        let causes = causes.remove(&field).unwrap_or_default();
        Change { stream, field, before: Some(value), after: None, causes }
    }));
    Ok(found)
}

fn told(events: &[RecordedEvent], from: Moment, to: Moment) -> Result<Told, HistoryError> {
    let category = events.first().map(|event| event.header.stream.category);
    let tell = match category {
        None => return Ok(Told { before: Fields::new(), after: Fields::new(), causes: BTreeMap::new() }),
        Some(Category::User) => tell::<User>,
        Some(Category::Organization) => tell::<Organization>,
        Some(Category::ApiKey) => tell::<ApiKey>,
        Some(Category::SmtpServer) => tell::<SmtpServer>,
        Some(Category::Email) => tell::<Email>,
        Some(Category::Suppression) => tell::<Suppression>,
        Some(Category::Erasure) => tell::<Erasure>,
        Some(Category::Hold) => tell::<Hold>,
        Some(Category::DataAccess | Category::Evidence | Category::Platform | Category::Operations | Category::Processing) => {
            return Err(HistoryError::NoState);
        }
    };
    tell(events, from, to)
}

fn tell<A: Portrait>(events: &[RecordedEvent], from: Moment, to: Moment) -> Result<Told, HistoryError> {
    let mut state = A::default();
    let mut rest = events;
    while let Some((event, later)) = rest.split_first().filter(|(event, _)| from.includes(event)) {
        state.evolve(&decode(event)?);
        rest = later;
    }
    // A thing that has not begun has no fields, not those of an empty one.
    let organization = events[0].header.organization;
    let before = if rest.len() == events.len() { Fields::new() } else { state.fields(organization) };
    let (mut after, mut causes) = (before.clone(), BTreeMap::<String, Vec<Cause>>::new());
    for event in rest.iter().take_while(|event| to.includes(event)) {
        state.evolve(&decode(event)?);
        let next = state.fields(organization);
        let names: BTreeSet<&String> = after.keys().chain(next.keys()).collect();
        for name in names.into_iter().filter(|name| after.get(*name) != next.get(*name)) {
            causes.entry(name.clone()).or_default().push(Cause::of(event));
        }
        after = next;
    }
    Ok(Told { before, after, causes })
}
