//! A hold: something is not destroyed for now, since a law or a dispute wants it kept. It takes two people to set one, and it always has an end.
//!
//! A hold postpones; it opens nothing, and gives nobody a purpose that he did not have.

use crate::aggregate::{Aggregate, Recorded};
use crate::fact::{events, facts, vocabulary};
use crate::user::Traced;
use crate::{BucketEnd, Category, Day, Draft, EndGround, Fact, KeyId, RequestOrigin, Slot, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// So many different people have to approve.
pub const HOLD_APPROVERS: usize = 2;
/// A hold ends after two years at the latest; whoever needs more asks again.
pub const HOLD_DURATION_MAX: Duration = Duration::from_secs(731 * 24 * 3600);
/// Ten years of days at most.
const HOLD_DAYS_MAX: i32 = 3653;

vocabulary! {
    /// Why something is held.
    pub enum HoldGround {
        /// A claim is made, defended or foreseen.
        LegalClaim,
        /// An authority asks, or a law demands it.
        LegalObligation,
        /// Fraud, abuse or an incident is being looked into.
        Investigation,
    }
    /// Where a hold stands.
    pub enum HoldStage {
        /// Approved by fewer people than it needs.
        Requested,
        Active,
        Released,
        Expired,
    }
}

/// What is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum HoldTarget {
    /// The keys of an organisation's buckets that hold data of these days, both included.
    Days { from: Day, until: Day },
    /// These keys of one person, who is not forgotten meanwhile.
    Person { keys: Vec<KeyId> },
}

impl Fact for HoldTarget {
    fn schema() -> serde_json::Value {
        let (day, keys) = (Day::schema(), Vec::<KeyId>::schema());
        serde_json::json!({ "oneOf": [
            { "type": "object", "properties": { "of": { "const": "days" }, "from": day, "until": day },
              "required": ["of", "from", "until"], "additionalProperties": false },
            { "type": "object", "properties": { "of": { "const": "person" }, "keys": keys },
              "required": ["of", "keys"], "additionalProperties": false },
        ] })
    }
}

facts! {
    pub struct HoldRequested {
        pub target: HoldTarget,
        pub ground: HoldGround,
        pub expires_at: Timestamp,
        pub origin: Slot<RequestOrigin>,
    }
    /// With the second of these the hold begins.
    pub struct HoldApproved {
        pub approver: UserId,
        pub origin: Slot<RequestOrigin>,
    }
    pub struct HoldReleased {
        pub origin: Slot<RequestOrigin>,
    }
    /// Its time was over.
    pub struct HoldExpired {
        pub expires_at: Timestamp,
    }
}

events! {
    pub enum HoldEvent {
        HoldRequested(HoldRequested) = 1,
        HoldApproved(HoldApproved) = 1,
        HoldReleased(HoldReleased) = 1,
        HoldExpired(HoldExpired) = 1,
    }
}

/// A hold as its events leave it.
#[derive(Clone, Debug, Default)]
pub struct Hold {
    pub target: Option<HoldTarget>,
    pub ground: Option<HoldGround>,
    pub requested_at: Option<Timestamp>,
    /// When it ends if nobody releases it.
    pub expires_at: Option<Timestamp>,
    /// Who approved, and when.
    pub approvals: Vec<(UserId, Timestamp)>,
    pub released_at: Option<Timestamp>,
    /// Whether the log says so; it ends in time without that.
    pub expired: bool,
}

impl Aggregate for Hold {
    type Event = HoldEvent;
    const CATEGORY: Category = Category::Hold;

