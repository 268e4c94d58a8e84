//! What vouches for an organisation's history.

use crate::call::Call;
use crate::graphql::code::{Code, internal};
use async_graphql::{ID, Result, SimpleObject};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::{EventId, OrganizationId};
use transparency::{Log, Note};

/// How large an organization's history was and what its Merkle root was, signed by this installation.
#[derive(SimpleObject)]
pub(crate) struct Checkpoint {
    /// The log's name; it begins with the signing key's fingerprint.
    origin: String,
    /// Events.
    size: i64,
    /// The Merkle root (RFC 6962), in base64.
    root: String,
    /// The whole as a signed note (C2SP tlog-checkpoint).
    note: String,
}

/// That an event stands in the history under its newest checkpoint.
#[derive(SimpleObject)]
pub(crate) struct InclusionProof {
    /// The event's place in the organization's log, from 0.
    index: i64,
    /// The hashes from the leaf to the root, in base64.
    path: Vec<String>,
    /// What the proof leads to.
    checkpoint: Checkpoint,
    /// The whole as a file (C2SP tlog-proof).
    text: String,
}

impl Checkpoint {
    /// The newest one; `None` before the first.
    pub async fn of(call: &Call, organization: OrganizationId) -> Result<Option<Self>> {
        let found = call.state.logs.note(Log::Organization(organization)).await.map_err(internal)?;
        found.map(Self::read).transpose()
    }

    fn read(note: String) -> Result<Self> {
        let checkpoint = note.parse::<Note>().map_err(internal)?.text.parse::<transparency::Checkpoint>().map_err(internal)?;
        let size = i64::try_from(checkpoint.size).map_err(internal)?;
        Ok(Self { origin: checkpoint.origin, size, root: BASE64_STANDARD.encode(checkpoint.root), note })
    }
}

impl InclusionProof {
    /// `None`: the organisation's log has no such event, or no checkpoint covers it yet.
    pub async fn of(call: &Call, organization: OrganizationId, event: &ID) -> Result<Option<Self>> {
        let event: EventId = event.parse().map_err(|_| Code::BadUserInput.error("this is no event's id"))?;
        Self::of_event(call, organization, event).await
    }

    /// The same for an event that is known: of an erasure's certificate, say.
    pub async fn of_event(call: &Call, organization: OrganizationId, event: EventId) -> Result<Option<Self>> {
        let logs = &call.state.logs;
        let Some(index) = logs.index_of(organization, event).await.map_err(internal)? else { return Ok(None) };
        let Some(proof) = logs.prove(Log::Organization(organization), index).await.map_err(internal)? else { return Ok(None) };
        let text = proof.text();
        let path = proof.path.iter().map(|hash| BASE64_STANDARD.encode(hash)).collect();
        Ok(Some(Self { index: i64::try_from(index).map_err(internal)?, path, checkpoint: Checkpoint::read(proof.checkpoint)?, text }))
    }

    pub fn into_text(self) -> String {
        self.text
    }
}
