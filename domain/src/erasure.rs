//! Forgetting somebody, step by step: asked, decided, then first in every living system, and when the epochs that wrapped the keys are destroyed, everywhere.

mod due;
mod events;

pub use due::{APPROVED_ERASURE_DUE, CASE_KEPT, CHILD_ERASURE_DUE, ERASURE_DUE, Urgency, erasure_due};
pub use events::*;

use crate::aggregate::{Aggregate, Recorded};
use crate::{Category, Draft, EnvelopeKeys, EventId, KeyId, Personal, Sealed, SlotContent, Slots, Timestamp, TokenHash, UserId};

/// An erasure as its events leave it.
#[derive(Clone, Debug, Default)]
pub struct Erasure {
    pub target: Option<ErasureTarget>,
    pub user: Option<UserId>,
    pub case: Option<Sealed<ErasureCase>>,
    pub keep_suppressed: bool,
    pub requested_at: Option<Timestamp>,
    pub due_at: Option<Timestamp>,
    /// The hash of the link under which the person finds the certificate.
    pub link: Option<TokenHash>,
    pub hastened: bool,
    pub identity: Option<IdentityMeans>,
    pub approved: bool,
    pub approved_at: Option<Timestamp>,
    pub refused: Option<RefusalGround>,
    pub refused_at: Option<Timestamp>,
    /// What is destroyed and what is kept; the keys that came later are among them.
    pub started: Option<ErasureStarted>,
    /// When the point of no return was passed.
    pub started_at: Option<Timestamp>,
    pub destroyed: bool,
    pub certified: Option<CertificateStage>,
    /// The event that certifies it, whose place in the organisation's log can be proved.
    pub certificate: Option<EventId>,
    pub live_at: Option<Timestamp>,
    pub everywhere_at: Option<Timestamp>,
    pub deadline_missed: bool,
    pub case_closed: bool,
}

impl Aggregate for Erasure {
    type Event = ErasureEvent;
    const CATEGORY: Category = Category::Erasure;

    fn evolve(&mut self, recorded: &Recorded<ErasureEvent>) {
        let at = Some(recorded.header.occurred_at);
        match &recorded.event {
            ErasureEvent::ErasureRequested(event) => {
                self.target = Some(event.target);
                self.user = event.user;
                self.case = Some(recorded.sealed(event.case));
                self.keep_suppressed = event.keep_suppressed;
                self.requested_at = at;
                self.due_at = Some(event.due_at);
            }
            ErasureEvent::CertificateLinkIssued(event) => self.link = Some(event.token),
            ErasureEvent::ErasureHastened(event) => {
                self.hastened = true;
                self.due_at = Some(self.due_at.map_or(event.due_at, |due| due.min(event.due_at)));
            }
            ErasureEvent::ErasureIdentityConfirmed(event) => self.identity = Some(event.means),
            ErasureEvent::ErasureApproved(_) => (self.approved, self.approved_at) = (true, at),
            ErasureEvent::ErasureRefused(event) => (self.refused, self.refused_at) = (Some(event.ground), at),
            ErasureEvent::ErasureStarted(event) => (self.started, self.started_at) = (Some(event.clone()), at),
            ErasureEvent::ErasureWidened(event) => {
                self.started.iter_mut().for_each(|started| started.keys.extend(event.keys.iter().cloned()));
            }
            ErasureEvent::SubjectKeyDestroyed(_) => self.destroyed = true,
            ErasureEvent::ErasureCertified(event) => {
                self.certified = Some(event.stage);
                self.certificate = Some(recorded.header.event_id);
                match event.stage {
                    CertificateStage::Live => self.live_at = at,
                    CertificateStage::Everywhere => self.everywhere_at = at,
                }
            }
            ErasureEvent::ErasureDeadlineMissed(_) => self.deadline_missed = true,
            ErasureEvent::ErasureCaseClosed(_) => self.case_closed = true,
        }
    }
}

/// What somebody asks who wants to be forgotten, or have somebody forgotten.
pub struct RequestErasure {
    pub target: ErasureTarget,
    pub user: Option<UserId>,
    pub case: Personal<ErasureCase>,
    /// Seals the case.
    pub key: KeyId,
    pub keep_suppressed: bool,
    pub link: TokenHash,
    /// The data is a child's.
    pub child: bool,
    /// What is decided in the same moment, so that a crash leaves no case half decided.
    pub decision: ErasureDecision,
    pub now: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErasureDecision {
    Pending,
    Approved(IdentityMeans, ApprovalGround),
    Refused(RefusalGround),
}

/// Why nothing is decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ErasureDecisionRefusal {
    #[error("there is no such request")]
    Unknown,
    #[error("the request was refused before")]
    Refused,
    #[error("the erasure has begun, and there is no way back")]
    Started,
    #[error("the person's data is on hold")]
    OnHold,
}

