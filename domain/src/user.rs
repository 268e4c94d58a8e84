//! A person with an account: signing up, confirming the address, sessions, and the end of the account.

use crate::aggregate::{Aggregate, Recorded};
use crate::fact::{events, facts, vocabulary};
use crate::personal_data;
use crate::{
    Category, Draft, ErasureId, KeyId, OrganizationId, Personal, RequestOrigin, Sealed, SessionId, Slot, Slots, Timestamp, TokenHash,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The youngest age at which an account may be made (rows M9.1, C15.1: the stricter of 13 and 16).
pub const AGE_MIN_YEARS: u8 = 16;
/// How long a confirmation link works.
pub const CONFIRMATION_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// How long a session lives.
pub const SESSION_LIFETIME: Duration = Duration::from_secs(14 * 24 * 3600);

personal_data! {
    /// Name and address of an account.
    pub struct UserDetails: AccountData, Id, of AccountHolder, rows "M1.1 C4.1", for Service | Security | Support | SubjectRights {
        /// What the person is called.
        pub name: String,
        /// The mail address.
        pub address: String,
    }
    /// The Argon2id hash of the password, as a PHC string.
    pub struct PasswordHash: AccountData, Id, of AccountHolder, rows "M1.1 C4.1", for Security {
        /// The hash with its parameters; never the password.
        pub phc: String,
    }
}

vocabulary! {
    /// How somebody agreed to a privacy policy (rows C1.3, M11.3, C16.3).
    pub enum AcceptanceManner {
        SignUp,
        ContinuedUse,
    }
    /// Why nobody was signed in.
    pub enum SignInFailure {
        WrongPassword,
        AddressNotConfirmed,
    }
}

facts! {
    /// Somebody asked for an account, attesting to be at least [`AGE_MIN_YEARS`] old. No birth date is asked for.
    pub struct UserSignedUp {
        pub details: Slot<UserDetails>,
        pub password: Slot<PasswordHash>,
        pub age_attested_min_years: u8,
        pub origin: Slot<RequestOrigin>,
    }
    pub struct PrivacyPolicyAccepted {
        pub policy_version: u32,
        pub manner: AcceptanceManner,
    }
    /// A link was mailed that proves the address when it is opened.
    pub struct AddressConfirmationRequested {
        pub token: TokenHash,
        pub expires_at: Timestamp,
    }
    pub struct AddressConfirmed {
        pub origin: Slot<RequestOrigin>,
    }
    pub struct SignedIn {
        pub session: SessionId,
        pub token: TokenHash,
        pub expires_at: Timestamp,
        pub origin: Slot<RequestOrigin>,
    }
    pub struct SignInFailed {
        pub failure: SignInFailure,
        pub origin: Slot<RequestOrigin>,
    }
    pub struct SignedOut {
        pub session: SessionId,
        pub origin: Slot<RequestOrigin>,
    }
    /// The person founded or joined an organisation; its own stream tells in which role.
    pub struct OrganizationJoined {
        pub joined: OrganizationId,
    }
    /// The person asked to be forgotten: sessions end, and nothing of the account works any more.
    pub struct AccountClosed {
        pub erasure: ErasureId,
        pub origin: Slot<RequestOrigin>,
    }
}

events! {
    pub enum UserEvent {
        UserSignedUp(UserSignedUp) = 1,
        PrivacyPolicyAccepted(PrivacyPolicyAccepted) = 1,
        AddressConfirmationRequested(AddressConfirmationRequested) = 1,
        AddressConfirmed(AddressConfirmed) = 1,
        SignedIn(SignedIn) = 1,
        SignInFailed(SignInFailed) = 1,
        SignedOut(SignedOut) = 1,
        OrganizationJoined(OrganizationJoined) = 1,
        AccountClosed(AccountClosed) = 1,
    }
}

/// An account as its events leave it.
#[derive(Clone, Debug, Default)]
pub struct User {
    pub details: Option<Sealed<UserDetails>>,
    pub password: Option<Sealed<PasswordHash>>,
    pub signed_up_at: Option<Timestamp>,
    pub confirmed: bool,
    pub closed: bool,
    pub organizations: BTreeSet<OrganizationId>,
    confirmation: Option<(TokenHash, Timestamp)>,
    sessions: BTreeMap<SessionId, (TokenHash, Timestamp)>,
}

impl Aggregate for User {
    type Event = UserEvent;
    const CATEGORY: Category = Category::User;

    fn evolve(&mut self, recorded: &Recorded<UserEvent>) {
        match &recorded.event {
            UserEvent::UserSignedUp(event) => {
                self.details = Some(recorded.sealed(event.details));
                self.password = Some(recorded.sealed(event.password));
                self.signed_up_at = Some(recorded.header.occurred_at);
            }
            UserEvent::AddressConfirmationRequested(event) => self.confirmation = Some((event.token, event.expires_at)),
            UserEvent::AddressConfirmed(_) => {
                self.confirmed = true;
                self.confirmation = None;
            }
            UserEvent::SignedIn(event) => {
                self.sessions.retain(|_, (_, expires_at)| *expires_at > recorded.header.occurred_at);
                self.sessions.insert(event.session, (event.token, event.expires_at));
            }
            UserEvent::SignedOut(event) => {
                self.sessions.remove(&event.session);
            }
            UserEvent::AccountClosed(_) => {
                self.closed = true;
                self.sessions.clear();
            }
            UserEvent::OrganizationJoined(event) => {
                self.organizations.insert(event.joined);
            }
            UserEvent::PrivacyPolicyAccepted(_) | UserEvent::SignInFailed(_) => {}
        }
    }
}

/// What somebody says who signs up.
pub struct SignUp {
    pub details: Personal<UserDetails>,
    pub password: Personal<PasswordHash>,
    pub age_attested: bool,
    pub policy_version: u32,
    pub policy_version_in_force: u32,
    pub confirmation: TokenHash,
    pub origin: Personal<RequestOrigin>,
    pub now: Timestamp,
    /// The person's ID-class key, and the one for the day's origin data.
    pub id_key: KeyId,
    pub ops_key: KeyId,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UserRefusal {
    #[error("an account needs the statement that its holder is at least 16 years old")]
    AgeNotAttested,
    #[error("the privacy policy in force was not the one accepted")]
    PolicyNotAccepted,
    #[error("the link is unknown, used or too old")]
    ConfirmationInvalid,
    #[error("the account was closed")]
    Closed,
}

impl User {
    pub fn sign_up(&self, request: &SignUp) -> Result<Vec<Draft<UserEvent>>, UserRefusal> {
        if self.closed {
            return Err(UserRefusal::Closed);
        }
        // Whoever signs up with a confirmed address may be a stranger: nothing of the account changes.
        if self.confirmed {
            return Ok(vec![]);
        }
        if !request.age_attested {
            return Err(UserRefusal::AgeNotAttested);
        }
        if request.policy_version != request.policy_version_in_force {
            return Err(UserRefusal::PolicyNotAccepted);
        }
        let mut slots = Slots::default();
        let signed_up = UserSignedUp {
            details: slots.put(Some(request.id_key), &request.details),
            password: slots.put(Some(request.id_key), &request.password),
            age_attested_min_years: AGE_MIN_YEARS,
            origin: slots.put(Some(request.ops_key), &request.origin),
        };
        Ok(vec![
            Draft::new(signed_up, slots),
            Draft::plain(PrivacyPolicyAccepted { policy_version: request.policy_version, manner: AcceptanceManner::SignUp }),
            Draft::plain(AddressConfirmationRequested { token: request.confirmation, expires_at: request.now + CONFIRMATION_LIFETIME }),
        ])
    }

    pub fn confirm_address(&self, token: TokenHash, now: Timestamp, origin: Traced<'_>) -> Result<Vec<Draft<UserEvent>>, UserRefusal> {
        match self.confirmation {
            _ if self.closed => Err(UserRefusal::Closed),
            Some((expected, expires_at)) if expected == token && now < expires_at => {
                Ok(vec![origin.draft(|origin| AddressConfirmed { origin })])
            }
            _ => Err(UserRefusal::ConfirmationInvalid),
        }
    }

    /// Records who is now signed in; the password was checked before.
    pub fn sign_in(
        &self,
        session: SessionId,
        token: TokenHash,
        now: Timestamp,
        origin: Traced<'_>,
    ) -> Result<Vec<Draft<UserEvent>>, UserRefusal> {
        if self.closed {
            return Err(UserRefusal::Closed);
        }
        Ok(vec![origin.draft(|origin| SignedIn { session, token, expires_at: now + SESSION_LIFETIME, origin })])
    }

    pub fn fail_sign_in(&self, failure: SignInFailure, origin: Traced<'_>) -> Vec<Draft<UserEvent>> {
        vec![origin.draft(|origin| SignInFailed { failure, origin })]
    }

    pub fn sign_out(&self, session: SessionId, origin: Traced<'_>) -> Vec<Draft<UserEvent>> {
        if !self.sessions.contains_key(&session) {
            return vec![];
        }
        vec![origin.draft(|origin| SignedOut { session, origin })]
    }

    pub fn join(&self, organization: OrganizationId) -> Result<Vec<Draft<UserEvent>>, UserRefusal> {
        match self.closed {
            true => Err(UserRefusal::Closed),
            false if self.organizations.contains(&organization) => Ok(vec![]),
            false => Ok(vec![Draft::plain(OrganizationJoined { joined: organization })]),
        }
    }

    pub fn close(&self, erasure: ErasureId, origin: Traced<'_>) -> Vec<Draft<UserEvent>> {
        if self.closed {
            return vec![];
        }
        vec![origin.draft(|origin| AccountClosed { erasure, origin })]
    }

    /// Sessions that were neither ended nor found out of date, and when each ends.
    pub fn sessions(&self) -> impl Iterator<Item = (SessionId, Timestamp)> + '_ {
        self.sessions.iter().map(|(session, (_, expires_at))| (*session, *expires_at))
    }

    /// When the person signed in whose session this is; `None` when it is over.
    pub fn signed_in_at(&self, session: SessionId, now: Timestamp) -> Option<Timestamp> {
        let (_, expires_at) = self.sessions.get(&session).filter(|(_, expires_at)| !self.closed && now < *expires_at)?;
        Some(*expires_at - SESSION_LIFETIME)
    }

    /// Whether the token belongs to a session that still lives.
    pub fn has_session(&self, session: SessionId, token: TokenHash, now: Timestamp) -> bool {
        !self.closed && self.sessions.get(&session).is_some_and(|(expected, expires_at)| *expected == token && now < *expires_at)
    }
}

/// The origin of a request together with the key that seals it.
#[derive(Clone, Copy)]
pub struct Traced<'a> {
    pub key: Option<KeyId>,
    pub origin: &'a Personal<RequestOrigin>,
}

impl Traced<'_> {
    /// An event whose only personal data is where the request came from.
    pub fn draft<E, F: Into<E>>(self, event: impl FnOnce(Slot<RequestOrigin>) -> F) -> Draft<E> {
        let mut slots = Slots::default();
        let origin = slots.put(self.key, self.origin);
        Draft::new(event(origin), slots)
    }
}
