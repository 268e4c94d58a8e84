//! Requests to be forgotten, how far they are, and their certificates.

use super::{ErasureCertificateStage, ErasureRefusalGround, ErasureTarget, InclusionProof};
use crate::call::Call;
use crate::graphql::code::internal;
use crate::graphql::connection::{connection, cursor};
use crate::node_id::NodeId;
use crate::personal::{PersonalData, shown};
use async_graphql::{Context, Enum, ID, Json, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::{Category, ErasureId, OrganizationId, Purpose, Timestamp};
use projections::{ErasureRow, ErasureStage, Page};
use vault::Opened;

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum ErasureState {
    /// It waits for a decision.
    Requested,
    /// It is about to be carried out.
    Approved,
    /// It was refused; the ground says why.
    Refused,
    /// Keys are being destroyed. There is no way back.
    Started,
    /// No living system has the keys.
    Destroyed,
}

/// A request that somebody be forgotten.
#[derive(Clone)]
pub(crate) struct Erasure {
    row: ErasureRow,
    case: Opened<domain::ErasureCase>,
}

/// What an erasure's certificate says. It is the installation's own statement, and says so.
#[derive(SimpleObject)]
pub(crate) struct ErasureCertificate {
    /// To be read.
    text: String,
    /// The same for programs: destroyed; retained and why; the provider of keys and its limits.
    json: Json<serde_json::Value>,
    /// Whether anything is certified yet.
    issued: bool,
    /// That the event which certifies it stands in the organisation's log, as a C2SP tlog-proof; null until a checkpoint covers it.
    tlog_proof: Option<String>,
}

connection!(ErasureConnection, ErasureEdge, Erasure, "requests to be forgotten, newest first");

impl Erasure {
    pub async fn page(call: &Call, page: Page<ErasureRow>, has_previous_page: bool) -> Result<ErasureConnection> {
        let places: Vec<String> = page.rows.iter().map(|row| cursor(row.id.0.as_bytes())).collect();
        let cases = Self::of_rows(call, page.rows).await?;
        Ok(ErasureConnection::new(places.into_iter().zip(cases).collect(), page.has_next, has_previous_page))
    }

    pub async fn of_rows(call: &Call, rows: Vec<ErasureRow>) -> Result<Vec<Self>> {
        let sealed: Vec<_> = rows.iter().map(|row| &row.case).collect();
        let opened = call.open_many(Purpose::SubjectRights, &sealed).await.map_err(internal)?;
        Ok(rows.into_iter().zip(opened).map(|(row, case)| Self { row, case }).collect())
    }
}

impl ErasureCertificate {
    /// `None`: there is no such case.
    pub async fn of(call: &Call, organization: OrganizationId, erasure: ErasureId) -> Result<Option<Self>> {
        let Some(found) = call.state.commands.erasure_certificate(organization, erasure).await.map_err(internal)? else { return Ok(None) };
        let tlog_proof = match found.event() {
            Some(event) => InclusionProof::of_event(call, organization, event).await?.map(InclusionProof::into_text),
            None => None,
        };
        Ok(Some(Self { text: found.text(), json: Json(found.json()), issued: found.is_issued(), tlog_proof }))
    }
}

/// A request that somebody be forgotten.
#[Object]
impl Erasure {
    /// Its id.
    async fn id(&self) -> ID {
        NodeId::new(Category::Erasure, self.row.organization, self.row.id.0).into()
    }

    /// Who or what is to be forgotten.
    async fn target(&self) -> ErasureTarget {
        self.row.target.into()
    }

    /// How far it has come.
    async fn state(&self) -> ErasureState {
        match self.row.stage {
            ErasureStage::Requested => ErasureState::Requested,
            ErasureStage::Approved => ErasureState::Approved,
            ErasureStage::Refused => ErasureState::Refused,
            ErasureStage::Started => ErasureState::Started,
            ErasureStage::Destroyed => ErasureState::Destroyed,
        }
    }

    /// Why it was refused.
    async fn refused(&self) -> Option<ErasureRefusalGround> {
        self.row.refused.map(Into::into)
    }

    /// What is certified by now.
    async fn certified(&self) -> Option<ErasureCertificateStage> {
        self.row.certified.map(Into::into)
    }

    /// When it was asked for.
    async fn requested_at(&self) -> DateTime<Utc> {
        self.row.requested_at.to_datetime()
    }

    /// When it has to be answered.
    async fn due_at(&self) -> DateTime<Utc> {
        self.row.due_at.to_datetime()
    }

    /// When it was approved or refused.
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.row.decided_at.map(Timestamp::to_datetime)
    }

    /// When the point of no return was passed.
    async fn started_at(&self) -> Option<DateTime<Utc>> {
        self.row.started_at.map(Timestamp::to_datetime)
    }

    /// Since when no living system has the keys.
    async fn destroyed_live_at(&self) -> Option<DateTime<Utc>> {
        self.row.live_at.map(Timestamp::to_datetime)
    }

    /// Since when no backup has them either.
    async fn destroyed_everywhere_at(&self) -> Option<DateTime<Utc>> {
        self.row.everywhere_at.map(Timestamp::to_datetime)
    }

    /// The address that was named. It ends with the case, 30 days after the last certificate.
    async fn address(&self) -> Option<&str> {
        shown(&self.case).map(|case| case.address.as_str()).filter(|address| !address.is_empty())
    }

    /// The note.
    async fn note(&self) -> Option<&str> {
        shown(&self.case).and_then(|case| case.note.as_deref())
    }

    /// Whether address and note can be read.
    async fn personal_data(&self) -> PersonalData {
        PersonalData::from(&self.case)
    }

    /// Its certificate.
    async fn certificate(&self, context: &Context<'_>) -> Result<Option<ErasureCertificate>> {
        ErasureCertificate::of(super::call(context), self.row.organization, self.row.id).await
    }
}
