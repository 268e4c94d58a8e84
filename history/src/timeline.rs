//! What happened to one thing, event by event.

use crate::as_of::decode;
use crate::diff::Cause;
use crate::{History, HistoryError, Moment};
use domain::{
    ApiKeyEvent, Category, DataAccessEvent, EmailEvent, ErasureEvent, Event, EvidenceEvent, HoldEvent, KeyEvent, OperationsEvent,
    OrganizationEvent, ProcessingEvent, RecordedEvent, SmtpServerEvent, StreamName, SuppressionEvent, UserEvent,
};

/// One event with its facts in today's form. Slot numbers in them refer to envelopes, which stay closed.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub event: Cause,
    pub facts: serde_json::Value,
}

impl History {
    /// The events of a stream behind `from` (where given) up to `to`, oldest first.
    pub async fn timeline(&self, stream: StreamName, from: Option<Moment>, to: Moment) -> Result<Vec<Entry>, HistoryError> {
        let events = self.stream(stream).await?;
        let within = events.iter().filter(|event| to.includes(event) && !from.is_some_and(|from| from.includes(event)));
        within.map(|event| Ok(Entry { event: Cause::of(event), facts: facts(event)? })).collect()
    }
}

fn facts(event: &RecordedEvent) -> Result<serde_json::Value, HistoryError> {
    let facts = match event.header.stream.category {
        Category::User => decode::<UserEvent>(event)?.event.facts(),
        Category::Organization => decode::<OrganizationEvent>(event)?.event.facts(),
        Category::ApiKey => decode::<ApiKeyEvent>(event)?.event.facts(),
        Category::SmtpServer => decode::<SmtpServerEvent>(event)?.event.facts(),
        Category::Email => decode::<EmailEvent>(event)?.event.facts(),
        Category::Suppression => decode::<SuppressionEvent>(event)?.event.facts(),
        Category::Erasure => decode::<ErasureEvent>(event)?.event.facts(),
        Category::Evidence => decode::<EvidenceEvent>(event)?.event.facts(),
        Category::DataAccess => decode::<DataAccessEvent>(event)?.event.facts(),
        Category::Platform => decode::<KeyEvent>(event)?.event.facts(),
        Category::Hold => decode::<HoldEvent>(event)?.event.facts(),
        Category::Processing => decode::<ProcessingEvent>(event)?.event.facts(),
        Category::Operations => decode::<OperationsEvent>(event)?.event.facts(),
    };
    Ok(serde_json::from_slice(&facts).expect("facts are written as JSON"))
}
