//! Organisations and who belongs to them.

use crate::envelope_column::{EnvelopeColumns, Sealing};
use crate::projection::{Projected, Table, decode};
use crate::word::{parse, word};
use crate::{Projection, ProjectionError, QueryError};
use deadpool_postgres::{ClientWrapper, Transaction};
use domain::{
    Category, OrganizationDetails, OrganizationEvent, OrganizationId, RecordedEvent, Role, Sealed, SmtpServerId, Timestamp, UserId,
};
use tokio_postgres::Row;
use uuid::Uuid;

const TABLE: &str = "read.organizations";
const MEMBERS: &str = "read.members";
const SEALING: Sealing = Sealing::new(Category::Organization, "OrganizationCreated", TABLE);

pub static PROJECTION: Projection = Projection {
    name: "organizations",
    version: 1,
    categories: &[Category::Organization],
    tables: &[
        Table { name: TABLE, columns: "id, created_at_us, smtp_server, closed_at_us, event_id, slot, sealed", primary_key: "id" },
        Table { name: MEMBERS, columns: "organization, user_id, role, joined_at_us", primary_key: "organization, user_id" },
    ],
    project,
};

const CREATE: &str = "INSERT INTO organizations (id, created_at_us, event_id, slot, sealed) VALUES ($1, $2, $3, $4, $5)";
const SELECT_SERVER: &str = "UPDATE organizations SET smtp_server = $2 WHERE id = $1";
const CLOSE: &str = "UPDATE organizations SET closed_at_us = $2 WHERE id = $1";
const JOIN: &str = "INSERT INTO members (organization, user_id, role, joined_at_us) VALUES ($1, $2, $3, $4)
    ON CONFLICT (organization, user_id) DO UPDATE SET role = EXCLUDED.role";
const LEAVE: &str = "DELETE FROM members WHERE organization = $1 AND user_id = $2";

fn project<'a>(transaction: &'a Transaction<'a>, events: &'a [&'a RecordedEvent]) -> Projected<'a> {
    Box::pin(async move {
        for event in events {
            apply(transaction, event).await?;
        }
        Ok(())
    })
}

async fn apply(transaction: &Transaction<'_>, recorded: &RecordedEvent) -> Result<(), ProjectionError> {
    let organization = recorded.header.organization.0;
    let at = recorded.header.occurred_at.micros();
    match decode(recorded)? {
        OrganizationEvent::OrganizationCreated(event) => {
            let EnvelopeColumns { event_id, slot, sealed } = EnvelopeColumns::of(recorded, event.details);
            transaction.execute(&transaction.prepare_cached(CREATE).await?, &[&organization, &at, &event_id, &slot, &sealed]).await?
        }
        OrganizationEvent::MemberJoined(event) => {
            let role = word(&event.role);
            transaction.execute(&transaction.prepare_cached(JOIN).await?, &[&organization, &event.user.0, &role, &at]).await?
        }
        OrganizationEvent::MemberLeft(event) => {
            transaction.execute(&transaction.prepare_cached(LEAVE).await?, &[&organization, &event.user.0]).await?
        }
        OrganizationEvent::SmtpServerSelected(event) => {
            transaction.execute(&transaction.prepare_cached(SELECT_SERVER).await?, &[&organization, &event.smtp_server.0]).await?
        }
        OrganizationEvent::OrganizationClosed(_) => {
            transaction.execute(&transaction.prepare_cached(CLOSE).await?, &[&organization, &at]).await?
        }
        // Whoever shows these asks the log.
        OrganizationEvent::RetentionExtended(_) | OrganizationEvent::RetentionShortened(_) | OrganizationEvent::FiscalYearChosen(_) => 0,
    };
    Ok(())
}

#[derive(Clone, Debug, PartialEq)]
pub struct OrganizationRow {
    pub id: OrganizationId,
    pub details: Sealed<OrganizationDetails>,
    pub created_at: Timestamp,
    /// `None`: mail is captured by the built-in sandbox.
    pub smtp_server: Option<SmtpServerId>,
    pub closed_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MemberRow {
    pub organization: OrganizationId,
    pub user: UserId,
    pub role: Role,
    pub joined_at: Timestamp,
}

const COLUMNS: &str = "o.id, o.created_at_us, o.smtp_server, o.closed_at_us, o.event_id, o.slot, o.sealed";

impl OrganizationRow {
    fn read(row: &Row) -> Result<Self, QueryError> {
        let id: Uuid = row.get("id");
        Ok(Self {
            id: OrganizationId(id),
            details: SEALING.read(row, OrganizationId(id), id)?,
            created_at: Timestamp::from_micros(row.get("created_at_us")),
            smtp_server: row.get::<_, Option<Uuid>>("smtp_server").map(SmtpServerId),
            closed_at: row.get::<_, Option<i64>>("closed_at_us").map(Timestamp::from_micros),
        })
    }
}

impl MemberRow {
    fn read(row: &Row) -> Result<Self, QueryError> {
        Ok(Self {
            organization: OrganizationId(row.get("organization")),
            user: UserId(row.get("user_id")),
            role: parse(row.get("role"), MEMBERS)?,
            joined_at: Timestamp::from_micros(row.get("joined_at_us")),
        })
    }
}

pub async fn by_id(client: &ClientWrapper, id: OrganizationId) -> Result<Option<OrganizationRow>, QueryError> {
    let statement = client.prepare_cached(&format!("SELECT {COLUMNS} FROM {TABLE} o WHERE o.id = $1")).await?;
    client.query_opt(&statement, &[&id.0]).await?.as_ref().map(OrganizationRow::read).transpose()
}

/// The organisations that somebody belongs to, closed ones included, oldest first, with the role there.
pub async fn of_user(client: &ClientWrapper, user: UserId) -> Result<Vec<(OrganizationRow, Role)>, QueryError> {
    let query = format!(
        "SELECT {COLUMNS}, m.role FROM {MEMBERS} m JOIN {TABLE} o ON o.id = m.organization WHERE m.user_id = $1 ORDER BY o.created_at_us, o.id"
    );
    let statement = client.prepare_cached(&query).await?;
    let rows = client.query(&statement, &[&user.0]).await?;
    rows.iter().map(|row| Ok((OrganizationRow::read(row)?, parse(row.get("role"), MEMBERS)?))).collect()
}

/// An organisation's members in the order in which they joined.
pub async fn members(client: &ClientWrapper, organization: OrganizationId) -> Result<Vec<MemberRow>, QueryError> {
    let query =
        format!("SELECT organization, user_id, role, joined_at_us FROM {MEMBERS} WHERE organization = $1 ORDER BY joined_at_us, user_id");
    let statement = client.prepare_cached(&query).await?;
    client.query(&statement, &[&organization.0]).await?.iter().map(MemberRow::read).collect()
}
