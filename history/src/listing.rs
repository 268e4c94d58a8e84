//! All things of one kind that an organisation had.

use crate::{History, HistoryError, Moment, Past};
use domain::{Aggregate, OrganizationId, Position, StreamName};
use event_store::{Filter, LOG_END};

/// Events read at once.
const BATCH: usize = 500;
/// Events looked at for one page; one that has to look further ends early and says that more follow.
const LOOKED_AT_MAX: usize = 5_000;

/// Some of an organisation's things, the youngest first.
#[derive(Clone, Debug)]
pub struct PastPage<A> {
    pub things: Vec<Past<A>>,
    /// Go on behind this place; `None` when there is no more.
    pub next: Option<Position>,
}

impl History {
    /// Up to `first` things whose beginning stands before `before` in the log, as they were at the moment, without those that `keep` leaves out.
    pub async fn list<A: Aggregate>(
        &self,
        organization: OrganizationId,
        moment: Moment,
        first: usize,
        before: Option<Position>,
        keep: impl Fn(&A) -> bool,
    ) -> Result<PastPage<A>, HistoryError> {
        let filter = Filter { organization: Some(organization), ..Filter::categories(&[A::CATEGORY]) };
        let mut before = match before {
            Some(before) => before,
            None => self.end_of(moment, &filter).await?,
        };
        let mut things = Vec::new();
        for _ in 0..LOOKED_AT_MAX / BATCH {
            let events = self.store.read_backwards(before, BATCH, &filter).await?;
            let Some(last) = events.last() else { return Ok(PastPage { things, next: None }) };
            before = last.position;
            // A thing stands where its first event does.
            let begun = events.iter().filter(|event| event.header.version == 0 && moment.includes(event));
            let streams: Vec<StreamName> = begun.map(|event| event.header.stream).collect();
            for (stream, events) in streams.iter().zip(self.store.read_streams(&streams).await?) {
                let Some(past) = Past::fold(*stream, &events, moment)?.filter(|past: &Past<A>| keep(&past.state)) else { continue };
                if things.len() == first {
                    let next = things.last().map(|last: &Past<A>| last.began);
                    return Ok(PastPage { things, next });
                }
                things.push(past);
            }
            if events.len() < BATCH {
                return Ok(PastPage { things, next: None });
            }
        }
        Ok(PastPage { things, next: Some(before) })
    }

    /// The whole list.
    pub async fn all<A: Aggregate>(&self, organization: OrganizationId, moment: Moment) -> Result<Vec<Past<A>>, HistoryError> {
        let (mut things, mut before) = (Vec::new(), None);
        loop {
            let page = self.list(organization, moment, BATCH, before, |_| true).await?;
            things.extend(page.things);
            before = page.next;
            if before.is_none() {
                return Ok(things);
            }
        }
    }

    /// In front of which everything before the moment stands. Nobody counts with positions, so the next event's own is taken.
    pub(crate) async fn end_of(&self, moment: Moment, filter: &Filter) -> Result<Position, HistoryError> {
        match moment {
            Moment::Time(_) => Ok(LOG_END),
            Moment::Position(last) => Ok(self.store.read_matching(last, 1, filter).await?.first().map_or(LOG_END, |next| next.position)),
        }
    }
}
