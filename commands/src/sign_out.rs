//! A session ends.

use crate::{Commands, Failure, Fault, Request};
use domain::{Category, OrganizationId, Position, SessionId, StreamName, Traced, User, UserId};
use std::convert::Infallible;

impl Commands {
    /// Signing out twice is signing out.
    pub async fn sign_out(&self, by: &Request, user: UserId, session: SessionId) -> Result<Position, Fault> {
        let stream = StreamName::new(Category::User, OrganizationId::PLATFORM, user.0);
        let traced = Traced { key: self.origin_key(by).await?, origin: &by.origin };
        match self.decide(by, stream, |user: &User| Ok::<_, Infallible>(user.sign_out(session, traced))).await {
            Ok(recorded) => Ok(recorded.position),
            Err(Failure::Fault(fault)) => Err(fault),
            Err(Failure::Refused(never)) => match never {},
        }
    }
}