    fn evolve(&mut self, recorded: &Recorded<HoldEvent>) {
        let occurred_at = recorded.header.occurred_at;
        match &recorded.event {
            HoldEvent::HoldRequested(event) => {
                self.target = Some(event.target.clone());
                self.ground = Some(event.ground);
                self.requested_at = Some(occurred_at);
                self.expires_at = Some(event.expires_at);
            }
            HoldEvent::HoldApproved(event) => self.approvals.push((event.approver, occurred_at)),
            HoldEvent::HoldReleased(_) => self.released_at = Some(occurred_at),
            HoldEvent::HoldExpired(_) => self.expired = true,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HoldRefusal {
    #[error("a hold on days names a first and a last day, at most ten years from each other")]
    DaysInvalid,
    #[error("a hold on a person names the keys that it keeps")]
    NothingToHold,
    #[error("a hold ends in the future, and within two years")]
    ExpiryInvalid,
    #[error("there is no such hold")]
    NotFound,
    #[error("the hold has ended")]
    Ended,
}

impl Hold {
    pub fn request(
        &self,
        target: &HoldTarget,
        ground: HoldGround,
        expires_at: Timestamp,
        now: Timestamp,
        origin: Traced<'_>,
    ) -> Result<Vec<Draft<HoldEvent>>, HoldRefusal> {
        match target {
            HoldTarget::Days { from, until } if until < from || until.0 - from.0 > HOLD_DAYS_MAX => return Err(HoldRefusal::DaysInvalid),
            HoldTarget::Person { keys } if keys.is_empty() => return Err(HoldRefusal::NothingToHold),
            HoldTarget::Days { .. } | HoldTarget::Person { .. } => {}
        }
        if expires_at <= now || expires_at > now + HOLD_DURATION_MAX {
            return Err(HoldRefusal::ExpiryInvalid);
        }
        if self.target.is_some() {
            return Ok(vec![]);
        }
        Ok(vec![origin.draft(|origin| HoldRequested { target: target.clone(), ground, expires_at, origin })])
    }

    /// Whoever asked for it may be one of those who approve; nobody is two of them.
    pub fn approve(&self, approver: UserId, now: Timestamp, origin: Traced<'_>) -> Result<Vec<Draft<HoldEvent>>, HoldRefusal> {
        match self.stage_at(now) {
            None => Err(HoldRefusal::NotFound),
            Some(HoldStage::Released | HoldStage::Expired) => Err(HoldRefusal::Ended),
            Some(HoldStage::Active) => Ok(vec![]),
            Some(HoldStage::Requested) if self.approvals.iter().any(|(known, _)| *known == approver) => Ok(vec![]),
            Some(HoldStage::Requested) => Ok(vec![origin.draft(|origin| HoldApproved { approver, origin })]),
        }
    }

    /// Ends it, or takes the request back.
    pub fn release(&self, now: Timestamp, origin: Traced<'_>) -> Result<Vec<Draft<HoldEvent>>, HoldRefusal> {
        match self.stage_at(now) {
            None => Err(HoldRefusal::NotFound),
            Some(HoldStage::Expired) => Err(HoldRefusal::Ended),
            Some(HoldStage::Released) => Ok(vec![]),
            Some(HoldStage::Requested | HoldStage::Active) => Ok(vec![origin.draft(|origin| HoldReleased { origin })]),
        }
    }

    /// Its time is over, and the log shall say so.
    pub fn expire(&self, now: Timestamp) -> Vec<Draft<HoldEvent>> {
        match (self.stage_at(now), self.expires_at) {
            (Some(HoldStage::Expired), Some(expires_at)) if !self.expired => vec![Draft::plain(HoldExpired { expires_at })],
            _ => vec![],
        }
    }

    /// `None`: nobody ever asked for it.
    pub fn stage_at(&self, time: Timestamp) -> Option<HoldStage> {
        let expires_at = self.expires_at?;
        Some(match () {
            () if self.released_at.is_some() => HoldStage::Released,
            () if self.expired || expires_at <= time => HoldStage::Expired,
            () if self.approvals.len() >= HOLD_APPROVERS => HoldStage::Active,
            () => HoldStage::Requested,
        })
    }

    pub fn is_active_at(&self, time: Timestamp) -> bool {
        self.stage_at(time) == Some(HoldStage::Active)
    }

    /// When a bucket with data of the days from `first` to `last` ends, which would have that end without this hold.
    pub fn postpone(&self, (first, last): (Day, Day), end: BucketEnd, now: Timestamp) -> BucketEnd {
        match (&self.target, self.expires_at) {
            (Some(HoldTarget::Days { from, until }), Some(expires_at))
                if self.is_active_at(now) && *from <= last && first <= *until && end.at < expires_at =>
            {
                BucketEnd { at: expires_at, ground: EndGround::Hold }
            }
            _ => end,
        }
    }
}
