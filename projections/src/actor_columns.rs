//! Who acted, as two columns: what kind of party, and its id where it has one.

use crate::QueryError;
use crate::word::{parse, word};
use domain::{Actor, ApiKeyId, SystemActor, UserId};
use uuid::Uuid;

pub(crate) fn to_columns(actor: Actor) -> (String, Option<Uuid>) {
    match actor {
        Actor::Member(user) => ("member".to_owned(), Some(user.0)),
        Actor::ApiKey(key) => ("api_key".to_owned(), Some(key.0)),
        Actor::System(part) => (word(&part), None),
    }
}

pub(crate) fn from_columns(kind: &str, id: Option<Uuid>, table: &'static str) -> Result<Actor, QueryError> {
    match (kind, id) {
        ("member", Some(id)) => Ok(Actor::Member(UserId(id))),
        ("api_key", Some(id)) => Ok(Actor::ApiKey(ApiKeyId(id))),
        (part, None) => parse::<SystemActor>(part, table).map(Actor::System),
        _ => Err(QueryError::Damaged { table }),
    }
}
