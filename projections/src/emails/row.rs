//! A message's row, as queries give it.

use super::TABLE;
use crate::QueryError;
use crate::actor_columns;
use crate::envelope_column::Sealing;
use crate::word::{parse, parse_all};
use domain::{
    Actor, Category, DeliveryState, EmailId, EmailStatus, EventId, Interface, OrganizationId, RecipientDetails, RecipientField, Sealed,
    SealedSlots, SenderDetails, SlotContent, SmtpServerId, Timestamp, Transport,
};
use tokio_postgres::Row;
use uuid::Uuid;

pub(super) const COLUMNS: &str = "e.organization, e.id, e.created_at_us, e.scheduled_at_us, e.size_bytes, e.event_id, e.smtp_server, e.actor_id, \
    e.version, e.due_at_us, e.attempts, e.sender_slot, e.interface, e.actor, e.status, e.states, e.fields, e.slots, e.sealed";

#[derive(Clone, Debug, PartialEq)]
pub struct EmailRow {
    pub organization: OrganizationId,
    pub id: EmailId,
    pub created_at: Timestamp,
    pub scheduled_at: Option<Timestamp>,
    pub status: EmailStatus,
    /// Attempts made so far.
    pub attempts: u32,
    /// When the message is tried (again), or looked at again; `None` when all is done.
    pub due_at: Option<Timestamp>,
    /// Octets of the message text.
    pub size_bytes: u64,
    pub transport: Transport,
    pub interface: Interface,
    /// Who sent it.
    pub actor: Actor,
    pub sender: Sealed<SenderDetails>,
    /// By number.
    pub recipients: Vec<EmailRecipientRow>,
    /// Version of the message's stream that the row shows.
    pub version: u64,
}

#[derive(Clone, Debug, PartialEq)]
pub struct EmailRecipientRow {
    pub number: u16,
    pub field: RecipientField,
    pub state: DeliveryState,
    pub details: Sealed<RecipientDetails>,
}

impl EmailRow {
    pub(super) fn read(row: &Row) -> Result<Self, QueryError> {
        let organization = OrganizationId(row.get("organization"));
        let id: Uuid = row.get("id");
        let smtp_server: Option<Uuid> = row.get("smtp_server");
        Ok(Self {
            organization,
            id: EmailId(id),
            created_at: Timestamp::from_micros(row.get("created_at_us")),
            scheduled_at: row.get::<_, Option<i64>>("scheduled_at_us").map(Timestamp::from_micros),
            status: parse(row.get("status"), TABLE)?,
            attempts: number(row.get::<_, i32>("attempts"))?,
            due_at: row.get::<_, Option<i64>>("due_at_us").map(Timestamp::from_micros),
            size_bytes: number(row.get::<_, i64>("size_bytes"))?,
            transport: smtp_server.map_or(Transport::Sandbox, |server| Transport::SmtpServer(SmtpServerId(server))),
            interface: parse(row.get("interface"), TABLE)?,
            actor: actor_columns::from_columns(row.get("actor"), row.get("actor_id"), TABLE)?,
            sender: Envelopes::of(row)?.sealed(number(row.get::<_, i16>("sender_slot"))?),
            recipients: recipients(row)?,
            version: number(row.get::<_, i64>("version"))?,
        })
    }
}

fn recipients(row: &Row) -> Result<Vec<EmailRecipientRow>, QueryError> {
    let envelopes = Envelopes::of(row)?;
    let states: Vec<DeliveryState> = parse_all(&row.get::<_, Vec<&str>>("states"), TABLE)?;
    let fields: Vec<RecipientField> = parse_all(&row.get::<_, Vec<&str>>("fields"), TABLE)?;
    let slots: Vec<i16> = row.get("slots");
    if fields.len() != states.len() || slots.len() != states.len() {
        return Err(QueryError::Damaged { table: TABLE });
    }
    let parts = (0..).zip(states.into_iter().zip(fields).zip(slots));
    parts
        .map(|(recipient, ((state, field), slot))| {
            Ok(EmailRecipientRow { number: recipient, field, state, details: envelopes.sealed(number(slot)?) })
        })
        .collect()
}

/// All envelopes of the message's first event.
struct Envelopes {
    organization: OrganizationId,
    email: Uuid,
    event_id: EventId,
    slots: SealedSlots,
}

impl Envelopes {
    fn of(row: &Row) -> Result<Self, QueryError> {
        let slots = SealedSlots::decode(row.get("sealed")).map_err(|_| QueryError::Damaged { table: TABLE })?;
        Ok(Self {
            organization: OrganizationId(row.get("organization")),
            email: row.get("id"),
            event_id: EventId(row.get("event_id")),
            slots,
        })
    }

    fn sealed<T>(&self, slot: u16) -> Sealed<T> {
        let sealing = Sealing::new(Category::Email, "EmailQueued", TABLE);
        let content = self.slots.get(slot).cloned().unwrap_or(SlotContent::Withheld);
        Sealed::from_parts(sealing.context(self.organization, self.email, self.event_id, slot), content)
    }
}

fn number<T: TryInto<U>, U>(value: T) -> Result<U, QueryError> {
    value.try_into().map_err(|_| QueryError::Damaged { table: TABLE })
}
