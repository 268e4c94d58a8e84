//! The addresses that an organisation must not mail.

use crate::envelope_column::{EnvelopeColumns, Sealing};
use crate::page::limit;
use crate::projection::{Projected, Table, decode};
use crate::word::{parse, word};
use crate::{Page, Projection, ProjectionError, QueryError};
use deadpool_postgres::{ClientWrapper, Transaction};
use domain::{
    Category, ErasureId, KeyId, OrganizationId, RecordedEvent, Sealed, SuppressionDetails, SuppressionEvent, SuppressionReason, Timestamp,
};
use tokio_postgres::Row;
use uuid::Uuid;

const TABLE: &str = "read.suppressions";
const SEALING: Sealing = Sealing::new(Category::Suppression, "AddressSuppressed", TABLE);

pub static PROJECTION: Projection = Projection {
    name: "suppressions",
    version: 1,
    categories: &[Category::Suppression],
    tables: &[Table {
        name: TABLE,
        columns: "organization, key_id, reason, since_us, lifted_at_us, erasure, event_id, slot, sealed",
        primary_key: "organization, key_id",
    }],
    project,
};

/// An address may be suppressed again after it was lifted: the newest event counts.
const SUPPRESS: &str = "INSERT INTO suppressions (organization, key_id, reason, since_us, erasure, event_id, slot, sealed)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (organization, key_id) DO UPDATE SET reason = EXCLUDED.reason, since_us = EXCLUDED.since_us, lifted_at_us = NULL,
        erasure = EXCLUDED.erasure, event_id = EXCLUDED.event_id, slot = EXCLUDED.slot, sealed = EXCLUDED.sealed";
const LIFT: &str = "UPDATE suppressions SET lifted_at_us = $3 WHERE organization = $1 AND key_id = $2";

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
    let (organization, key, at) = (header.organization.0, header.stream.id, header.occurred_at.micros());
    match decode(recorded)? {
        SuppressionEvent::AddressSuppressed(event) => {
            let EnvelopeColumns { event_id, slot, sealed } = EnvelopeColumns::of(recorded, event.details);
            let erasure = event.erasure.map(|erasure| erasure.0);
            let statement = transaction.prepare_cached(SUPPRESS).await?;
            let reason = word(&event.reason);
            transaction.execute(&statement, &[&organization, &key, &reason, &at, &erasure, &event_id, &slot, &sealed]).await?
        }
        SuppressionEvent::SuppressionLifted(_) => {
            transaction.execute(&transaction.prepare_cached(LIFT).await?, &[&organization, &key, &at]).await?
        }
    };
    Ok(())
}

#[derive(Clone, Debug, PartialEq)]
pub struct SuppressionRow {
    pub organization: OrganizationId,
    /// The key that seals the address.
    pub key: KeyId,
    pub reason: SuppressionReason,
    pub since: Timestamp,
    /// When mail was allowed again.
    pub lifted_at: Option<Timestamp>,
    pub erasure: Option<ErasureId>,
    pub details: Sealed<SuppressionDetails>,
}

/// A place in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuppressionCursor {
    pub since: Timestamp,
    pub key: KeyId,
}

impl SuppressionRow {
    pub fn cursor(&self) -> SuppressionCursor {
        SuppressionCursor { since: self.since, key: self.key }
    }

    fn read(row: &Row) -> Result<Self, QueryError> {
        let organization = OrganizationId(row.get("organization"));
        let key: Uuid = row.get("key_id");
        Ok(Self {
            organization,
            key: KeyId(key),
            reason: parse(row.get("reason"), TABLE)?,
            since: Timestamp::from_micros(row.get("since_us")),
            lifted_at: row.get::<_, Option<i64>>("lifted_at_us").map(Timestamp::from_micros),
            erasure: row.get::<_, Option<Uuid>>("erasure").map(ErasureId),
            details: SEALING.read(row, organization, key)?,
        })
    }
}

const COLUMNS: &str = "organization, key_id, reason, since_us, lifted_at_us, erasure, event_id, slot, sealed";

/// What is in force, newest first.
pub async fn page(
    client: &ClientWrapper,
    organization: OrganizationId,
    first: usize,
    after: Option<SuppressionCursor>,
) -> Result<Page<SuppressionRow>, QueryError> {
    let query = format!(
        "SELECT {COLUMNS} FROM {TABLE} WHERE organization = $1 AND lifted_at_us IS NULL AND (since_us, key_id) < ($2, $3)
        ORDER BY since_us DESC, key_id DESC LIMIT $4"
    );
    let statement = client.prepare_cached(&query).await?;
    let (since, key) = after.map_or((i64::MAX, Uuid::max()), |after| (after.since.micros(), after.key.0));
    let rows = client.query(&statement, &[&organization.0, &since, &key, &limit(first)]).await?;
    Ok(Page::cut(rows.iter().map(SuppressionRow::read).collect::<Result<_, _>>()?, first))
}

/// Those of the keys' addresses that were ever suppressed, lifted ones included.
pub async fn by_keys(client: &ClientWrapper, organization: OrganizationId, keys: &[KeyId]) -> Result<Vec<SuppressionRow>, QueryError> {
    let statement = client.prepare_cached(&format!("SELECT {COLUMNS} FROM {TABLE} WHERE organization = $1 AND key_id = ANY ($2)")).await?;
    let keys: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
    client.query(&statement, &[&organization.0, &keys]).await?.iter().map(SuppressionRow::read).collect()
}
