//! Who asks, and from where.

use crate::{Commands, Fault};
use domain::{Actor, Class, CorrelationId, EventId, KeyId, OrganizationId, Personal, RequestOrigin, SubjectId, UserId};
use vault::{KeyName, Subject, VaultError};

/// The circumstances of one request, as the events it causes will tell them.
#[derive(Clone, Debug)]
pub struct Request {
    pub actor: Actor,
    /// The organisation acted in; the platform organisation for a person's own account.
    pub organization: OrganizationId,
    pub origin: Personal<RequestOrigin>,
    pub correlation: CorrelationId,
    /// The event that this reacts to.
    pub causation: Option<EventId>,
}

impl Request {
    /// The name of the key that seals where the request came from: the acting person's; for a program, the organisation's.
    fn origin_key_name(&self) -> KeyName {
        match self.actor {
            Actor::Member(user) => person_key(user, Class::Ops),
            Actor::ApiKey(_) | Actor::System(_) => {
                KeyName { organization: self.organization, subject: Subject::Organization, class: Class::Ops }
            }
        }
    }
}

/// An account holder is a person at the platform organisation, whose subject id is the user id.
pub(crate) fn person_key(user: UserId, class: Class) -> KeyName {
    KeyName { organization: OrganizationId::PLATFORM, subject: Subject::Person(SubjectId(user.0)), class }
}

impl Commands {
    /// The key that seals where a request came from; `None` for somebody who is being forgotten, of whom nothing new is written down.
    pub(crate) async fn origin_key(&self, request: &Request) -> Result<Option<KeyId>, Fault> {
        match self.vault.keys(&[request.origin_key_name()]).await {
            Ok(keys) => Ok(keys.first().copied()),
            Err(VaultError::Fenced) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// One key by its name, made when missing.
    pub(crate) async fn key(&self, name: KeyName) -> Result<KeyId, Fault> {
        self.vault.keys(&[name]).await?.first().copied().ok_or(Fault::Invariant("a key that was asked for exists"))
    }
}
