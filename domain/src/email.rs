//! One accepted message and the fate of each of its recipients, who are numbered from 0 within it.

mod delivery;
mod events;
mod retry;

pub use delivery::{Delivery, DeliveryState, EmailStatus};
pub use events::*;
pub use retry::{DELIVERY_AGE_MAX, retry_delay};

use crate::aggregate::{Aggregate, Recorded};
use crate::{Actor, Category, Draft, EnvelopeKeys, KeyId, Personal, Sealed, SlotContent, Slots, Timestamp};

/// Mail domain of the built-in sandbox's test recipients (`delivered@`, `bounced@`, `suppressed@`). The top-level domain is reserved (RFC 2606).
pub const SANDBOX_DOMAIN: &str = "lethemail.test";

/// The most recipients of one message, over to, cc and bcc (Resend's limit).
pub const RECIPIENTS_MAX: usize = 50;

/// A message as its events leave it.
#[derive(Clone, Debug, Default)]
pub struct Email {
    pub queued: Option<QueuedEmail>,
    pub delivery: Delivery,
}

/// What was accepted; never changes.
#[derive(Clone, Debug)]
pub struct QueuedEmail {
    pub recipients: Vec<Recipient>,
    pub sender: Sealed<SenderDetails>,
    pub transport: Transport,
    pub interface: Interface,
    /// Octets of the message text.
    pub size_bytes: u64,
    pub queued_at: Timestamp,
    pub queued_by: Actor,
}

#[derive(Clone, Debug)]
pub struct Recipient {
    pub field: RecipientField,
    pub details: Sealed<RecipientDetails>,
    /// The key that everything said about this recipient is sealed under; `None` when the data was withheld or removed.
    pub key: Option<KeyId>,
}

impl Aggregate for Email {
    type Event = EmailEvent;
    const CATEGORY: Category = Category::Email;

    fn evolve(&mut self, recorded: &Recorded<EmailEvent>) {
        if let EmailEvent::EmailQueued(event) = &recorded.event {
            self.queued = Some(QueuedEmail {
                recipients: event.recipients.iter().map(|recipient| Recipient::from_event(recorded, recipient)).collect(),
                sender: recorded.sealed(event.sender),
                transport: event.transport,
                size_bytes: event.size_bytes,
                interface: event.interface,
                queued_at: recorded.header.occurred_at,
                queued_by: recorded.header.actor,
            });
        }
        self.delivery.apply(&recorded.event, recorded.header.occurred_at);
    }
}

impl Recipient {
    fn from_event(recorded: &Recorded<EmailEvent>, recipient: &QueuedRecipient) -> Self {
        let details = recorded.sealed(recipient.details);
        let key = match &details.content {
            SlotContent::Envelope(envelope) => EnvelopeKeys::of(envelope).map(|keys| keys.subject_key),
            SlotContent::Withheld | SlotContent::Removed(_) => None,
        };
        Self { field: recipient.field, details, key }
    }
}

/// A message that was checked, composed and spooled.
pub struct QueueEmail {
    pub recipients: Vec<NewRecipient>,
    pub sender: Personal<SenderDetails>,
    pub sender_key: KeyId,
    pub tags: Vec<crate::LookupValue>,
    pub scheduled_at: Option<Timestamp>,
    pub transport: Transport,
    pub interface: Interface,
    /// Octets of the message text.
    pub size_bytes: u64,
}

pub struct NewRecipient {
    pub field: RecipientField,
    pub details: Personal<RecipientDetails>,
    /// `None`: the person was forgotten, and nothing about this recipient is written down.
    pub key: Option<KeyId>,
    /// The organisation must not mail this address, or may only keep its data; the message is accepted, and this recipient's part of it ends here.
    pub suppressed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EmailRefusal {
    #[error("a message has at least one recipient in its to field and at most 50 in all")]
    RecipientCount,
    #[error("there is no such message")]
    Unknown,
    #[error("no recipient is waiting any more: the message has left or ended")]
    NothingToCancel,
}

impl Email {
    pub fn queue(&self, request: QueueEmail) -> Result<Vec<Draft<EmailEvent>>, EmailRefusal> {
        if self.queued.is_some() {
            return Ok(vec![]);
        }
        let has_to = request.recipients.iter().any(|recipient| recipient.field == RecipientField::To);
        if !has_to || request.recipients.len() > RECIPIENTS_MAX {
            return Err(EmailRefusal::RecipientCount);
        }
        let mut slots = Slots::default();
        let sender = slots.put(Some(request.sender_key), &request.sender);
        let recipients = (0..).zip(&request.recipients).map(|(number, recipient)| QueuedRecipient {
            number,
            field: recipient.field,
            details: slots.put(recipient.key, &recipient.details),
        });
        let recipients = recipients.collect();
        let suppressed: Vec<u16> = numbers(request.recipients.iter().map(|recipient| recipient.suppressed));
        let queued = EmailQueued {
            recipients,
            sender,
            tags: request.tags,
            scheduled_at: request.scheduled_at,
            transport: request.transport,
            interface: request.interface,
            size_bytes: request.size_bytes,
        };
        let mut drafts = vec![Draft::new(queued, slots)];
        if !suppressed.is_empty() {
            drafts.push(Draft::plain(EmailSuppressed { recipients: suppressed }));
        }
        Ok(drafts)
    }

