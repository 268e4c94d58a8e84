//! The API keys of an organisation: what they are called and may do, never the keys themselves.

use crate::envelope_column::{EnvelopeColumns, Sealing};
use crate::page::limit;
use crate::projection::{Projected, Table, decode};
use crate::word::{parse_all, words};
use crate::{Page, Projection, ProjectionError, QueryError, actor_columns};
use deadpool_postgres::{ClientWrapper, Transaction};
use domain::{Actor, ApiKeyDetails, ApiKeyEvent, ApiKeyId, Category, OrganizationId, RecordedEvent, Scope, Sealed, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

const TABLE: &str = "read.api_keys";
const SEALING: Sealing = Sealing::new(Category::ApiKey, "ApiKeyCreated", TABLE);

pub static PROJECTION: Projection = Projection {
    name: "api_keys",
    version: 1,
    categories: &[Category::ApiKey],
    tables: &[Table {
        name: TABLE,
        columns: "organization, id, scopes, created_at_us, actor, actor_id, revoked_at_us, event_id, slot, sealed",
        primary_key: "organization, id",
    }],
    project,
};

const CREATE: &str = "INSERT INTO api_keys (organization, id, scopes, created_at_us, actor, actor_id, event_id, slot, sealed)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const REVOKE: &str = "UPDATE api_keys SET revoked_at_us = $3 WHERE organization = $1 AND id = $2";

fn project<'a>(transaction: &'a Transaction<'a>, events: &'a [&'a RecordedEvent]) -> Projected<'a> {
    Box::pin(async move {
        for event in events {
            apply(transaction, event).await?;
        }
        Ok(())
    })
}

async fn apply(transaction: &Transaction<'_>, recorded: &RecordedEvent) -> Result<(), ProjectionError> {
    let header = &recorded.header;
    let (organization, id, at) = (header.organization.0, header.stream.id, header.occurred_at.micros());
    match decode(recorded)? {
        ApiKeyEvent::ApiKeyCreated(event) => {
            let EnvelopeColumns { event_id, slot, sealed } = EnvelopeColumns::of(recorded, event.details);
            let (actor, actor_id) = actor_columns::to_columns(header.actor);
            let statement = transaction.prepare_cached(CREATE).await?;
            let scopes = words(&event.scopes);
            transaction.execute(&statement, &[&organization, &id, &scopes, &at, &actor, &actor_id, &event_id, &slot, &sealed]).await?
        }
        ApiKeyEvent::ApiKeyRevoked(_) => {
            transaction.execute(&transaction.prepare_cached(REVOKE).await?, &[&organization, &id, &at]).await?
        }
    };
    Ok(())
}

#[derive(Clone, Debug, PartialEq)]
pub struct ApiKeyRow {
    pub organization: OrganizationId,
    pub id: ApiKeyId,
    pub details: Sealed<ApiKeyDetails>,
    pub scopes: Vec<Scope>,
    pub created_at: Timestamp,
    pub created_by: Actor,
    pub revoked_at: Option<Timestamp>,
}

const COLUMNS: &str = "organization, id, scopes, created_at_us, actor, actor_id, revoked_at_us, event_id, slot, sealed";

impl ApiKeyRow {
    fn read(row: &Row) -> Result<Self, QueryError> {
        let organization = OrganizationId(row.get("organization"));
        let id: Uuid = row.get("id");
        Ok(Self {
            organization,
            id: ApiKeyId(id),
            details: SEALING.read(row, organization, id)?,
            scopes: parse_all(&row.get::<_, Vec<&str>>("scopes"), TABLE)?,
            created_at: Timestamp::from_micros(row.get("created_at_us")),
            created_by: actor_columns::from_columns(row.get("actor"), row.get("actor_id"), TABLE)?,
            revoked_at: row.get::<_, Option<i64>>("revoked_at_us").map(Timestamp::from_micros),
        })
    }
}

/// Newest first, revoked ones included.
pub async fn page(
    client: &ClientWrapper,
    organization: OrganizationId,
    first: usize,
    after: Option<ApiKeyId>,
) -> Result<Page<ApiKeyRow>, QueryError> {
    let query = format!("SELECT {COLUMNS} FROM {TABLE} WHERE organization = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    let statement = client.prepare_cached(&query).await?;
    let below = after.map_or(Uuid::max(), |after| after.0);
    let rows = client.query(&statement, &[&organization.0, &below, &limit(first)]).await?;
    Ok(Page::cut(rows.iter().map(ApiKeyRow::read).collect::<Result<_, _>>()?, first))
}

/// Those of the keys that exist, in no particular order.
pub async fn by_ids(client: &ClientWrapper, organization: OrganizationId, ids: &[ApiKeyId]) -> Result<Vec<ApiKeyRow>, QueryError> {
    let statement = client.prepare_cached(&format!("SELECT {COLUMNS} FROM {TABLE} WHERE organization = $1 AND id = ANY ($2)")).await?;
    let ids: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
    client.query(&statement, &[&organization.0, &ids]).await?.iter().map(ApiKeyRow::read).collect()
}
