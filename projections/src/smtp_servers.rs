//! The SMTP servers that organisations connected, and which of them is in use.

use crate::envelope_column::{EnvelopeColumns, Sealing};
use crate::projection::{Projected, Table, decode};
use crate::word::{parse, word};
use crate::{Projection, ProjectionError, QueryError};
use deadpool_postgres::{ClientWrapper, Transaction};
use domain::{
    Category, OrganizationEvent, OrganizationId, RecordedEvent, Sealed, SmtpServerDetails, SmtpServerEvent, SmtpServerId, Timestamp,
    TlsMode, TlsVersion,
};
use tokio_postgres::Row;
use uuid::Uuid;

const TABLE: &str = "read.smtp_servers";
const SEALING: Sealing = Sealing::new(Category::SmtpServer, "SmtpServerConnected", TABLE);

pub static PROJECTION: Projection = Projection {
    name: "smtp_servers",
    version: 1,
    categories: &[Category::SmtpServer, Category::Organization],
    tables: &[Table {
        name: TABLE,
        columns: "organization, id, port, tls_mode, tls_version, has_secret, connected_at_us, selected, event_id, slot, sealed",
        primary_key: "organization, id",
    }],
    project,
};

const CONNECT: &str =
    "INSERT INTO smtp_servers (organization, id, port, tls_mode, tls_version, has_secret, connected_at_us, event_id, slot, sealed)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
/// A server is always connected before it is selected.
const SELECT_SERVER: &str = "UPDATE smtp_servers SET selected = (id = $2) WHERE organization = $1 AND selected IS DISTINCT FROM (id = $2)";

fn project<'a>(transaction: &'a Transaction<'a>, events: &'a [&'a RecordedEvent]) -> Projected<'a> {
    Box::pin(async move {
        for event in events {
            match event.header.stream.category {
                Category::SmtpServer => connect(transaction, event).await?,
                _ => select(transaction, event).await?,
            }
        }
        Ok(())
    })
}

async fn connect(transaction: &Transaction<'_>, recorded: &RecordedEvent) -> Result<(), ProjectionError> {
    let header = &recorded.header;
    let SmtpServerEvent::SmtpServerConnected(event) = decode(recorded)?;
    let EnvelopeColumns { event_id, slot, sealed } = EnvelopeColumns::of(recorded, event.details);
    let statement = transaction.prepare_cached(CONNECT).await?;
    transaction
        .execute(
            &statement,
            &[
                &header.organization.0,
                &header.stream.id,
                &i32::from(event.port),
                &word(&event.tls_mode),
                &event.tls_version.map(|version| word(&version)),
                &event.secret.is_some(),
                &header.occurred_at.micros(),
                &event_id,
                &slot,
                &sealed,
            ],
        )
        .await?;
    Ok(())
}

async fn select(transaction: &Transaction<'_>, recorded: &RecordedEvent) -> Result<(), ProjectionError> {
    if let OrganizationEvent::SmtpServerSelected(event) = decode(recorded)? {
        let statement = transaction.prepare_cached(SELECT_SERVER).await?;
        transaction.execute(&statement, &[&recorded.header.organization.0, &event.smtp_server.0]).await?;
    }
    Ok(())
}

#[derive(Clone, Debug, PartialEq)]
pub struct SmtpServerRow {
    pub organization: OrganizationId,
    pub id: SmtpServerId,
    pub details: Sealed<SmtpServerDetails>,
    pub port: u16,
    pub tls_mode: TlsMode,
    pub tls_version: Option<TlsVersion>,
    pub has_secret: bool,
    pub connected_at: Timestamp,
    /// The organisation's mail goes through it.
    pub selected: bool,
}

impl SmtpServerRow {
    fn read(row: &Row) -> Result<Self, QueryError> {
        let organization = OrganizationId(row.get("organization"));
        let id: Uuid = row.get("id");
        let tls_version = row.get::<_, Option<&str>>("tls_version").map(|version| parse(version, TABLE)).transpose()?;
        Ok(Self {
            organization,
            id: SmtpServerId(id),
            details: SEALING.read(row, organization, id)?,
            port: u16::try_from(row.get::<_, i32>("port")).map_err(|_| QueryError::Damaged { table: TABLE })?,
            tls_mode: parse(row.get("tls_mode"), TABLE)?,
            tls_version,
            has_secret: row.get("has_secret"),
            connected_at: Timestamp::from_micros(row.get("connected_at_us")),
            selected: row.get("selected"),
        })
    }
}

/// An organisation's servers, newest first.
pub async fn of_organization(client: &ClientWrapper, organization: OrganizationId) -> Result<Vec<SmtpServerRow>, QueryError> {
    let query = "SELECT organization, id, port, tls_mode, tls_version, has_secret, connected_at_us, selected, event_id, slot, sealed
        FROM read.smtp_servers WHERE organization = $1 ORDER BY connected_at_us DESC, id DESC";
    let statement = client.prepare_cached(query).await?;
    client.query(&statement, &[&organization.0]).await?.iter().map(SmtpServerRow::read).collect()
}
