//! An API key: shown once, stored as a hash, limited to its scopes.

use crate::aggregate::{Aggregate, Recorded};
use crate::fact::{events, facts, vocabulary};
use crate::personal_data;
use crate::user::Traced;
use crate::{Actor, Category, Draft, KeyId, Personal, RequestOrigin, Sealed, Slot, Slots, Timestamp, TokenHash};
use std::collections::BTreeSet;

personal_data! {
    /// An API key's name.
    pub struct ApiKeyDetails: AccountData, Id, of Organization, rows "M1.1 C4.1", for Service | Security | Support | SubjectRights {
        /// What the key is called.
        pub name: String,
    }
}

vocabulary! {
    /// What a key may do.
    pub enum Scope {
        /// Send and cancel mail.
        SendEmails,
        /// Read mail, its history, suppressions and statistics.
        ReadEmails,
        /// Erase recipients.
        EraseRecipients,
    }
}

facts! {
    pub struct ApiKeyCreated {
        pub details: Slot<ApiKeyDetails>,
        pub token: TokenHash,
        pub scopes: Vec<Scope>,
        pub origin: Slot<RequestOrigin>,
    }
    pub struct ApiKeyRevoked {
        pub origin: Slot<RequestOrigin>,
    }
}

events! {
    pub enum ApiKeyEvent {
        ApiKeyCreated(ApiKeyCreated) = 1,
        ApiKeyRevoked(ApiKeyRevoked) = 1,
    }
}

/// A key as its events leave it.
#[derive(Clone, Debug, Default)]
pub struct ApiKey {
    pub details: Option<Sealed<ApiKeyDetails>>,
    pub token: Option<TokenHash>,
    pub scopes: BTreeSet<Scope>,
    pub revoked: bool,
    pub created_at: Option<Timestamp>,
    pub created_by: Option<Actor>,
    pub revoked_at: Option<Timestamp>,
}

impl Aggregate for ApiKey {
    type Event = ApiKeyEvent;
    const CATEGORY: Category = Category::ApiKey;

    fn evolve(&mut self, recorded: &Recorded<ApiKeyEvent>) {
        match &recorded.event {
            ApiKeyEvent::ApiKeyCreated(event) => {
                self.details = Some(recorded.sealed(event.details));
                self.created_at = Some(recorded.header.occurred_at);
                self.created_by = Some(recorded.header.actor);
                self.token = Some(event.token);
                self.scopes = event.scopes.iter().copied().collect();
            }
            ApiKeyEvent::ApiKeyRevoked(_) => {
                self.revoked = true;
                self.revoked_at = Some(recorded.header.occurred_at);
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ApiKeyRefusal {
    #[error("a key needs at least one scope")]
    NoScope,
    #[error("there is no such key")]
    Unknown,
}

impl ApiKey {
    pub fn create(
        &self,
        details: &Personal<ApiKeyDetails>,
        key: KeyId,
        token: TokenHash,
        scopes: &BTreeSet<Scope>,
        origin: Traced<'_>,
    ) -> Result<Vec<Draft<ApiKeyEvent>>, ApiKeyRefusal> {
        if scopes.is_empty() {
            return Err(ApiKeyRefusal::NoScope);
        }
        let mut slots = Slots::default();
        let created = ApiKeyCreated {
            details: slots.put(Some(key), details),
            token,
            scopes: scopes.iter().copied().collect(),
            origin: slots.put(origin.key, origin.origin),
        };
        Ok(vec![Draft::new(created, slots)])
    }

    pub fn revoke(&self, origin: Traced<'_>) -> Result<Vec<Draft<ApiKeyEvent>>, ApiKeyRefusal> {
        match (self.token, self.revoked) {
            (None, _) => Err(ApiKeyRefusal::Unknown),
            (Some(_), true) => Ok(vec![]),
            (Some(_), false) => Ok(vec![origin.draft(|origin| ApiKeyRevoked { origin })]),
        }
    }

    pub fn is_valid(&self, token: TokenHash) -> bool {
        !self.revoked && self.token == Some(token)
    }
}
