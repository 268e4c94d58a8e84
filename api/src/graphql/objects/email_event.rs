//! What happened to a message, event by event.

use super::{AbandonmentReason, CancellationReason, FailureReason};
use crate::call::Call;
use crate::graphql::code::internal;
use crate::node_id::NodeId;
use crate::personal::{PersonalData, shown};
use crate::position_token::PositionToken;
use async_graphql::{Enum, ID, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::{Category, EmailEvent as Fact, EnhancedStatus, Purpose, Recorded, ReplyDetails, Sealed};
use projections::TimelineEntry;
use vault::Opened;

/// A kind of event in a message's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum EmailEventType {
    /// The message was accepted, and is ours to deliver.
    Queued,
    /// These recipients must not be mailed by this organization.
    Suppressed,
    /// The server took these recipients, and now the text is sent.
    TransmissionStarted,
    /// A relay took it over.
    Relayed,
    /// The recipient's own server has it.
    Delivered,
    /// The server put it off; it will be tried again.
    Deferred,
    /// It was refused for good.
    Bounced,
    /// The text was sent and no answer came: it may have arrived or not.
    InDoubt,
    /// It was given up.
    Abandoned,
    /// It was stopped.
    Cancelled,
}

/// Something that happened to a message.
#[derive(Clone, SimpleObject)]
pub(crate) struct EmailEvent {
    /// Its id, the same everywhere.
    id: ID,
    /// The message.
    email_id: ID,
    /// What happened.
    r#type: EmailEventType,
    /// When.
    occurred_at: DateTime<Utc>,
    /// Where it is recorded.
    position: PositionToken,
    /// To whom: the recipients' numbers within the message.
    recipients: Vec<u16>,
    /// The number of the attempt, from 1.
    attempt: Option<u32>,
    /// When it will be tried again.
    next_attempt_at: Option<DateTime<Utc>>,
    /// Why it was stopped.
    cancellation_reason: Option<CancellationReason>,
    /// Why it was given up.
    abandonment_reason: Option<AbandonmentReason>,
    /// What the server said about each recipient.
    outcomes: Vec<RecipientOutcome>,
}

impl EmailEvent {
    pub fn place(&self) -> PositionToken {
        self.position
    }
}

/// What a server said about one recipient.
#[derive(Clone, SimpleObject)]
pub(crate) struct RecipientOutcome {
    /// The recipient's number within the message.
    recipient: u16,
    /// The SMTP reply's code.
    reply_code: Option<u16>,
    /// Its enhanced status, as in 5.1.1.
    enhanced_status: Option<String>,
    /// What that means.
    reason: Option<FailureReason>,
    /// The reply, word for word. Servers like to repeat the address.
    reply: Option<String>,
    /// Whether the reply can be read; null where there was none.
    personal_data: Option<PersonalData>,
}

/// Events with what they say, opened together.
pub(crate) async fn of_many(call: &Call, entries: &[TimelineEntry]) -> Result<Vec<EmailEvent>> {
    let sealed: Vec<Sealed<ReplyDetails>> = entries.iter().flat_map(TimelineEntry::replies).map(|(_, sealed)| sealed).collect();
    let opened = call.open_many(Purpose::Service, &sealed.iter().collect::<Vec<_>>()).await.map_err(internal)?;
    let mut opened = opened.into_iter();
    let mut events = Vec::with_capacity(entries.len());
    for entry in entries {
        let position = call.state.position_token(entry.position).await.map_err(internal)?;
        events.push(event(&entry.recorded, position, &mut opened));
    }
    Ok(events)
}

fn event(recorded: &Recorded<Fact>, position: PositionToken, opened: &mut impl Iterator<Item = Opened<ReplyDetails>>) -> EmailEvent {
    let header = &recorded.header;
    let (kind, attempt) = kind(&recorded.event);
    let outcomes = recorded.event.outcomes().iter().map(|outcome| {
        let reply = outcome.reply.and_then(|_| opened.next());
        RecipientOutcome {
            recipient: outcome.recipient,
            reply_code: outcome.reply_code,
            enhanced_status: outcome.enhanced_status.map(|EnhancedStatus(class, subject, detail)| format!("{class}.{subject}.{detail}")),
            reason: outcome.reason.map(FailureReason::from),
            reply: reply.as_ref().and_then(shown).map(|reply| reply.text.clone()),
            personal_data: reply.as_ref().map(PersonalData::from),
        }
    });
    EmailEvent {
        id: ID(header.event_id.0.to_string()),
        email_id: NodeId::new(Category::Email, header.organization, header.stream.id).into(),
        r#type: kind,
        occurred_at: header.occurred_at.to_datetime(),
        position,
        recipients: recorded.event.recipients(),
        attempt,
        next_attempt_at: match &recorded.event {
            Fact::EmailDeferred(event) => Some(event.next_attempt_at.to_datetime()),
            _ => None,
        },
        cancellation_reason: match &recorded.event {
            Fact::EmailCancelled(event) => Some(event.reason.into()),
            _ => None,
        },
        abandonment_reason: match &recorded.event {
            Fact::DeliveryAbandoned(event) => Some(event.reason.into()),
            _ => None,
        },
        outcomes: outcomes.collect(),
    }
}

fn kind(event: &Fact) -> (EmailEventType, Option<u32>) {
    match event {
        Fact::EmailQueued(_) => (EmailEventType::Queued, None),
        Fact::EmailSuppressed(_) => (EmailEventType::Suppressed, None),
        Fact::TransmissionStarted(event) => (EmailEventType::TransmissionStarted, Some(event.attempt)),
        Fact::EmailRelayed(event) => (EmailEventType::Relayed, Some(event.attempt)),
        Fact::EmailDelivered(event) => (EmailEventType::Delivered, Some(event.attempt)),
        Fact::EmailDeferred(event) => (EmailEventType::Deferred, Some(event.attempt)),
        Fact::EmailBounced(event) => (EmailEventType::Bounced, Some(event.attempt)),
        Fact::DeliveryInDoubt(event) => (EmailEventType::InDoubt, Some(event.attempt)),
        Fact::DeliveryAbandoned(_) => (EmailEventType::Abandoned, None),
        Fact::EmailCancelled(_) => (EmailEventType::Cancelled, None),
    }
}
