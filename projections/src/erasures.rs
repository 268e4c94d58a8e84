//! Requests to be forgotten, and how far each has come.

use crate::envelope_column::{EnvelopeColumns, Sealing};
use crate::page::limit;
use crate::projection::{Projected, Table, decode};
use crate::word::{parse, word};
use crate::{Page, Projection, ProjectionError, QueryError};
use deadpool_postgres::{ClientWrapper, Transaction};
use domain::{
    APPROVED_ERASURE_DUE, Category, CertificateStage, ErasureCase, ErasureEvent, ErasureId, ErasureTarget, OrganizationId, RecordedEvent,
    RefusalGround, Sealed, Timestamp, Urgency, UserId,
};
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

const TABLE: &str = "read.erasures";
const COLUMNS: &str = "organization, id, target, user_id, stage, requested_at_us, due_at_us, decided_at_us, refused, started_at_us, certified, \
    live_at_us, everywhere_at_us, link, case_closed, event_id, slot, sealed";
const SEALING: Sealing = Sealing::new(Category::Erasure, "ErasureRequested", TABLE);

pub static PROJECTION: Projection = Projection {
    name: "erasures",
    version: 2,
    categories: &[Category::Erasure],
    tables: &[Table { name: TABLE, columns: COLUMNS, primary_key: "organization, id" }],
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
const ADVANCE: &str =
    "UPDATE erasures SET stage = $3, started_at_us = coalesce($4, started_at_us), decided_at_us = coalesce($5, decided_at_us),
    refused = coalesce($6, refused) WHERE organization = $1 AND id = $2";
const CERTIFY: &str =
    "UPDATE erasures SET certified = $3, live_at_us = coalesce($4, live_at_us), everywhere_at_us = coalesce($5, everywhere_at_us)
    WHERE organization = $1 AND id = $2";
const HASTEN: &str = "UPDATE erasures SET due_at_us = least(due_at_us, $3) WHERE organization = $1 AND id = $2";
const LINK: &str = "UPDATE erasures SET link = $3 WHERE organization = $1 AND id = $2";
const CLOSE: &str = "UPDATE erasures SET case_closed = true WHERE organization = $1 AND id = $2";

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
        ErasureEvent::CertificateLinkIssued(event) => set(transaction, recorded, LINK, &[&event.token.0.as_slice()]).await,
        ErasureEvent::ErasureHastened(event) => set(transaction, recorded, HASTEN, &[&event.due_at.micros()]).await,
        ErasureEvent::ErasureApproved(_) => advance(transaction, recorded, ErasureStage::Approved, None).await,
        ErasureEvent::ErasureRefused(event) => advance(transaction, recorded, ErasureStage::Refused, Some(event.ground)).await,
        ErasureEvent::ErasureStarted(_) => advance(transaction, recorded, ErasureStage::Started, None).await,
        ErasureEvent::SubjectKeyDestroyed(_) => advance(transaction, recorded, ErasureStage::Destroyed, None).await,
        ErasureEvent::ErasureCertified(event) => {
            let at = |stage: CertificateStage| (event.stage == stage).then_some(header.occurred_at.micros());
            let (live, everywhere) = (at(CertificateStage::Live), at(CertificateStage::Everywhere));
            set(transaction, recorded, CERTIFY, &[&word(&event.stage), &live, &everywhere]).await
        }
        ErasureEvent::ErasureCaseClosed(_) => set(transaction, recorded, CLOSE, &[]).await,
        ErasureEvent::ErasureIdentityConfirmed(_) | ErasureEvent::ErasureWidened(_) | ErasureEvent::ErasureDeadlineMissed(_) => Ok(()),
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

async fn advance(
    transaction: &Transaction<'_>,
    recorded: &RecordedEvent,
    stage: ErasureStage,
    refused: Option<RefusalGround>,
) -> Result<(), ProjectionError> {
    let at = |stages: &[ErasureStage]| stages.contains(&stage).then_some(recorded.header.occurred_at.micros());
    let (started_at, decided_at) = (at(&[ErasureStage::Started]), at(&[ErasureStage::Approved, ErasureStage::Refused]));
    let refused = refused.map(|ground| word(&ground));
    set(transaction, recorded, ADVANCE, &[&word(&stage), &started_at, &decided_at, &refused]).await
}

/// Changes the row of the event's stream.
async fn set(
    transaction: &Transaction<'_>,
    recorded: &RecordedEvent,
    update: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<(), ProjectionError> {
    let header = &recorded.header;
    let statement = transaction.prepare_cached(update).await?;
    let mut all: Vec<&(dyn ToSql + Sync)> = vec![&header.organization.0, &header.stream.id];
    all.extend(values);
    transaction.execute(&statement, &all).await?;
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
    /// When it was approved or refused.
    pub decided_at: Option<Timestamp>,
    pub refused: Option<RefusalGround>,
    pub started_at: Option<Timestamp>,
    pub certified: Option<CertificateStage>,
    pub live_at: Option<Timestamp>,
    pub everywhere_at: Option<Timestamp>,
    /// What was said in the case is destroyed.
    pub case_closed: bool,
    pub case: Sealed<ErasureCase>,
}

/// An erasure that somebody has to look after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfinishedErasure {
    pub organization: OrganizationId,
    pub erasure: ErasureId,
}

/// A case that nobody has decided on or carried out, and its dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenErasure {
    pub organization: OrganizationId,
    pub erasure: ErasureId,
    pub target: ErasureTarget,
    pub requested_at: Timestamp,
    pub due_at: Timestamp,
    /// When it was approved, if it was.
    pub decided_at: Option<Timestamp>,
}

