//! How far a person's data may be used: restricted (row M8.6), objected to (row M8.5), or freely for what the policy allows. A recipient's stream is named by the
//! key that seals the operational data, an account's by the user's id, at the platform organisation. The log decides; the keyring carries a copy,
//! which whoever opens something sees without looking further.

use crate::aggregate::{Aggregate, Recorded};
use crate::fact::{events, facts, vocabulary};
use crate::{Category, Class, Draft, Purpose, Timestamp};
use std::collections::BTreeSet;

vocabulary! {
    /// Why data may only be kept (Art. 18(1) GDPR).
    pub enum RestrictionGround {
        AccuracyContested,
        /// The use was unlawful, and the person does not want erasure.
        UnlawfulUse,
        /// The person needs it for a legal claim.
        LegalClaim,
        /// Until it is known whether an objection holds.
        ObjectionPending,
        /// It must not be destroyed, and is used for nothing else.
        LegalHold,
    }
    /// How the person was told that a restriction ends.
    pub enum NoticeManner {
        /// The organisation has told its recipient by its own means.
        ByController,
        /// Lethemail has mailed its account holder.
        ByMail,
    }
    /// What somebody objects to (Art. 21 GDPR).
    pub enum ObjectionScope {
        /// Uses that rest on legitimate interests.
        LegitimateInterests,
        /// Advertising. Nothing overrides it.
        DirectMarketing,
    }
}

facts! {
    pub struct ProcessingRestricted {
        pub ground: RestrictionGround,
    }
    /// The person was told that the restriction is about to end.
    pub struct RestrictionLiftAnnounced {
        pub manner: NoticeManner,
    }
    pub struct RestrictionLifted {
        pub announced_at: Timestamp,
    }
    pub struct ProcessingObjected {
        pub scopes: Vec<ObjectionScope>,
    }
}

events! {
    pub enum ProcessingEvent {
        ProcessingRestricted(ProcessingRestricted) = 1,
        RestrictionLiftAnnounced(RestrictionLiftAnnounced) = 1,
        RestrictionLifted(RestrictionLifted) = 1,
        ProcessingObjected(ProcessingObjected) = 1,
    }
}

/// The use of one person's data as events leave it.
#[derive(Clone, Debug, Default)]
pub struct Processing {
    pub restricted: Option<RestrictionGround>,
    pub restricted_at: Option<Timestamp>,
    /// When the person was told that this restriction ends.
    pub lift_announced_at: Option<Timestamp>,
    pub objections: BTreeSet<ObjectionScope>,
}

impl Aggregate for Processing {
    type Event = ProcessingEvent;
    const CATEGORY: Category = Category::Processing;

    fn evolve(&mut self, recorded: &Recorded<ProcessingEvent>) {
        let at = Some(recorded.header.occurred_at);
        match &recorded.event {
            ProcessingEvent::ProcessingRestricted(event) => {
                (self.restricted, self.restricted_at, self.lift_announced_at) = (Some(event.ground), at, None);
            }
            ProcessingEvent::RestrictionLiftAnnounced(_) => self.lift_announced_at = at,
            ProcessingEvent::RestrictionLifted(_) => {
                (self.restricted, self.restricted_at, self.lift_announced_at) = (None, None, None);
            }
            ProcessingEvent::ProcessingObjected(event) => self.objections.extend(&event.scopes),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LiftRefusal {
    #[error("nothing is restricted")]
    NotRestricted,
    #[error("the person has not been told that the restriction ends")]
    NotAnnounced,
}

impl Processing {
    pub fn restrict(&self, ground: RestrictionGround) -> Vec<Draft<ProcessingEvent>> {
        if self.restricted == Some(ground) && self.lift_announced_at.is_none() {
            return vec![];
        }
        vec![Draft::plain(ProcessingRestricted { ground })]
    }

    pub fn announce_lift(&self, manner: NoticeManner) -> Result<Vec<Draft<ProcessingEvent>>, LiftRefusal> {
        match self {
            Self { restricted: None, .. } => Err(LiftRefusal::NotRestricted),
            Self { lift_announced_at: Some(_), .. } => Ok(vec![]),
            _ => Ok(vec![Draft::plain(RestrictionLiftAnnounced { manner })]),
        }
    }

    /// Only after notice (Art. 18(3) GDPR).
    pub fn lift(&self) -> Result<Vec<Draft<ProcessingEvent>>, LiftRefusal> {
        match (self.restricted, self.lift_announced_at) {
            (None, _) => Err(LiftRefusal::NotRestricted),
            (Some(_), None) => Err(LiftRefusal::NotAnnounced),
            (Some(_), Some(announced_at)) => Ok(vec![Draft::plain(RestrictionLifted { announced_at })]),
        }
    }

    pub fn object(&self, scopes: &[ObjectionScope]) -> Vec<Draft<ProcessingEvent>> {
        let new: BTreeSet<ObjectionScope> = scopes.iter().copied().filter(|scope| !self.objections.contains(scope)).collect();
        if new.is_empty() { vec![] } else { vec![Draft::plain(ProcessingObjected { scopes: new.into_iter().collect() })] }
    }

    pub fn limits(&self) -> ProcessingLimits {
        let objected = self.objections.contains(&ObjectionScope::LegitimateInterests);
        ProcessingLimits { restricted: self.restricted.is_some(), objected }
    }
}

/// What a key's row says about the use of what it opens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct ProcessingLimits {
    pub restricted: bool,
    /// To uses that rest on legitimate interests.
    pub objected: bool,
}

impl ProcessingLimits {
    /// Whether data of this class may not be opened for this purpose. Restricted data is opened for the person's own rights and where a law or a legal claim
    /// demands it; and for signing in, which nobody but the person does (consent).
    pub fn close(self, class: Class, purpose: Purpose) -> bool {
        let signing_in = class == Class::Id && purpose == Purpose::Security;
        let allowed = matches!(purpose, Purpose::SubjectRights | Purpose::LegalObligation) || signing_in;
        (self.restricted && !allowed) || (self.objected && rests_on_legitimate_interest(class, purpose))
    }

    /// As stored and authenticated; never reused.
    pub fn number(self) -> i16 {
        i16::from(self.restricted) | i16::from(self.objected) << 1
    }

    pub fn from_number(number: i16) -> Option<Self> {
        (0..4).contains(&number).then_some(Self { restricted: number & 1 != 0, objected: number & 2 != 0 })
    }
}

/// Uses that a person can object to. Signing in is the account's contract; what is looked through for the safety of others is not.
fn rests_on_legitimate_interest(class: Class, purpose: Purpose) -> bool {
    purpose == Purpose::Abuse || (purpose == Purpose::Security && class != Class::Id)
}
