//! One envelope of an event in a row, unchanged, with what it is bound to.

use crate::QueryError;
use domain::{
    Category, EventHeader, EventId, OrganizationId, RecordedEvent, SealContext, Sealed, SealedSlots, Slot, SlotContent, StreamName,
};
use std::borrow::Cow;
use tokio_postgres::Row;
use uuid::Uuid;

/// The columns `event_id`, `slot` and `sealed` of a row.
pub(crate) struct EnvelopeColumns {
    pub event_id: Uuid,
    pub slot: i16,
    pub sealed: Vec<u8>,
}

impl EnvelopeColumns {
    pub fn of<T>(recorded: &RecordedEvent, slot: Slot<T>) -> Self {
        Self::of_number(&recorded.header, &recorded.slots, slot.number())
    }

    pub fn of_number(header: &EventHeader, slots: &SealedSlots, slot: u16) -> Self {
        let content = slots.get(slot).cloned().unwrap_or(SlotContent::Withheld);
        Self { event_id: header.event_id.0, slot: slot_column(slot), sealed: SealedSlots::new(vec![content]).encode() }
    }
}

pub(crate) fn slot_column(slot: u16) -> i16 {
    i16::try_from(slot).expect("an event has at most a few dozen slots")
}

/// Where an envelope came from, as far as its row does not say it in columns.
pub(crate) struct Sealing {
    pub category: Category,
    /// The type as stored.
    pub event_type: Cow<'static, str>,
    pub table: &'static str,
}

impl Sealing {
    pub const fn new(category: Category, event_type: &'static str, table: &'static str) -> Self {
        Self { category, event_type: Cow::Borrowed(event_type), table }
    }

    /// Reads the columns `event_id`, `slot` and `sealed`.
    pub fn read<T>(&self, row: &Row, organization: OrganizationId, stream: Uuid) -> Result<Sealed<T>, QueryError> {
        let damaged = || QueryError::Damaged { table: self.table };
        let slots = SealedSlots::decode(row.get("sealed")).map_err(|_| damaged())?;
        let slot = u16::try_from(row.get::<_, i16>("slot")).map_err(|_| damaged())?;
        let content = slots.get(0).cloned().ok_or_else(damaged)?;
        Ok(Sealed::from_parts(self.context(organization, stream, EventId(row.get("event_id")), slot), content))
    }

    /// One of all envelopes of an event.
    pub fn read_from<T>(&self, slots: &[u8], slot: i16, row: &Row, stream: StreamName) -> Result<Sealed<T>, QueryError> {
        let damaged = || QueryError::Damaged { table: self.table };
        let slots = SealedSlots::decode(slots).map_err(|_| damaged())?;
        let slot = u16::try_from(slot).map_err(|_| damaged())?;
        let content = slots.get(slot).cloned().ok_or_else(damaged)?;
        Ok(Sealed::from_parts(self.context(stream.organization, stream.id, EventId(row.get("event_id")), slot), content))
    }

    pub fn context(&self, organization: OrganizationId, stream: Uuid, event_id: EventId, slot: u16) -> SealContext {
        let stream = StreamName::new(self.category, organization, stream);
        SealContext { organization, stream, event_id, event_type: self.event_type.clone(), slot }
    }
}
