//! Every action: who, what, when, from where.
//!
//! Everything that happens to accounts, organisations, keys, servers, suppressions, erasures, limits and holds, openings of data that are events, and of messages what people and applications
//! did themselves: sending and cancelling; days that expired, copies of the history that were made, and what operators did. What mail servers answered is in a
//! message's timeline. New events appear here by themselves: a fact named
//! `origin` says which envelope tells where a request came from.

use crate::envelope_column::{EnvelopeColumns, Sealing};
use crate::page::limit;
use crate::projection::{Projected, Table};
use crate::{Page, Projection, ProjectionError, QueryError, actor_columns};
use deadpool_postgres::{ClientWrapper, Transaction};
use domain::{
    Actor, Category, EventId, OrganizationId, Position, RecordedEvent, RequestOrigin, Sealed, SenderDetails, StreamName, Timestamp, UserId,
};
use serde::Deserialize;
use std::pin::pin;
use tokio_postgres::Row;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;
use uuid::Uuid;

const TABLE: &str = "read.account_history";

pub static PROJECTION: Projection = Projection {
    name: "account_history",
    version: 3,
    categories: &[
        Category::User,
        Category::Organization,
        Category::ApiKey,
        Category::SmtpServer,
        Category::Suppression,
        Category::Erasure,
        Category::Processing,
        Category::Hold,
        Category::DataAccess,
        Category::Email,
        Category::Platform,
        Category::Evidence,
        Category::Operations,
    ],
    tables: &[Table {
        name: TABLE,
        columns: "organization, position, event_id, occurred_at_us, user_id, actor_id, stream_id, category, slot, actor, event_type, sealed",
        primary_key: "organization, position",
    }],
    project,
};

const INSERT: &str = "COPY account_history (organization, position, event_id, occurred_at_us, user_id, actor_id, stream_id, category, slot, actor, \
    event_type, sealed) FROM STDIN (FORMAT binary)";

const INSERT_TYPES: [Type; 12] = [
    Type::UUID,
    Type::BYTEA,
    Type::UUID,
    Type::INT8,
    Type::UUID,
    Type::UUID,
    Type::UUID,
    Type::INT2,
    Type::INT2,
    Type::TEXT,
    Type::TEXT,
    Type::BYTEA,
];

/// The facts that matter here, whatever else the event says.
#[derive(Deserialize)]
struct Told {
    /// The envelope that says where the request came from.
    origin: Option<u16>,
    /// The sender's envelope of a message, which says it there.
    sender: Option<u16>,
}

fn project<'a>(transaction: &'a Transaction<'a>, events: &'a [&'a RecordedEvent]) -> Projected<'a> {
    Box::pin(async move {
        let actions: Vec<&RecordedEvent> = events.iter().copied().filter(|event| is_action(event)).collect();
        if actions.is_empty() {
            return Ok(());
        }
        insert(transaction, &actions).await
    })
}

/// A message's deliveries are no actions of anybody; that recipients were suppressed is part of sending. Checkpoints come by the minute.
fn is_action(event: &RecordedEvent) -> bool {
    let header = &event.header;
    match header.stream.category {
        Category::Email => !matches!(header.actor, Actor::System(_)) && matches!(&*header.event_type, "EmailQueued" | "EmailCancelled"),
        Category::Evidence => header.event_type != "CheckpointsRecorded",
        _ => true,
    }
}

async fn insert(transaction: &Transaction<'_>, actions: &[&RecordedEvent]) -> Result<(), ProjectionError> {
    let statement = transaction.prepare_cached(INSERT).await?;
    let mut rows = pin!(BinaryCopyInWriter::new(transaction.copy_in(&statement).await?, &INSERT_TYPES));
    for event in actions {
        let header = &event.header;
        let undecodable = || ProjectionError::Undecodable { position: event.position };
        let facts = domain::current_facts(event).map_err(|_| undecodable())?;
        let told: Told = serde_json::from_slice(&facts).map_err(|_| undecodable())?;
        // A message's row in `emails` has the sender's envelope; it is not stored twice.
        let envelope = told.origin.map(|slot| EnvelopeColumns::of_number(header, &event.slots, slot));
        let slot = envelope.as_ref().map(|envelope| envelope.slot).or(told.sender.map(crate::envelope_column::slot_column));
        let (actor, actor_id) = actor_columns::to_columns(header.actor);
        rows.as_mut()
            .write(&[
                &header.organization.0,
                &&event.position.to_bytes()[..],
                &header.event_id.0,
                &header.occurred_at.micros(),
                &user(event),
                &actor_id,
                &header.stream.id,
                &header.stream.category.number(),
                &slot,
                &actor,
                &&*header.event_type,
                &envelope.map(|envelope| envelope.sealed),
            ])
            .await?;
    }
    rows.finish().await?;
    Ok(())
}

/// The person whose account the event concerns.
fn user(event: &RecordedEvent) -> Option<Uuid> {
    match (event.header.stream.category, event.header.actor) {
        (Category::User, _) => Some(event.header.stream.id),
        (_, Actor::Member(user)) => Some(user.0),
        _ => None,
    }
}

/// One action.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryRow {
    /// Where in the log: also the cursor.
    pub position: Position,
    pub event_id: EventId,
    pub event_type: String,
    pub occurred_at: Timestamp,
    pub actor: Actor,
    /// What it was done to.
    pub stream: StreamName,
    pub origin: HistoryOrigin,
}

