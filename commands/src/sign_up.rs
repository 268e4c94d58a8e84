//! Somebody asks for an account. Whether the address has one already is told to its mailbox only.

use crate::credentials::confirmation_token;
use crate::request::person_key;
use crate::{Commands, Failure, Fault, Request};
use domain::{
    Actor, Class, CorrelationId, EmailAddress, Folded, OrganizationId, PasswordHash, Personal, Position, RequestOrigin, SignUp, SubjectId,
    TokenHash, User, UserDetails, UserId, UserRefusal,
};
use vault::{Registered, Subject};

/// Characters of a password (NIST SP 800-63B: at least 8, long ones allowed).
const PASSWORD_CHARACTERS: std::ops::RangeInclusive<usize> = 8..=256;
const NAME_CHARACTERS_MAX: usize = 200;

pub struct SignUpWithPassword {
    pub name: Personal<String>,
    pub address: Personal<EmailAddress>,
    pub password: Personal<String>,
    /// "I am at least 16 years old."
    pub age_attested: bool,
    pub privacy_policy_version: u32,
    pub origin: Personal<RequestOrigin>,
    pub correlation: CorrelationId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignUpRefusal {
    #[error("a name has 1 to 200 characters and no control characters")]
    NameInvalid,
    #[error("a password has 8 to 256 characters")]
    PasswordLength,
    #[error(transparent)]
    Rule(UserRefusal),
}

impl Commands {
    /// Answers alike whether or not the address has an account.
    pub async fn sign_up(&self, request: SignUpWithPassword) -> Result<Position, Failure<SignUpRefusal>> {
        check(&request, self.settings.privacy_policy_version).map_err(Failure::Refused)?;
        let phc = self.vault.hash_password(request.password.clone()).await?;
        let address = request.address.expose().normalized();
        let fresh = SubjectId(self.ids.time_ordered(self.clock.now()));
        let registered = self.vault.register_person(OrganizationId::PLATFORM, Class::Id, fresh, &address).await?;
        let key = match registered {
            Registered::Created(key) | Registered::Taken(key) => key,
        };
        let Some((_, Subject::Person(subject))) = self.vault.subject_of(key).await? else {
            return Err(Fault::Invariant("a registered address belongs to a person").into());
        };
        let user = UserId(subject.0);
        let folded: Folded<User> = self.fold(user.0, OrganizationId::PLATFORM).await?;
        if folded.state.confirmed {
            self.notify_of_second_sign_up(user, &request).await?;
            return Ok(self.store.head().await?);
        }
        self.register(user, key, phc, &folded, request).await
    }

    async fn register(
        &self,
        user: UserId,
        id_key: domain::KeyId,
        phc: Personal<String>,
        folded: &Folded<User>,
        request: SignUpWithPassword,
    ) -> Result<Position, Failure<SignUpRefusal>> {
        let secret = self.vault.new_token();
        let by = request.as_request(user);
        let sign_up = SignUp {
            details: Personal::new(UserDetails {
                name: request.name.expose().clone(),
                address: request.address.expose().as_str().to_owned(),
            }),
            password: Personal::new(PasswordHash { phc: phc.into_exposed() }),
            age_attested: request.age_attested,
            policy_version: request.privacy_policy_version,
            policy_version_in_force: self.settings.privacy_policy_version,
            confirmation: TokenHash(secret.hash),
            origin: request.origin.clone(),
            now: self.clock.now(),
            id_key,
            ops_key: self.key(person_key(user, Class::Ops)).await?,
        };

        let recorded =
            self.decide(&by, folded.stream, |user: &User| user.sign_up(&sign_up)).await.map_err(|f| f.map_refusal(SignUpRefusal::Rule))?;
        self.send_confirmation(&by, &request.address, &request.name, &confirmation_token(user, &secret.secret)).await?;
        Ok(recorded.position)
    }
}

fn check(request: &SignUpWithPassword, policy_in_force: u32) -> Result<(), SignUpRefusal> {
    let name = request.name.expose();
    if name.trim().is_empty() || name.chars().count() > NAME_CHARACTERS_MAX || name.chars().any(char::is_control) {
        return Err(SignUpRefusal::NameInvalid);
    }
    if !PASSWORD_CHARACTERS.contains(&request.password.expose().chars().count()) {
        return Err(SignUpRefusal::PasswordLength);
    }
    if !request.age_attested {
        return Err(SignUpRefusal::Rule(UserRefusal::AgeNotAttested));
    }
    if request.privacy_policy_version != policy_in_force {
        return Err(SignUpRefusal::Rule(UserRefusal::PolicyNotAccepted));
    }
    Ok(())
}

impl SignUpWithPassword {
    fn as_request(&self, user: UserId) -> Request {
        Request {
            actor: Actor::Member(user),
            organization: OrganizationId::PLATFORM,
            origin: self.origin.clone(),
            correlation: self.correlation,
            causation: None,
        }
    }
}
