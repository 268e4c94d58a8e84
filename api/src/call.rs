//! One request: who asks, from where, and in which organisation it may act.

use crate::caller::{Caller, Credential, origin_of};
use crate::node_id::NodeId;
use crate::state::State;
use actix_web::HttpRequest;
use actix_web::web::Data;
use commands::{Fault, Request, Session};
use domain::{
    Actor, Category, CorrelationId, OrganizationId, Personal, PersonalData, Purpose, RequestOrigin, Role, Scope, Sealed, SystemActor,
};
use vault::Opened;

#[derive(Clone)]
pub(crate) struct Call {
    pub state: Data<State>,
    pub caller: Caller,
    pub credential: Credential,
    pub origin: Personal<RequestOrigin>,
    /// Joins everything that the request sets in motion; clients see it as the request's id.
    pub correlation: CorrelationId,
}

/// What a request needs to be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    Send,
    Read,
    Erase,
    /// Keys, servers: for owners and admins in a session, never for a key.
    Administer,
}

/// Why it is not. It has no text of its own, so that each interface has to say it in its own words.
#[derive(Debug)]
pub(crate) enum Denied {
    Unauthenticated,
    Forbidden,
    /// Unknown, or not the caller's: nobody is told which.
    NoSuchOrganization,
    OrganizationRequired,
    Fault(Fault),
}

impl From<Fault> for Denied {
    fn from(fault: Fault) -> Self {
        Denied::Fault(fault)
    }
}

impl Call {
    pub async fn of(state: &Data<State>, request: &HttpRequest) -> Result<Self, Fault> {
        let credential = Credential::of(request);
        Self::with(state, credential, origin_of(state, request)).await
    }

    pub async fn with(state: &Data<State>, credential: Credential, origin: Personal<RequestOrigin>) -> Result<Self, Fault> {
        let caller = credential.authenticate(state).await?;
        let correlation = CorrelationId(state.ids.time_ordered(state.clock.now()));
        Ok(Self { state: state.clone(), caller, credential, origin, correlation })
    }

    /// A request to act in an organisation.
    pub fn request(&self, organization: OrganizationId) -> Result<Request, Denied> {
        let actor = match &self.caller {
            Caller::Nobody(_) => return Err(Denied::Unauthenticated),
            Caller::Person(session) => Actor::Member(session.user),
            Caller::Program(client) => Actor::ApiKey(client.key),
        };
        Ok(Request { actor, organization, origin: self.origin.clone(), correlation: self.correlation, causation: None })
    }

    /// Who reads; Lethemail itself where nobody is known, as for a page that is for everybody.
    pub fn actor(&self) -> Actor {
        match &self.caller {
            Caller::Nobody(_) => Actor::System(SystemActor::Platform),
            Caller::Person(session) => Actor::Member(session.user),
            Caller::Program(client) => Actor::ApiKey(client.key),
        }
    }

    /// Opens what is shown to the caller, which is counted as a read of the caller's.
    pub async fn open<T: PersonalData>(&self, purpose: Purpose, sealed: &Sealed<T>) -> Result<Opened<T>, Fault> {
        self.state.commands.open(self.actor(), purpose, sealed).await
    }

    pub async fn open_many<T: PersonalData>(&self, purpose: Purpose, sealed: &[&Sealed<T>]) -> Result<Vec<Opened<T>>, Fault> {
        self.state.commands.open_many(self.actor(), purpose, sealed).await
    }

    pub fn person(&self) -> Result<&Session, Denied> {
        match &self.caller {
            Caller::Person(session) => Ok(session),
            Caller::Nobody(_) => Err(Denied::Unauthenticated),
            Caller::Program(_) => Err(Denied::Forbidden),
        }
    }

    /// The organisation that is meant, when the caller may do there what is needed. A key means its own; a person with one organisation need
    /// not name it.
    pub async fn organization(&self, named: Option<&str>, need: Need) -> Result<OrganizationId, Denied> {
        let named = match named {
            Some(text) => Some(NodeId::parse_as(Category::Organization, text).ok_or(Denied::NoSuchOrganization)?.organization),
            None => None,
        };
        let meant = match (&self.caller, named) {
            (Caller::Nobody(_), _) => return Err(Denied::Unauthenticated),
            (_, Some(named)) => named,
            (Caller::Program(client), None) => client.organization,
            (Caller::Person(session), None) => self.only_organization(session).await?,
        };
        self.allow(meant, need).await
    }

    /// The same for an organisation that an id of something in it names.
    pub async fn allow(&self, organization: OrganizationId, need: Need) -> Result<OrganizationId, Denied> {
        match &self.caller {
            Caller::Nobody(_) => Err(Denied::Unauthenticated),
            Caller::Program(client) if client.organization != organization => Err(Denied::NoSuchOrganization),
            Caller::Program(client) => {
                let scope = match need {
                    Need::Send => Scope::SendEmails,
                    Need::Read => Scope::ReadEmails,
                    Need::Erase => Scope::EraseRecipients,
                    Need::Administer => return Err(Denied::Forbidden),
                };
                if client.scopes.contains(&scope) { Ok(organization) } else { Err(Denied::Forbidden) }
            }
            Caller::Person(session) => {
                let role = self.state.commands.role_of(session.user, organization).await?.ok_or(Denied::NoSuchOrganization)?;
                let may = matches!(need, Need::Send | Need::Read) || matches!(role, Role::Owner | Role::Admin);
                if may { Ok(organization) } else { Err(Denied::Forbidden) }
            }
        }
    }

    async fn only_organization(&self, session: &Session) -> Result<OrganizationId, Denied> {
        let mut joined = session.organizations.iter();
        match (joined.next(), joined.next()) {
            (Some(only), None) => Ok(*only),
            _ => Err(Denied::OrganizationRequired),
        }
    }
}
