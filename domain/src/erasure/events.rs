//! What happens to a request to be forgotten, and the words that it is told in.

use crate::fact::{events, facts, vocabulary};
use crate::personal_data;
use crate::{Class, KeyId, OrganizationId, Slot, Timestamp, TokenHash, UserId};

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
        /// An organisation with everything that is its own; the case stands in its own log.
        Organization,
    }
    /// How it was made sure that the request is the person's, or the controller's.
    pub enum IdentityMeans {
        /// The organisation is the controller, knows the person, and asks on the person's behalf.
        ControllerConfirmed,
        /// The account's holder signed in minutes before.
        RecentSignIn,
        /// The account's holder gave the password again.
        Password,
        /// The organisation's last owner was forgotten upon a confirmed request.
        OwnerConfirmed,
    }
    pub enum ApprovalGround {
        /// The organisation, as controller, instructs us.
        ControllerInstruction,
        /// The account's holder asked in a session.
        HolderRequest,
        /// A child's data was found: nobody has to agree (row M9.3).
        ChildData,
        /// The organisation's last owner was forgotten, and nobody has taken it over.
        OwnerErased,
    }
    pub enum RefusalGround {
        IdentityNotShown,
        LegalHold,
        LegalObligation,
        /// The data is needed to establish, exercise or defend a legal claim (Art. 17(3)(e) GDPR).
        LegalClaim,
        /// Somebody else decides about this data; the person has to ask there.
        NotTheController,
        AlreadyErased,
        /// Manifestly unfounded or excessive (Art. 12(5) GDPR).
        Unfounded,
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
    /// Why a case may not wait as long as others.
    pub enum HasteGround {
        ChildData,
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
    /// Whoever has the link may read the certificate; only its hash is known.
    pub struct CertificateLinkIssued {
        pub token: TokenHash,
    }
    /// The case is due earlier than others.
    pub struct ErasureHastened {
        pub ground: HasteGround,
        pub due_at: Timestamp,
    }
    pub struct ErasureIdentityConfirmed {
        pub means: IdentityMeans,
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
    /// Further keys that are about to be destroyed: of an organisation's many, or made for the person while the first were listed.
    pub struct ErasureWidened {
        pub keys: Vec<DoomedKey>,
    }
    /// The keys are gone from every living process, and a fresh attempt to use them failed.
    pub struct SubjectKeyDestroyed {
        pub keys: Vec<KeyId>,
    }
    pub struct ErasureCertified {
        pub stage: CertificateStage,
    }
    /// The date passed before the request was answered.
    pub struct ErasureDeadlineMissed {
        pub due_at: Timestamp,
    }
    /// Nothing is left to certify: the key of the case itself is about to be destroyed.
    pub struct ErasureCaseClosed {
        pub key: KeyId,
    }
}

events! {
    pub enum ErasureEvent {
        ErasureRequested(ErasureRequested) = 1,
        CertificateLinkIssued(CertificateLinkIssued) = 1,
        ErasureHastened(ErasureHastened) = 1,
        ErasureIdentityConfirmed(ErasureIdentityConfirmed) = 1,
        ErasureApproved(ErasureApproved) = 1,
        ErasureRefused(ErasureRefused) = 1,
        ErasureStarted(ErasureStarted) = 1,
        ErasureWidened(ErasureWidened) = 1,
        SubjectKeyDestroyed(SubjectKeyDestroyed) = 1,
        ErasureCertified(ErasureCertified) = 1,
        ErasureDeadlineMissed(ErasureDeadlineMissed) = 1,
        ErasureCaseClosed(ErasureCaseClosed) = 1,
    }
}
