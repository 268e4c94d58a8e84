//! The link from the confirmation mail is opened.

use crate::credentials::parse_confirmation_token;
use crate::{Commands, Failure, Request};
use domain::{
    Actor, Category, CorrelationId, OrganizationId, Personal, Position, RequestOrigin, StreamName, TokenHash, Traced, User, UserId,
    UserRefusal,
};
use vault::token_hash;

pub struct ConfirmAddress {
    pub token: Personal<String>,
    pub origin: Personal<RequestOrigin>,
    pub correlation: CorrelationId,
}

impl Commands {
    pub async fn confirm_address(&self, request: ConfirmAddress) -> Result<(UserId, Position), Failure<UserRefusal>> {
        let (user, secret) = parse_confirmation_token(request.token.expose()).ok_or(Failure::Refused(UserRefusal::ConfirmationInvalid))?;
        let stream = StreamName::new(Category::User, OrganizationId::PLATFORM, user.0);
        let token = TokenHash(token_hash(secret));
        let by = Request {
            actor: Actor::Member(user),
            organization: OrganizationId::PLATFORM,
            origin: request.origin,
            correlation: request.correlation,
            causation: None,
        };
        // Nothing is made for a stranger's token: the state is looked at before any key is.
        let folded = self.fold::<User>(user.0, OrganizationId::PLATFORM).await?;
        if folded.version.is_none() {
            return Err(Failure::Refused(UserRefusal::ConfirmationInvalid));
        }
        let key = self.origin_key(&by).await?;
        let now = self.clock.now();
        let traced = Traced { key, origin: &by.origin };
        let recorded = self.decide(&by, stream, |user: &User| user.confirm_address(token, now, traced)).await?;
        Ok((user, recorded.position))
    }
}
