//! Openings of personal data that are facts: each is an event in the log of the organisation whose data it is.

use crate::Fault;
use domain::{
    Actor, Category, Clock, CorrelationId, DataAccessEvent, Draft, Event, EventId, Ids, NewEvent, OrganizationId, SealedSlots, StreamName,
};
use event_store::{EventStore, ExpectedVersion, StreamAppend};
use std::borrow::Cow;
use std::sync::Arc;

/// Writes them down. The command line, which has no more of the write side than this, does too.
#[derive(Clone)]
pub struct AccessLog {
    store: EventStore,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn Ids>,
}

impl AccessLog {
    pub fn new(store: EventStore, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> Self {
        Self { store, clock, ids }
    }

    /// Durable when it returns. Nothing is appended for nothing.
    pub async fn record(&self, actor: Actor, organization: OrganizationId, drafts: &[Draft<DataAccessEvent>]) -> Result<(), Fault> {
        if drafts.is_empty() {
            return Ok(());
        }
        let now = self.clock.now();
        let stream = StreamName::new(Category::DataAccess, organization, self.ids.time_ordered(now));
        let correlation = CorrelationId(self.ids.time_ordered(now));
        let event = |draft: &Draft<DataAccessEvent>| {
            let (event_type, schema_version) = draft.event.event_type();
            NewEvent {
                id: EventId(self.ids.time_ordered(now)),
                event_type: Cow::Borrowed(event_type),
                schema_version,
                occurred_at: now,
                actor,
                correlation,
                causation: None,
                facts: draft.event.facts(),
                slots: SealedSlots::default(),
                salt: self.ids.salt(),
            }
        };
        let events = drafts.iter().map(event).collect();
        self.store.append(StreamAppend { stream, expected: ExpectedVersion::NoStream, events }).await?;
        Ok(())
    }
}