    /// Ends the delivery to everybody who is still waiting, or to `only` those. For somebody who was forgotten a doubtful one ends as well.
    pub fn cancel(&self, reason: CancellationReason, only: Option<&[u16]>) -> Result<Vec<Draft<EmailEvent>>, EmailRefusal> {
        if self.queued.is_none() {
            return Err(EmailRefusal::Unknown);
        }
        let forgotten = reason == CancellationReason::Erased;
        let open = self.delivery.recipients_in(|state| state.is_waiting() || (forgotten && state == DeliveryState::InDoubt));
        let recipients: Vec<u16> = open.into_iter().filter(|number| only.is_none_or(|only| only.contains(number))).collect();
        match (recipients.is_empty(), reason) {
            (false, _) => Ok(vec![Draft::plain(EmailCancelled { recipients, reason })]),
            (true, CancellationReason::Erased) => Ok(vec![]),
            (true, CancellationReason::Requested) if self.delivery.is_cancelled() => Ok(vec![]),
            (true, CancellationReason::Requested) => Err(EmailRefusal::NothingToCancel),
        }
    }

    /// Some who were waiting must not be mailed any more.
    pub fn suppress(&self, recipients: &[u16]) -> Vec<Draft<EmailEvent>> {
        let recipients = self.waiting_among(recipients);
        if recipients.is_empty() {
            return vec![];
        }
        vec![Draft::plain(EmailSuppressed { recipients })]
    }

    /// The text is about to go out to those recipients: from here on, silence means doubt.
    pub fn start_transmission(&self, recipients: &[u16]) -> Vec<Draft<EmailEvent>> {
        let recipients = self.waiting_among(recipients);
        if recipients.is_empty() {
            return vec![];
        }
        vec![Draft::plain(TransmissionStarted { attempt: self.delivery.next_attempt(), recipients })]
    }

    /// What a mail server said, recipient by recipient.
    pub fn record_attempt(&self, attempt: Attempt) -> Vec<Draft<EmailEvent>> {
        let number = self.delivery.transmission().unwrap_or_else(|| self.delivery.next_attempt());
        let mut drafts = Vec::new();
        let accepted = self.outcomes(attempt.accepted);
        match attempt.acceptance {
            Acceptance::Relayed => {
                drafts.extend(accepted.map(|(slots, outcomes)| Draft::new(EmailRelayed { attempt: number, outcomes }, slots)))
            }
            Acceptance::Delivered => {
                drafts.extend(accepted.map(|(slots, outcomes)| Draft::new(EmailDelivered { attempt: number, outcomes }, slots)))
            }
        }
        let rules_version = attempt.rules_version;
        let bounced = self.outcomes(attempt.bounced);
        drafts.extend(bounced.map(|(slots, outcomes)| Draft::new(EmailBounced { attempt: number, outcomes, rules_version }, slots)));
        let next_attempt_at = attempt.next_attempt_at;
        let deferred = self.outcomes(attempt.deferred);
        drafts.extend(
            deferred
                .map(|(slots, outcomes)| Draft::new(EmailDeferred { attempt: number, outcomes, next_attempt_at, rules_version }, slots)),
        );
        drafts
    }

    /// A transmission was started and never concluded.
    pub fn doubt(&self) -> Vec<Draft<EmailEvent>> {
        let recipients = self.delivery.recipients_in(|state| state == DeliveryState::Transmitting);
        match self.delivery.transmission() {
            Some(attempt) if !recipients.is_empty() => vec![Draft::plain(DeliveryInDoubt { attempt, recipients })],
            _ => vec![],
        }
    }

    /// The maximum age is reached: nobody is tried again.
    pub fn abandon(&self, reason: AbandonmentReason) -> Vec<Draft<EmailEvent>> {
        let recipients = self.delivery.recipients_in(|state| !state.is_terminal());
        if recipients.is_empty() {
            return vec![];
        }
        vec![Draft::plain(DeliveryAbandoned { recipients, reason })]
    }

    fn waiting_among(&self, recipients: &[u16]) -> Vec<u16> {
        let waiting = self.delivery.recipients_in(DeliveryState::is_waiting);
        recipients.iter().copied().filter(|number| waiting.contains(number)).collect()
    }

    /// Outcomes with their raw replies sealed for the recipient each is about; `None` when there are none. Terminal recipients keep what they have.
    fn outcomes(&self, replies: Vec<RecipientReply>) -> Option<(Slots, Vec<RecipientOutcome>)> {
        let queued = self.queued.as_ref()?;
        let mut slots = Slots::default();
        let mut outcomes = Vec::new();
        for reply in replies {
            let open = self.delivery.state_of(reply.recipient).is_some_and(|state| !state.is_terminal());
            let Some(recipient) = queued.recipients.get(usize::from(reply.recipient)).filter(|_| open) else { continue };
            outcomes.push(RecipientOutcome {
                recipient: reply.recipient,
                reply_code: reply.code,
                enhanced_status: reply.enhanced_status,
                reason: reply.reason,
                reply: reply.text.map(|text| slots.put(recipient.key, &text)),
            });
        }
        (!outcomes.is_empty()).then_some((slots, outcomes))
    }
}

/// One try to hand a message over, as the mail server answered it.
pub struct Attempt {
    pub accepted: Vec<RecipientReply>,
    pub acceptance: Acceptance,
    pub bounced: Vec<RecipientReply>,
    pub deferred: Vec<RecipientReply>,
    /// When those deferred are tried again.
    pub next_attempt_at: Timestamp,
    /// Version of the rules that told reasons from replies.
    pub rules_version: u32,
}

/// What a 250 means: a smarthost took it over, or the recipient's own server has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    Relayed,
    Delivered,
}

pub struct RecipientReply {
    pub recipient: u16,
    pub code: Option<u16>,
    pub enhanced_status: Option<EnhancedStatus>,
    pub reason: Option<FailureReason>,
    pub text: Option<Personal<ReplyDetails>>,
}

/// The numbers of those recipients for whom it is so.
fn numbers(flags: impl Iterator<Item = bool>) -> Vec<u16> {
    (0..).zip(flags).filter(|(_, flag)| *flag).map(|(number, _)| number).collect()
}