impl OpenErasure {
    /// By its date, and by how long ago it was approved: then no living system may have the keys a day later.
    pub fn urgency(&self, now: Timestamp) -> Urgency {
        let by_date = Urgency::of(self.requested_at, self.due_at, now);
        self.decided_at.map_or(by_date, |approved| by_date.max(Urgency::of(approved, approved + APPROVED_ERASURE_DUE, now)))
    }

    /// Of an organisation whose last owner was forgotten: such a case waits under the organisation's own id until the owner's is due.
    pub fn is_orphaned(&self) -> bool {
        self.target == ErasureTarget::Organization && self.erasure.0 == self.organization.0
    }
}

impl ErasureRow {
    fn read(row: &Row) -> Result<Self, QueryError> {
        let organization = OrganizationId(row.get("organization"));
        let id: Uuid = row.get("id");
        let time = |column: &str| row.get::<_, Option<i64>>(column).map(Timestamp::from_micros);
        Ok(Self {
            organization,
            id: ErasureId(id),
            target: parse(row.get("target"), TABLE)?,
            user: row.get::<_, Option<Uuid>>("user_id").map(UserId),
            stage: parse(row.get("stage"), TABLE)?,
            requested_at: Timestamp::from_micros(row.get("requested_at_us")),
            due_at: Timestamp::from_micros(row.get("due_at_us")),
            decided_at: time("decided_at_us"),
            refused: row.get::<_, Option<&str>>("refused").map(|ground| parse(ground, TABLE)).transpose()?,
            started_at: time("started_at_us"),
            certified: row.get::<_, Option<&str>>("certified").map(|stage| parse(stage, TABLE)).transpose()?,
            live_at: time("live_at_us"),
            everywhere_at: time("everywhere_at_us"),
            case_closed: row.get("case_closed"),
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

/// Every case without an answer, the most urgent first.
pub async fn open(client: &ClientWrapper) -> Result<Vec<OpenErasure>, QueryError> {
    let query = "SELECT organization, id, target, requested_at_us, due_at_us, decided_at_us FROM read.erasures
        WHERE stage IN ('requested', 'approved', 'started') ORDER BY due_at_us, id LIMIT 1000";
    let statement = client.prepare_cached(query).await?;
    let read = |row: &Row| {
        Ok(OpenErasure {
            organization: OrganizationId(row.get(0)),
            erasure: ErasureId(row.get(1)),
            target: parse(row.get(2), TABLE)?,
            requested_at: Timestamp::from_micros(row.get(3)),
            due_at: Timestamp::from_micros(row.get(4)),
            decided_at: row.get::<_, Option<i64>>(5).map(Timestamp::from_micros),
        })
    };
    client.query(&statement, &[]).await?.iter().map(read).collect()
}

/// Cases that were refused, or certified to their end, before then, and whose record is still there.
pub async fn ended(client: &ClientWrapper, before: Timestamp, limit: i64) -> Result<Vec<UnfinishedErasure>, QueryError> {
    let query = "SELECT organization, id FROM read.erasures WHERE NOT case_closed AND (everywhere_at_us IS NOT NULL OR refused IS NOT NULL)
        AND coalesce(everywhere_at_us, decided_at_us) <= $1 ORDER BY id LIMIT $2";
    let statement = client.prepare_cached(query).await?;
    let rows = client.query(&statement, &[&before.micros(), &limit]).await?;
    Ok(rows.iter().map(|row| UnfinishedErasure { organization: OrganizationId(row.get(0)), erasure: ErasureId(row.get(1)) }).collect())
}

/// An organisation's cases, newest first. Ids follow the time of the request, but for those of organisations that were left without an owner.
pub async fn page(
    client: &ClientWrapper,
    organization: OrganizationId,
    first: usize,
    after: Option<ErasureId>,
) -> Result<Page<ErasureRow>, QueryError> {
    let query = format!("SELECT {COLUMNS} FROM {TABLE} WHERE organization = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    let statement = client.prepare_cached(&query).await?;
    let below = after.map_or(Uuid::max(), |after| after.0);
    let rows = client.query(&statement, &[&organization.0, &below, &limit(first)]).await?;
    Ok(Page::cut(rows.iter().map(ErasureRow::read).collect::<Result<_, _>>()?, first))
}

/// Those whose keys are gone from living systems and perhaps not yet from copies, after `after` by their ids.
pub async fn live_only(client: &ClientWrapper, after: ErasureId, limit: i64) -> Result<Vec<UnfinishedErasure>, QueryError> {
    let query = "SELECT organization, id FROM read.erasures WHERE certified = 'live' AND id > $1 ORDER BY id LIMIT $2";
    let statement = client.prepare_cached(query).await?;
    let rows = client.query(&statement, &[&after.0, &limit]).await?;
    Ok(rows.iter().map(|row| UnfinishedErasure { organization: OrganizationId(row.get(0)), erasure: ErasureId(row.get(1)) }).collect())
}

pub async fn by_id(client: &ClientWrapper, organization: OrganizationId, id: ErasureId) -> Result<Option<ErasureRow>, QueryError> {
    let query = format!("SELECT {COLUMNS} FROM {TABLE} WHERE organization = $1 AND id = $2");
    let statement = client.prepare_cached(&query).await?;
    client.query_opt(&statement, &[&organization.0, &id.0]).await?.as_ref().map(ErasureRow::read).transpose()
}
