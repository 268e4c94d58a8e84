//! Requests to be forgotten, and how far each has come.

use crate::envelope_column::{EnvelopeColumns, Sealing};
use crate::projection::{Projected, Table, decode};
use crate::word::{parse, word};
use crate::{Projection, ProjectionError, QueryError};
use deadpool_postgres::{ClientWrapper, Transaction};
use domain::{
    Category, CertificateStage, ErasureCase, ErasureEvent, ErasureId, ErasureTarget, OrganizationId, RecordedEvent, Sealed, Timestamp,
    UserId,
};
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use uuid::Uuid;

const TABLE: &str = "read.erasures";
const SEALING: Sealing = Sealing::new(Category::Erasure, "ErasureRequested", TABLE);

pub static PROJECTION: Projection = Projection {
    name: "erasures",
    version: 1,
    categories: &[Category::Erasure],
    tables: &[Table {
        name: TABLE,
        columns: "organization, id, target, user_id, stage, requested_at_us, due_at_us, started_at_us, certified, event_id, slot, sealed",
        primary_key: "organization, id",
    }],
    project,
};

/// How far an erasure has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureStage {
    Requested,
    Approved,
    Refused,
    /// There is no way back any more.
    Started,
    /// The keys are gone from every living process.
    Destroyed,
}

const REQUEST: &str = "INSERT INTO erasures (organization, id, target, user_id, stage, requested_at_us, due_at_us, event_id, slot, sealed)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const ADVANCE: &str = "UPDATE erasures SET stage = $3, started_at_us = coalesce($4, started_at_us) WHERE organization = $1 AND id = $2";
const CERTIFY: &str = "UPDATE erasures SET certified = $3 WHERE organization = $1 AND id = $2";

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
    match decode(recorded)? {
        ErasureEvent::ErasureRequested(event) => request(transaction, recorded, &event).await,
        ErasureEvent::ErasureApproved(_) => advance(transaction, recorded, ErasureStage::Approved).await,
        ErasureEvent::ErasureRefused(_) => advance(transaction, recorded, ErasureStage::Refused).await,
        ErasureEvent::ErasureStarted(_) => advance(transaction, recorded, ErasureStage::Started).await,
        ErasureEvent::SubjectKeyDestroyed(_) => advance(transaction, recorded, ErasureStage::Destroyed).await,
        ErasureEvent::ErasureCertified(event) => {
            let statement = transaction.prepare_cached(CERTIFY).await?;
            transaction.execute(&statement, &[&header.organization.0, &header.stream.id, &word(&event.stage)]).await?;
            Ok(())
        }
    }
}

async fn request(transaction: &Transaction<'_>, recorded: &RecordedEvent, event: &domain::ErasureRequested) -> Result<(), ProjectionError> {
    let header = &recorded.header;
    let EnvelopeColumns { event_id, slot, sealed } = EnvelopeColumns::of(recorded, event.case);
    let statement = transaction.prepare_cached(REQUEST).await?;
    transaction
        .execute(
            &statement,
            &[
                &header.organization.0,
                &header.stream.id,
                &word(&event.target),
                &event.user.map(|user| user.0),
                &word(&ErasureStage::Requested),
                &header.occurred_at.micros(),
                &event.due_at.micros(),
                &event_id,
                &slot,
                &sealed,
            ],
        )
        .await?;
    Ok(())
}

async fn advance(transaction: &Transaction<'_>, recorded: &RecordedEvent, stage: ErasureStage) -> Result<(), ProjectionError> {
    let header = &recorded.header;
    let started_at = (stage == ErasureStage::Started).then_some(header.occurred_at.micros());
    let statement = transaction.prepare_cached(ADVANCE).await?;
    transaction.execute(&statement, &[&header.organization.0, &header.stream.id, &word(&stage), &started_at]).await?;
    Ok(())
}

#[derive(Clone, Debug, PartialEq)]
pub struct ErasureRow {
    pub organization: OrganizationId,
    pub id: ErasureId,
    pub target: ErasureTarget,
    pub user: Option<UserId>,
    pub stage: ErasureStage,
    pub requested_at: Timestamp,
    pub due_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub certified: Option<CertificateStage>,
    pub case: Sealed<ErasureCase>,
}

/// An erasure that was approved and whose keys are not known to be gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfinishedErasure {
    pub organization: OrganizationId,
    pub erasure: ErasureId,
}

impl ErasureRow {
    fn read(row: &Row) -> Result<Self, QueryError> {
        let organization = OrganizationId(row.get("organization"));
        let id: Uuid = row.get("id");
        Ok(Self {
            organization,
            id: ErasureId(id),
            target: parse(row.get("target"), TABLE)?,
            user: row.get::<_, Option<Uuid>>("user_id").map(UserId),
            stage: parse(row.get("stage"), TABLE)?,
            requested_at: Timestamp::from_micros(row.get("requested_at_us")),
            due_at: Timestamp::from_micros(row.get("due_at_us")),
            started_at: row.get::<_, Option<i64>>("started_at_us").map(Timestamp::from_micros),
            certified: row.get::<_, Option<&str>>("certified").map(|stage| parse(stage, TABLE)).transpose()?,
            case: SEALING.read(row, organization, id)?,
        })
    }
}

/// What somebody has to carry on, the most urgent first.
pub async fn unfinished(client: &ClientWrapper) -> Result<Vec<UnfinishedErasure>, QueryError> {
    let query = "SELECT organization, id FROM read.erasures WHERE stage IN ('approved', 'started') ORDER BY due_at_us, id LIMIT 1000";
    let statement = client.prepare_cached(query).await?;
    let rows = client.query(&statement, &[]).await?;
    Ok(rows.iter().map(|row| UnfinishedErasure { organization: OrganizationId(row.get(0)), erasure: ErasureId(row.get(1)) }).collect())
}

/// Those whose keys are gone from living systems and perhaps not yet from copies, after `after` by their ids.
pub async fn live_only(client: &ClientWrapper, after: ErasureId, limit: i64) -> Result<Vec<UnfinishedErasure>, QueryError> {
    let query = "SELECT organization, id FROM read.erasures WHERE certified = 'live' AND id > $1 ORDER BY id LIMIT $2";
    let statement = client.prepare_cached(query).await?;
    let rows = client.query(&statement, &[&after.0, &limit]).await?;
    Ok(rows.iter().map(|row| UnfinishedErasure { organization: OrganizationId(row.get(0)), erasure: ErasureId(row.get(1)) }).collect())
}

pub async fn by_id(client: &ClientWrapper, organization: OrganizationId, id: ErasureId) -> Result<Option<ErasureRow>, QueryError> {
    let query =
        "SELECT organization, id, target, user_id, stage, requested_at_us, due_at_us, started_at_us, certified, event_id, slot, sealed
        FROM read.erasures WHERE organization = $1 AND id = $2";
    let statement = client.prepare_cached(query).await?;
    client.query_opt(&statement, &[&organization.0, &id.0]).await?.as_ref().map(ErasureRow::read).transpose()
}
