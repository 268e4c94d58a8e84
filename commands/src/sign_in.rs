//! A session by address and password.

use crate::credentials::session_token;
use crate::{Commands, Failure, Fault, Request};
use domain::{
    Actor, Category, Class, CorrelationId, EmailAddress, OrganizationId, Personal, Position, Purpose, RequestOrigin, SESSION_LIFETIME,
    SessionId, SignInFailure, StreamName, Timestamp, TokenHash, Traced, User, UserId, UserRefusal,
};
use vault::{Opened, Subject};

pub struct SignInWithPassword {
    pub address: Personal<EmailAddress>,
    pub password: Personal<String>,
    pub origin: Personal<RequestOrigin>,
    pub correlation: CorrelationId,
}

pub struct SignedInSession {
    pub user: UserId,
    /// The cookie's value; it is shown this once.
    pub token: Personal<String>,
    pub expires_at: Timestamp,
    pub position: Position,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignInRefusal {
    /// Unknown address, wrong password or closed account: nobody is told which.
    #[error("address or password is wrong")]
    CredentialsInvalid,
    /// Said only to somebody who knows the password.
    #[error("the address is not confirmed yet")]
    AddressNotConfirmed,
}

impl Commands {
    pub async fn sign_in(&self, request: SignInWithPassword) -> Result<SignedInSession, Failure<SignInRefusal>> {
        let Some((user, phc)) = self.find_password(&request.address).await? else {
            // The password check takes its time all the same. What a failed sign-in writes besides takes a few milliseconds more.
            self.vault.verify_password(request.password, None).await?;
            return Err(Failure::Refused(SignInRefusal::CredentialsInvalid));
        };
        let by = Request {
            actor: Actor::Member(user),
            organization: OrganizationId::PLATFORM,
            origin: request.origin,
            correlation: request.correlation,
            causation: None,
        };
        let stream = StreamName::new(Category::User, OrganizationId::PLATFORM, user.0);
        let key = self.origin_key(&by).await?;
        let traced = Traced { key, origin: &by.origin };
        if !self.vault.verify_password(request.password, Some(phc)).await? {
            self.fail_sign_in(&by, stream, SignInFailure::WrongPassword, traced).await?;
            return Err(Failure::Refused(SignInRefusal::CredentialsInvalid));
        }
        if !self.fold::<User>(user.0, OrganizationId::PLATFORM).await?.state.confirmed {
            self.fail_sign_in(&by, stream, SignInFailure::AddressNotConfirmed, traced).await?;
            return Err(Failure::Refused(SignInRefusal::AddressNotConfirmed));
        }
        let (session, secret, now) = (SessionId(self.ids.random()), self.vault.new_token(), self.clock.now());
        let token = TokenHash(secret.hash);
        let recorded = self
            .decide(&by, stream, |user: &User| user.sign_in(session, token, now, traced))
            .await
            .map_err(|failure| failure.map_refusal(|_: UserRefusal| SignInRefusal::CredentialsInvalid))?;
        let token = Personal::new(session_token(user, session, &secret.secret));
        Ok(SignedInSession { user, token, expires_at: now + SESSION_LIFETIME, position: recorded.position })
    }

    async fn fail_sign_in(&self, by: &Request, stream: StreamName, failure: SignInFailure, traced: Traced<'_>) -> Result<(), Fault> {
        let decided = self.decide(by, stream, |user: &User| Ok::<_, std::convert::Infallible>(user.fail_sign_in(failure, traced))).await;
        match decided {
            Ok(_) => Ok(()),
            Err(Failure::Fault(fault)) => Err(fault),
            Err(Failure::Refused(never)) => match never {},
        }
    }

    /// The account of an address and its password hash; `None` when there is none, or its data is gone.
    async fn find_password(&self, address: &Personal<EmailAddress>) -> Result<Option<(UserId, Personal<String>)>, Fault> {
        let key = self.vault.find_recipient(OrganizationId::PLATFORM, Class::Id, &address.expose().normalized()).await?;
        let Some(key) = key else { return Ok(None) };
        let Some((_, Subject::Person(subject))) = self.vault.subject_of(key).await? else { return Ok(None) };
        let user = self.fold::<User>(subject.0, OrganizationId::PLATFORM).await?;
        let Some(password) = user.state.password.filter(|_| !user.state.closed) else { return Ok(None) };
        Ok(match self.open(Actor::Member(UserId(subject.0)), Purpose::Security, &password).await? {
            Opened::Readable(hash) => Some((UserId(subject.0), Personal::new(hash.into_exposed().phc))),
            _ => None,
        })
    }
}