impl Erasure {
    pub fn request(&self, request: &RequestErasure) -> Vec<Draft<ErasureEvent>> {
        if self.target.is_some() {
            return vec![];
        }
        let RequestErasure { target, user, keep_suppressed, now, .. } = *request;
        let mut slots = Slots::default();
        let case = slots.put(Some(request.key), &request.case);
        let requested = ErasureRequested { target, user, case, keep_suppressed, due_at: erasure_due(now) };
        let mut drafts = vec![Draft::new(requested, slots), Draft::plain(CertificateLinkIssued { token: request.link })];
        if request.child {
            drafts.push(Draft::plain(ErasureHastened { ground: HasteGround::ChildData, due_at: now + CHILD_ERASURE_DUE }));
        }
        match request.decision {
            ErasureDecision::Pending => {}
            ErasureDecision::Approved(means, ground) => {
                drafts.extend([Draft::plain(ErasureIdentityConfirmed { means }), Draft::plain(ErasureApproved { ground })]);
            }
            ErasureDecision::Refused(ground) => drafts.push(Draft::plain(ErasureRefused { ground })),
        }
        drafts
    }

    /// Whoever asks is who may ask, or is not.
    pub fn approve(&self, means: IdentityMeans, ground: ApprovalGround) -> Result<Vec<Draft<ErasureEvent>>, ErasureDecisionRefusal> {
        match self {
            Self { target: None, .. } => Err(ErasureDecisionRefusal::Unknown),
            Self { refused: Some(_), .. } => Err(ErasureDecisionRefusal::Refused),
            Self { approved: true, .. } => Ok(vec![]),
            _ => {
                let confirmed = self.identity.is_none().then(|| Draft::plain(ErasureIdentityConfirmed { means }));
                Ok(confirmed.into_iter().chain([Draft::plain(ErasureApproved { ground })]).collect())
            }
        }
    }

    /// Also of what was approved: a hold may come before the first key is gone.
    pub fn refuse(&self, ground: RefusalGround) -> Result<Vec<Draft<ErasureEvent>>, ErasureDecisionRefusal> {
        match self {
            Self { target: None, .. } => Err(ErasureDecisionRefusal::Unknown),
            Self { started: Some(_), .. } => Err(ErasureDecisionRefusal::Started),
            Self { refused: Some(_), .. } => Ok(vec![]),
            _ => Ok(vec![Draft::plain(ErasureRefused { ground })]),
        }
    }

    /// Whether its keys are to be destroyed.
    pub fn is_approved(&self) -> bool {
        self.approved && self.refused.is_none()
    }

    pub fn start(&self, keys: Vec<DoomedKey>, retained: Vec<Retained>) -> Vec<Draft<ErasureEvent>> {
        if !self.is_approved() || self.started.is_some() {
            return vec![];
        }
        vec![Draft::plain(ErasureStarted { keys, retained })]
    }

    /// Those of the keys that were not listed before join what is destroyed.
    pub fn widen(&self, keys: Vec<DoomedKey>) -> Vec<Draft<ErasureEvent>> {
        let Some(started) = self.started.as_ref().filter(|_| !self.destroyed) else { return vec![] };
        let keys: Vec<_> = keys.into_iter().filter(|new| started.keys.iter().all(|known| known.key != new.key)).collect();
        if keys.is_empty() { vec![] } else { vec![Draft::plain(ErasureWidened { keys })] }
    }

    /// All leases on the keys have run out, and the keys could not be fetched again.
    pub fn conclude(&self) -> Vec<Draft<ErasureEvent>> {
        match &self.started {
            Some(started) if !self.destroyed => {
                let keys = started.keys.iter().map(|doomed| doomed.key).collect();
                vec![Draft::plain(SubjectKeyDestroyed { keys }), Draft::plain(ErasureCertified { stage: CertificateStage::Live })]
            }
            _ => vec![],
        }
    }

    /// Every epoch that may have wrapped the keys is destroyed.
    pub fn conclude_everywhere(&self) -> Vec<Draft<ErasureEvent>> {
        match self.certified {
            Some(CertificateStage::Live) => vec![Draft::plain(ErasureCertified { stage: CertificateStage::Everywhere })],
            _ => vec![],
        }
    }

    /// Once, when the date passes before the case was refused or the keys were gone (row M8.8).
    pub fn miss_deadline(&self, now: Timestamp) -> Vec<Draft<ErasureEvent>> {
        let answered = self.refused.is_some() || self.certified.is_some();
        match self.due_at {
            Some(due_at) if now >= due_at && !answered && !self.deadline_missed => vec![Draft::plain(ErasureDeadlineMissed { due_at })],
            _ => vec![],
        }
    }

    /// When the record of the case has been kept long enough.
    pub fn case_ends_at(&self) -> Option<Timestamp> {
        Some(self.everywhere_at.or(self.refused_at)? + CASE_KEPT)
    }

    pub fn close_case(&self, now: Timestamp) -> Vec<Draft<ErasureEvent>> {
        match (self.case_ends_at(), self.case_key()) {
            (Some(ends_at), Some(key)) if now >= ends_at && !self.case_closed => vec![Draft::plain(ErasureCaseClosed { key })],
            _ => vec![],
        }
    }

    /// The key that seals what was said.
    pub fn case_key(&self) -> Option<KeyId> {
        match &self.case.as_ref()?.content {
            SlotContent::Envelope(envelope) => EnvelopeKeys::of(envelope).map(|keys| keys.subject_key),
            SlotContent::Withheld | SlotContent::Removed(_) => None,
        }
    }

    pub fn urgency(&self, now: Timestamp) -> Option<Urgency> {
        Some(Urgency::of(self.requested_at?, self.due_at?, now))
    }
}
