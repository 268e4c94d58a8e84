//! Who a session cookie or an API key stands for.

use crate::credentials::{parse_api_key_token, parse_session_token};
use crate::{Commands, Fault};
use domain::{ApiKey, ApiKeyId, Organization, OrganizationId, Role, Scope, SessionId, TokenHash, User, UserId};
use std::collections::BTreeSet;
use vault::token_hash;

/// A person in a session.
#[derive(Clone, Debug, PartialEq)]
pub struct Session {
    pub user: UserId,
    pub session: SessionId,
    /// The organisations that the person joined, oldest first by id.
    pub organizations: BTreeSet<OrganizationId>,
}

/// A program with an API key.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiClient {
    pub organization: OrganizationId,
    pub key: ApiKeyId,
    pub scopes: BTreeSet<Scope>,
}

impl Commands {
    /// `None`: the token is malformed, unknown, expired or signed out; nobody is told which.
    pub async fn authenticate_session(&self, token: &str) -> Result<Option<Session>, Fault> {
        let Some((user, session, secret)) = parse_session_token(token) else { return Ok(None) };
        let folded = self.fold_cached::<User>(user.0, OrganizationId::PLATFORM).await?;
        let valid = folded.state.has_session(session, TokenHash(token_hash(secret)), self.clock.now());
        Ok(valid.then(|| Session { user, session, organizations: folded.state.organizations.clone() }))
    }

    /// `None`: the key is malformed, unknown or revoked, or its organisation is closed.
    pub async fn authenticate_api_key(&self, token: &str) -> Result<Option<ApiClient>, Fault> {
        let Some((organization, key, secret)) = parse_api_key_token(token) else { return Ok(None) };
        let folded = self.fold_cached::<ApiKey>(key.0, organization).await?;
        if !folded.state.is_valid(TokenHash(token_hash(secret))) {
            return Ok(None);
        }
        let open = self.fold_cached::<Organization>(organization.0, organization).await?.state.is_open();
        Ok(open.then(|| ApiClient { organization, key, scopes: folded.state.scopes.clone() }))
    }

    /// The person's role there; `None` for strangers and closed organisations alike.
    pub async fn role_of(&self, user: UserId, organization: OrganizationId) -> Result<Option<Role>, Fault> {
        let folded = self.fold_cached::<Organization>(organization.0, organization).await?;
        Ok(folded.state.members.get(&user).copied().filter(|_| folded.state.is_open()))
    }
}