/// What says where a request came from.
#[derive(Clone, Debug, PartialEq)]
pub enum HistoryOrigin {
    Request(Sealed<RequestOrigin>),
    /// Of a message: the address and program of the caller stand beside the sender.
    Sender(Sealed<SenderDetails>),
    /// Nobody asked, or another event of the same request says it.
    Unstated,
}

/// Which part of a history is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct HistoryRange {
    /// Only what stands before this place in the log.
    pub before: Option<Position>,
    /// Only what had happened by then.
    pub until: Option<Timestamp>,
}

/// What an organisation's members and applications did in it, newest first.
pub async fn of_organization(
    client: &ClientWrapper,
    organization: OrganizationId,
    first: usize,
    range: HistoryRange,
) -> Result<Page<HistoryRow>, QueryError> {
    page(client, "h.organization = $1", organization.0, first, range).await
}

/// What a person did in any organisation, and what happened to the account, newest first.
pub async fn of_user(client: &ClientWrapper, user: UserId, first: usize, range: HistoryRange) -> Result<Page<HistoryRow>, QueryError> {
    page(client, "h.user_id = $1", user.0, first, range).await
}

async fn page(client: &ClientWrapper, whose: &str, id: Uuid, first: usize, range: HistoryRange) -> Result<Page<HistoryRow>, QueryError> {
    let query = format!(
        "SELECT h.organization, h.position, h.event_id, h.occurred_at_us, h.actor_id, h.stream_id, h.category, h.slot, h.actor, h.event_type, h.sealed,
            e.sealed AS email_sealed
        FROM {TABLE} h LEFT JOIN read.emails e ON h.category = $4 AND e.organization = h.organization AND e.id = h.stream_id AND e.event_id = h.event_id
        WHERE {whose} AND h.position < $2 AND h.occurred_at_us <= $5 ORDER BY h.position DESC LIMIT $3"
    );
    let statement = client.prepare_cached(&query).await?;
    let before = range.before.map_or([u8::MAX; 16], Position::to_bytes);
    let until = range.until.map_or(i64::MAX, Timestamp::micros);
    let rows = client.query(&statement, &[&id, &&before[..], &limit(first), &Category::Email.number(), &until]).await?;
    Ok(Page::cut(rows.iter().map(HistoryRow::read).collect::<Result<_, _>>()?, first))
}

impl HistoryRow {
    fn read(row: &Row) -> Result<Self, QueryError> {
        let damaged = || QueryError::Damaged { table: TABLE };
        let category = Category::from_number(row.get("category")).ok_or_else(damaged)?;
        let organization = OrganizationId(row.get("organization"));
        let stream = StreamName::new(category, organization, row.get("stream_id"));
        let event_type: String = row.get("event_type");
        Ok(Self {
            position: Position::from_bytes(row.get::<_, &[u8]>("position").try_into().map_err(|_| damaged())?),
            event_id: EventId(row.get("event_id")),
            occurred_at: Timestamp::from_micros(row.get("occurred_at_us")),
            actor: actor_columns::from_columns(row.get("actor"), row.get("actor_id"), TABLE)?,
            stream,
            origin: HistoryOrigin::read(row, stream, &event_type)?,
            event_type,
        })
    }
}

impl HistoryOrigin {
    fn read(row: &Row, stream: StreamName, event_type: &str) -> Result<Self, QueryError> {
        let sealing = Sealing { category: stream.category, event_type: event_type.to_owned().into(), table: TABLE };
        if row.get::<_, Option<&[u8]>>("sealed").is_some() {
            return Ok(Self::Request(sealing.read(row, stream.organization, stream.id)?));
        }
        let (Some(slot), Some(slots)) = (row.get::<_, Option<i16>>("slot"), row.get::<_, Option<&[u8]>>("email_sealed")) else {
            return Ok(Self::Unstated);
        };
        sealing.read_from(slots, slot, row, stream).map(Self::Sender)
    }
}
