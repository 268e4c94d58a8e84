//! Financial records of somebody who was forgotten: a law demands that they are kept, and nothing else opens them (rows M2.2, M4.3).

use crate::error::VaultError;
use crate::keyring::KeyState;
use crate::vault::Vault;
use domain::{Class, KeyId, Purpose};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

// Whoever was forgotten is fenced: the records' own key still names the subject.
const FORGOTTEN: &str = "
    SELECT u.id FROM unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::uuid[]) AS u(id, organization, kind, subject)
    WHERE EXISTS (SELECT FROM keyring.fence f WHERE f.organization = u.organization AND f.subject = u.subject AND f.kind = u.kind)";

impl Vault {
    /// Those of these keys whose records this purpose does not open any more.
    pub(crate) async fn closed_records(&self, purpose: Purpose, keys: &HashMap<KeyId, KeyState>) -> Result<HashSet<KeyId>, VaultError> {
        let (mut ids, mut organizations, mut kinds, mut subjects) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (id, state) in keys {
            if let KeyState::Subject(key) = state
                && key.name.class == Class::Fin
            {
                let (kind, subject, _) = key.name.subject.columns();
                ids.push(id.0);
                organizations.push(key.name.organization.0);
                kinds.push(kind);
                subjects.push(subject);
            }
        }
        if purpose == Purpose::LegalObligation || ids.is_empty() {
            return Ok(HashSet::new());
        }
        let client = self.keyring().pool.get().await?;
        let rows = client.query(FORGOTTEN, &[&ids, &organizations, &kinds, &subjects]).await?;
        Ok(rows.iter().map(|row| KeyId(row.get::<_, Uuid>("id"))).collect())
    }
}
