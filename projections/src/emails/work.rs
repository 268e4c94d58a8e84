//! What a run of events does to messages: rows are loaded once, folded in memory, and written once, however many events concern them.

use super::TABLE;
use crate::ProjectionError;
use crate::delivery_queue::QueueChange;
use crate::word::parse_all;
use deadpool_postgres::Transaction;
use domain::{
    Delivery, EmailEvent, EmailId, EmailQueued, EnvelopeKeys, OrganizationId, QueuedRecipient, RecordedEvent, SlotContent, SmtpServerId,
    Timestamp, Transport,
};
use std::collections::{BTreeSet, HashMap};
use tokio_postgres::Row;
use uuid::Uuid;

const LOAD: &str = "SELECT e.organization, e.id, e.states, e.attempts, e.scheduled_at_us, e.due_at_us, e.first_due_at_us, e.smtp_server
    FROM unnest($1::uuid[], $2::uuid[]) AS wanted (organization, id) JOIN emails e USING (organization, id)";

pub(super) type EmailKey = (OrganizationId, EmailId);

#[derive(Default)]
pub(super) struct Work<'a> {
    pub messages: HashMap<EmailKey, Message<'a>>,
}

/// A message that the events touch.
pub(super) struct Message<'a> {
    /// What it was accepted as, when that is among the events; otherwise there is a row.
    pub queued: Option<Queued<'a>>,
    pub delivery: Delivery,
    /// Version of the last event applied.
    pub version: u64,
    smtp_server: Option<SmtpServerId>,
    /// When it was due before; `None` when it was not in the queue.
    due_before: Option<Timestamp>,
}

pub(super) struct Queued<'a> {
    pub recorded: &'a RecordedEvent,
    pub event: &'a EmailQueued,
}

impl<'a> Work<'a> {
    /// Fetches the rows of messages that were accepted before these events, in one statement.
    pub async fn load(transaction: &Transaction<'_>, events: &[(&RecordedEvent, EmailEvent)]) -> Result<Self, ProjectionError> {
        let mut accepted = BTreeSet::new();
        let mut wanted = BTreeSet::new();
        for (recorded, event) in events {
            let key = key(recorded);
            if matches!(event, EmailEvent::EmailQueued(_)) {
                accepted.insert(key);
            } else if !accepted.contains(&key) {
                wanted.insert(key);
            }
        }
        let mut work = Self::default();
        if wanted.is_empty() {
            return Ok(work);
        }
        let (organizations, ids): (Vec<Uuid>, Vec<Uuid>) = wanted.iter().map(|(organization, id)| (organization.0, id.0)).unzip();
        let statement = transaction.prepare_cached(LOAD).await?;
        for row in transaction.query(&statement, &[&organizations, &ids]).await? {
            let key = (OrganizationId(row.get(0)), EmailId(row.get(1)));
            work.messages.insert(key, Message::load(&row)?);
        }
        Ok(work)
    }

    pub fn apply(&mut self, recorded: &'a RecordedEvent, event: &'a EmailEvent) -> Result<(), ProjectionError> {
        let key = key(recorded);
        if let EmailEvent::EmailQueued(queued) = event {
            self.messages.insert(key, Message::accept(recorded, queued));
        }
        let message = self.messages.get_mut(&key).ok_or(ProjectionError::OutOfPlace { position: recorded.position })?;
        message.delivery.apply(event, recorded.header.occurred_at);
        message.version = recorded.header.version;
        Ok(())
    }

    pub fn queue_changes(&self) -> Vec<QueueChange> {
        let mut changes: Vec<_> = self.messages.iter().filter_map(|(key, message)| message.queue_change(*key)).collect();
        // In one order everywhere, so that nobody waits in a circle.
        changes.sort_by_key(|change| (change.organization, change.email));
        changes
    }
}

impl<'a> Message<'a> {
    fn accept(recorded: &'a RecordedEvent, event: &'a EmailQueued) -> Self {
        let smtp_server = match event.transport {
            Transport::Sandbox => None,
            Transport::SmtpServer(server) => Some(server),
        };
        Self { queued: Some(Queued { recorded, event }), delivery: Delivery::default(), version: 0, smtp_server, due_before: None }
    }

    fn load(row: &Row) -> Result<Self, ProjectionError> {
        let time = |column: &str| row.get::<_, Option<i64>>(column).map(Timestamp::from_micros);
        let delivery = Delivery {
            states: parse_all(&row.get::<_, Vec<&str>>("states"), TABLE)?,
            attempts: u32::try_from(row.get::<_, i32>("attempts")).unwrap_or(0),
            scheduled_at: time("scheduled_at_us"),
            due_at: time("due_at_us"),
            first_due_at: time("first_due_at_us"),
        };
        let due_before = delivery.due_at;
        let smtp_server = row.get::<_, Option<Uuid>>("smtp_server").map(SmtpServerId);
        Ok(Self { queued: None, delivery, version: 0, smtp_server, due_before })
    }

    fn queue_change(&self, (organization, email): EmailKey) -> Option<QueueChange> {
        let due_at = self.delivery.due_at;
        (due_at != self.due_before).then_some(QueueChange { organization, email, due_at, smtp_server: self.smtp_server })
    }
}

impl Queued<'_> {
    /// The keys by which its recipients are found; each once, though a person may be named in several fields.
    pub fn recipient_keys(&self) -> BTreeSet<Uuid> {
        self.event.recipients.iter().filter_map(|recipient| self.recipient_key(recipient)).collect()
    }

    pub fn tags(&self) -> BTreeSet<Uuid> {
        self.event.tags.iter().map(|tag| Uuid::from_bytes(tag.0)).collect()
    }

    fn recipient_key(&self, recipient: &QueuedRecipient) -> Option<Uuid> {
        match self.recorded.slots.get(recipient.details.number())? {
            SlotContent::Envelope(envelope) => EnvelopeKeys::of(envelope).map(|keys| keys.subject_key.0),
            SlotContent::Withheld | SlotContent::Removed(_) => None,
        }
    }
}

fn key(recorded: &RecordedEvent) -> EmailKey {
    (recorded.header.organization, EmailId(recorded.header.stream.id))
}
