//! Forgetting somebody, step by step: first in every living system, then, when the epochs that wrapped the keys are destroyed, everywhere.

use crate::aggregate::{Aggregate, Recorded};
use crate::fact::{events, facts, vocabulary};
use crate::personal_data;
use crate::{Category, Class, Draft, KeyId, OrganizationId, Personal, Sealed, Slot, Slots, Timestamp, UserId};
use std::time::Duration;

/// Answered within this time at the latest (rows M4.2, M8.8).
pub const ERASURE_DUE: Duration = Duration::from_secs(30 * 24 * 3600);

personal_data! {
    /// Who is to be forgotten, and what was said about it. Its own key dies with the case.
    pub struct ErasureCase: AccountData, Case, of Requester, rows "M4.2 M8.3 C7.1", for SubjectRights | LegalObligation {
        /// The address that is to be forgotten.
        pub address: String,
        /// What whoever asked for it wrote.
        pub note: Option<String>,
    }
}

vocabulary! {
    pub enum ErasureTarget {
        /// One address as one organisation's recipient.
        Recipient,
        /// A person's account with everything that hangs on it.
        Account,
    }
    pub enum ApprovalGround {
        /// The organisation, as controller, instructs us.
        ControllerInstruction,
        /// The account's holder asked in a session.
        HolderRequest,
    }
    pub enum RefusalGround {
        IdentityNotShown,
        LegalHold,
        LegalObligation,
    }
    /// Why something is not destroyed.
    pub enum RetentionGround {
        /// The address stays on the organisation's suppression list, so that it is not mailed again.
        Suppression,
        /// Tax and accounting law.
        FinancialRecords,
        /// The record of this very request.
        RequestEvidence,
    }
    pub enum CertificateStage {
        /// No living system has the keys.
        Live,
        /// No backup has them either: the epoch that wrapped them is destroyed.
        Everywhere,
    }
}

facts! {
    pub struct ErasureRequested {
        pub target: ErasureTarget,
        pub user: Option<UserId>,
        pub case: Slot<ErasureCase>,
        /// Whether the address stays on the organisation's suppression list; the person may decline that.
        pub keep_suppressed: bool,
        pub due_at: Timestamp,
    }
    pub struct ErasureApproved {
        pub ground: ApprovalGround,
    }
    pub struct ErasureRefused {
        pub ground: RefusalGround,
    }
    /// A key about to be destroyed.
    pub struct DoomedKey {
        pub key: KeyId,
        pub organization: OrganizationId,
        pub class: Class,
        /// The newest epoch that ever wrapped it: when that is destroyed, no backup opens it.
        pub newest_epoch: u32,
    }
    pub struct Retained {
        pub class: Class,
        pub ground: RetentionGround,
        pub key: Option<KeyId>,
    }
    /// From here on there is no way back.
    pub struct ErasureStarted {
        pub keys: Vec<DoomedKey>,
        pub retained: Vec<Retained>,
    }
    /// The keys are gone from every living process, and a fresh attempt to use them failed.
    pub struct SubjectKeyDestroyed {
        pub keys: Vec<KeyId>,
    }
    pub struct ErasureCertified {
        pub stage: CertificateStage,
    }
}

events! {
    pub enum ErasureEvent {
        ErasureRequested(ErasureRequested) = 1,
        ErasureApproved(ErasureApproved) = 1,
        ErasureRefused(ErasureRefused) = 1,
        ErasureStarted(ErasureStarted) = 1,
        SubjectKeyDestroyed(SubjectKeyDestroyed) = 1,
        ErasureCertified(ErasureCertified) = 1,
    }
}

/// An erasure as its events leave it.
#[derive(Clone, Debug, Default)]
pub struct Erasure {
    pub target: Option<ErasureTarget>,
    pub user: Option<UserId>,
    pub case: Option<Sealed<ErasureCase>>,
    pub keep_suppressed: bool,
    pub due_at: Option<Timestamp>,
    pub approved: bool,
    pub refused: Option<RefusalGround>,
    pub started: Option<ErasureStarted>,
    /// When the point of no return was passed.
    pub started_at: Option<Timestamp>,
    pub destroyed: bool,
    pub certified: Option<CertificateStage>,
}

impl Aggregate for Erasure {
    type Event = ErasureEvent;
    const CATEGORY: Category = Category::Erasure;

    fn evolve(&mut self, recorded: &Recorded<ErasureEvent>) {
        match &recorded.event {
            ErasureEvent::ErasureRequested(event) => {
                self.target = Some(event.target);
                self.user = event.user;
                self.case = Some(recorded.sealed(event.case));
                self.keep_suppressed = event.keep_suppressed;
                self.due_at = Some(event.due_at);
            }
            ErasureEvent::ErasureApproved(_) => self.approved = true,
            ErasureEvent::ErasureRefused(event) => self.refused = Some(event.ground),
            ErasureEvent::ErasureStarted(event) => {
                self.started = Some(event.clone());
                self.started_at = Some(recorded.header.occurred_at);
            }
            ErasureEvent::SubjectKeyDestroyed(_) => self.destroyed = true,
            ErasureEvent::ErasureCertified(event) => self.certified = Some(event.stage),
        }
    }
}

impl Erasure {
    /// A request that needs no further check of identity: the controller instructs, or the holder asks in a session.
    pub fn request(
        &self,
        target: ErasureTarget,
        user: Option<UserId>,
        case: &Personal<ErasureCase>,
        key: KeyId,
        keep_suppressed: bool,
        now: Timestamp,
    ) -> Vec<Draft<ErasureEvent>> {
        if self.target.is_some() {
            return vec![];
        }
        let mut slots = Slots::default();
        let requested = ErasureRequested { target, user, case: slots.put(Some(key), case), keep_suppressed, due_at: now + ERASURE_DUE };
        let ground = match target {
            ErasureTarget::Recipient => ApprovalGround::ControllerInstruction,
            ErasureTarget::Account => ApprovalGround::HolderRequest,
        };
        vec![Draft::new(requested, slots), Draft::plain(ErasureApproved { ground })]
    }

    pub fn start(&self, keys: Vec<DoomedKey>, retained: Vec<Retained>) -> Vec<Draft<ErasureEvent>> {
        if !self.approved || self.started.is_some() {
            return vec![];
        }
        vec![Draft::plain(ErasureStarted { keys, retained })]
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
}
