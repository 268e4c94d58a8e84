//! Something is held: asked for, approved by two people, released, or over in time.

use crate::{Commands, Failure, Request};
use domain::{
    Category, Hold, HoldGround, HoldId, HoldRefusal, HoldTarget, OrganizationId, Position, StreamName, Timestamp, Traced, UserId,
};

pub struct RequestHold {
    pub target: HoldTarget,
    pub ground: HoldGround,
    pub expires_at: Timestamp,
}

impl Commands {
    pub async fn request_hold(&self, by: &Request, request: RequestHold) -> Result<(HoldId, Position), Failure<HoldRefusal>> {
        let now = self.clock.now();
        let hold = HoldId(self.ids.time_ordered(now));
        let traced = Traced { key: self.origin_key(by).await?, origin: &by.origin };
        let RequestHold { target, ground, expires_at } = &request;
        let decide = |hold: &Hold| hold.request(target, *ground, *expires_at, now, traced);
        let recorded = self.decide(by, stream_of(by.organization, hold), decide).await?;
        Ok((hold, recorded.position))
    }

    /// From the second person's approval on, what is due stays.
    pub async fn approve_hold(&self, by: &Request, hold: HoldId, approver: UserId) -> Result<Position, Failure<HoldRefusal>> {
        let traced = Traced { key: self.origin_key(by).await?, origin: &by.origin };
        let now = self.clock.now();
        let decide = |hold: &Hold| hold.approve(approver, now, traced);
        Ok(self.decide(by, stream_of(by.organization, hold), decide).await?.position)
    }

    pub async fn release_hold(&self, by: &Request, hold: HoldId) -> Result<Position, Failure<HoldRefusal>> {
        let traced = Traced { key: self.origin_key(by).await?, origin: &by.origin };
        let now = self.clock.now();
        let decide = |hold: &Hold| hold.release(now, traced);
        Ok(self.decide(by, stream_of(by.organization, hold), decide).await?.position)
    }
}

fn stream_of(organization: OrganizationId, hold: HoldId) -> StreamName {
    StreamName::new(Category::Hold, organization, hold.0)
}
