//! Whether whoever holds a session is the account's holder: what cannot be taken back asks for more than a cookie that may have been lying about for days.

use crate::{Commands, Fault};
use domain::{Actor, IdentityMeans, OrganizationId, Personal, Purpose, SessionId, User, UserId};
use std::time::Duration;
use vault::Opened;

/// So long ago the person may have signed in.
const RECENT: Duration = Duration::from_secs(15 * 60);

/// What shows that it is the account's holder who asks.
pub enum IdentityProof {
    /// The password, given again.
    Password(Personal<String>),
    /// A session that was begun minutes before.
    Session(SessionId),
}

impl Commands {
    /// How the holder was recognised; `None` when that failed.
    pub(crate) async fn check_identity(&self, user: UserId, proof: IdentityProof) -> Result<Option<IdentityMeans>, Fault> {
        let folded = self.fold::<User>(user.0, OrganizationId::PLATFORM).await?;
        match proof {
            IdentityProof::Session(session) => {
                let now = self.clock.now();
                let recent = folded.state.signed_in_at(session, now).is_some_and(|at| now.since(at) <= RECENT);
                Ok(recent.then_some(IdentityMeans::RecentSignIn))
            }
            IdentityProof::Password(password) => {
                let Some(sealed) = folded.state.password.filter(|_| !folded.state.closed) else { return Ok(None) };
                let phc = match self.open(Actor::Member(user), Purpose::Security, &sealed).await? {
                    Opened::Readable(hash) => Some(Personal::new(hash.into_exposed().phc)),
                    _ => None,
                };
                Ok(self.vault.verify_password(password, phc).await?.then_some(IdentityMeans::Password))
            }
        }
    }
}
