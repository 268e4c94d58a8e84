//! What happened to one message. This read model has no table: the message's own stream is its timeline, always fresh, and the same after every
//! rebuild because there is nothing to rebuild.

use crate::ProjectionError;
use domain::{Category, EmailEvent, EmailId, OrganizationId, Position, Recorded, ReplyDetails, Sealed, StreamName};
use event_store::EventStore;

/// One event of a message.
#[derive(Clone, Debug, PartialEq)]
pub struct TimelineEntry {
    pub position: Position,
    pub recorded: Recorded<EmailEvent>,
}

impl TimelineEntry {
    pub fn decode(recorded: &domain::RecordedEvent) -> Result<Self, ProjectionError> {
        let position = recorded.position;
        Ok(Self { position, recorded: Recorded::decode(recorded).map_err(|_| ProjectionError::Undecodable { position })? })
    }

    /// What mail servers said, by recipient number.
    pub fn replies(&self) -> Vec<(u16, Sealed<ReplyDetails>)> {
        let outcomes = self.recorded.event.outcomes().iter();
        outcomes.filter_map(|outcome| Some((outcome.recipient, self.recorded.sealed(outcome.reply?)))).collect()
    }
}

/// The events of each message in the order asked, oldest first; none for a message that the organisation does not have.
pub async fn of_emails(
    store: &EventStore,
    organization: OrganizationId,
    emails: &[EmailId],
) -> Result<Vec<Vec<TimelineEntry>>, ProjectionError> {
    let streams: Vec<_> = emails.iter().map(|email| StreamName::new(Category::Email, organization, email.0)).collect();
    let histories = store.read_streams(&streams).await?;
    histories.iter().map(|events| events.iter().map(TimelineEntry::decode).collect()).collect()
}

/// The events of one message, oldest first.
pub async fn of_email(store: &EventStore, organization: OrganizationId, email: EmailId) -> Result<Vec<TimelineEntry>, ProjectionError> {
    Ok(of_emails(store, organization, &[email]).await?.pop().unwrap_or_default())
}
