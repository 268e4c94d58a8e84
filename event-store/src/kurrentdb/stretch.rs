//! Reading a stretch of the whole log, and being sure that it is whole.
//!
//! A read that the server ends early looks like one that reached the log's end. So nothing is concluded from an end: a stretch reaches as
//! far as the last event that came, and up to a known event only if that one came as well. Where the server filters, it is asked for that
//! event too.

use super::client::{Found, Link, Prefixes, Start, Trouble};
use super::end::Mark;
use super::reader::{Reader, unavailable};
use super::stored;
use crate::{Filter, ReadError};
use domain::{Category, Position, RecordedEvent};

/// The most events handed out at once, and what they may weigh; the event that goes beyond is still taken in.
const EVENTS_MAX: usize = 1_000;
const BYTES_MAX: usize = 8 << 20;
/// Events looked through by one call that is not filtered by the server.
const LOOKED_THROUGH_MAX: usize = 4_000;

pub(super) struct Stretch {
    pub events: Vec<RecordedEvent>,
    /// Everything up to here is among the events, or is of no interest.
    pub to: Position,
}

/// What a reader wants, and how the server can be made to help.
pub(super) struct Interest {
    pub filter: Filter,
    /// Given up when the server searches for longer than a call may take: without it, every call gets somewhere.
    by_server: bool,
}

impl Interest {
    pub fn new(filter: Filter) -> Self {
        let by_server = !filter.is_everything();
        Self { filter, by_server }
    }

    /// The server knows prefixes. What they let through too much is left out here; `end` must come through.
    fn prefixes(&self, end: &Mark) -> Prefixes {
        let Filter { categories, organization, event_types } = &self.filter;
        if categories.is_empty() && organization.is_none() {
            return Prefixes::EventTypes(event_types.iter().cloned().chain([end.event_type.to_string()]).collect());
        }
        let categories = if categories.is_empty() { Category::ALL } else { categories };
        let organization = organization.map(|organization| format!("{}.", organization.0.simple())).unwrap_or_default();
        let streams = categories.iter().map(|category| format!("{}-{organization}", category.as_str()));
        Prefixes::Streams(streams.chain([end.stream.to_string()]).collect())
    }
}

impl Reader {
    /// The next stretch behind `after`, which is before `end`. It goes some way, if not up to `end`.
    pub async fn stretch(&self, after: Position, end: &Mark, limit: usize, interest: &mut Interest) -> Result<Stretch, ReadError> {
        let limit = limit.min(EVENTS_MAX);
        if interest.by_server {
            let (prefixes, filter) = (&interest.prefixes(end), &interest.filter);
            let search = |link| async move {
                match search(link, after, end, limit, filter, Some(prefixes.clone())).await {
                    Err(Trouble::Silent) => Ok(None),
                    found => found.map(Some),
                }
            };
            if let Some(found) = self.call(search).await.map_err(unavailable)? {
                let found = found?;
                if found.is_whole {
                    return Ok(found.stretch);
                }
            }
            interest.by_server = false;
        }
        let filter = &interest.filter;
        let search = |link| async move {
            let found = search(link, after, end, limit, filter, None).await?;
            // The log goes on behind `after`: a read that finds nothing there was ended early.
            if found.as_ref().is_ok_and(|found| found.stretch.to == after) { Err(Trouble::Lost) } else { Ok(found) }
        };
        let found = self.call(search).await.map_err(unavailable)??;
        interest.by_server |= found.stretch.to >= end.position && !interest.filter.is_everything();
        Ok(found.stretch)
    }

    /// All that matches behind `after`, up to `limit` events.
    pub async fn matching(&self, after: Position, limit: usize, filter: &Filter) -> Result<Vec<RecordedEvent>, ReadError> {
        let Some(end) = self.head(Position::START).await? else { return Ok(vec![]) };
        let (mut read, mut after, mut interest) = (Vec::new(), after, Interest::new(filter.clone()));
        while read.len() < limit && after < end.position {
            let stretch = self.stretch(after, &end, limit - read.len(), &mut interest).await?;
            read.extend(stretch.events);
            after = stretch.to;
        }
        Ok(read)
    }
}

struct Search {
    stretch: Stretch,
    /// It ended because it had enough or reached the end, not because the server stopped.
    is_whole: bool,
}

async fn search(
    link: Link,
    after: Position,
    end: &Mark,
    limit: usize,
    filter: &Filter,
    prefixes: Option<Prefixes>,
) -> Result<Result<Search, ReadError>, Trouble> {
    // Forwards, the server begins with the event at the position itself; and `end` may come beside the events asked for.
    let asked = if prefixes.is_some() || filter.is_everything() { limit + 2 } else { LOOKED_THROUGH_MAX };
    let mut events = link.read_all(Start::Forwards(after), asked, prefixes).await?;
    let (mut stretch, mut bytes, mut came) = (Stretch { events: vec![], to: after }, 0, 0);
    while let Some(found) = events.next().await? {
        came += 1;
        if found.position <= after {
            continue;
        }
        if found.position > end.position {
            stretch.to = end.position;
            break;
        }
        match take(&found, filter) {
            // What came before it is handed out first.
            Err(_) if !stretch.events.is_empty() => return Ok(Ok(Search { stretch, is_whole: true })),
            Err(damaged) => return Ok(Err(damaged)),
            Ok(event) => stretch.events.extend(event),
        }
        stretch.to = found.position;
        bytes += if stretch.events.is_empty() { 0 } else { found.data.len() + found.metadata.len() };
        if stretch.events.len() == limit || bytes >= BYTES_MAX || found.position == end.position {
            return Ok(Ok(Search { stretch, is_whole: true }));
        }
    }
    let is_whole = stretch.to >= end.position || came == asked;
    Ok(Ok(Search { stretch, is_whole }))
}

fn take(found: &Found, filter: &Filter) -> Result<Option<RecordedEvent>, ReadError> {
    let event = stored::recorded(found).transpose()?;
    Ok(event.filter(|event| filter.matches(event)))
}
