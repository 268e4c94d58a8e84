//! The text forms of session tokens, confirmation tokens and API keys: who it is about, then a random secret of which only the hash is stored.

use domain::{ApiKeyId, ErasureId, OrganizationId, SessionId, UserId};
use uuid::Uuid;

/// Marks API keys, so that scanners for leaked secrets can find them.
const API_KEY_PREFIX: &str = "lm_";

/// `<user>.<session>.<secret>`, ids as 32 hex digits.
pub(crate) fn session_token(user: UserId, session: SessionId, secret: &str) -> String {
    format!("{}.{}.{secret}", user.0.simple(), session.0.simple())
}

pub(crate) fn parse_session_token(token: &str) -> Option<(UserId, SessionId, &str)> {
    let (user, rest) = token.split_once('.')?;
    let (session, secret) = rest.split_once('.')?;
    Some((UserId(Uuid::try_parse(user).ok()?), SessionId(Uuid::try_parse(session).ok()?), secret))
}

/// `<user>.<secret>`.
pub(crate) fn confirmation_token(user: UserId, secret: &str) -> String {
    format!("{}.{secret}", user.0.simple())
}

pub(crate) fn parse_confirmation_token(token: &str) -> Option<(UserId, &str)> {
    let (user, secret) = token.split_once('.')?;
    Some((UserId(Uuid::try_parse(user).ok()?), secret))
}

/// `<organisation>.<erasure>.<secret>`: the end of the link to a certificate.
pub(crate) fn certificate_token(organization: OrganizationId, erasure: ErasureId, secret: &str) -> String {
    format!("{}.{}.{secret}", organization.0.simple(), erasure.0.simple())
}

pub(crate) fn parse_certificate_token(token: &str) -> Option<(OrganizationId, ErasureId, &str)> {
    let (organization, rest) = token.split_once('.')?;
    let (erasure, secret) = rest.split_once('.')?;
    Some((OrganizationId(Uuid::try_parse(organization).ok()?), ErasureId(Uuid::try_parse(erasure).ok()?), secret))
}

/// `lm_<organisation>_<key>_<secret>`.
pub(crate) fn api_key_token(organization: OrganizationId, key: ApiKeyId, secret: &str) -> String {
    format!("{API_KEY_PREFIX}{}_{}_{secret}", organization.0.simple(), key.0.simple())
}

pub(crate) fn parse_api_key_token(token: &str) -> Option<(OrganizationId, ApiKeyId, &str)> {
    let rest = token.strip_prefix(API_KEY_PREFIX)?;
    let (organization, rest) = rest.split_once('_')?;
    let (key, secret) = rest.split_once('_')?;
    Some((OrganizationId(Uuid::try_parse(organization).ok()?), ApiKeyId(Uuid::try_parse(key).ok()?), secret))
}
