//! Somebody asks that a person be forgotten, and somebody decides. Until then the case waits, and its date runs.

use crate::credentials::certificate_token;
use crate::{Commands, ErasureBegun, Failure, Fault, Request};
use domain::{
    ApprovalGround, Category, Class, EmailAddress, Erasure, ErasureCase, ErasureDecision, ErasureDecisionRefusal, ErasureId, ErasureTarget,
    IdentityMeans, Personal, Position, RefusalGround, StreamName, Timestamp, TokenHash, UserId,
};
use std::convert::Infallible;
use vault::{KeyName, Subject};

/// An organisation asks on behalf of one of its recipients.
pub struct RequestRecipientErasure {
    pub address: Personal<EmailAddress>,
    pub note: Option<Personal<String>>,
    /// Whether the address stays on the suppression list, so that it is not mailed again by accident.
    pub keep_suppressed: bool,
    /// The person is a child: the case is carried out at once (row M9.3).
    pub child: bool,
}

/// A case that waits for a decision, or has one.
#[derive(Clone, Debug)]
pub struct ErasureOpened {
    pub erasure: ErasureId,
    pub position: Position,
    /// The end of the link to the certificate; it is shown this once.
    pub link: Personal<String>,
}

/// What a new case is about.
pub(crate) struct NewCase {
    pub erasure: ErasureId,
    pub target: ErasureTarget,
    pub user: Option<UserId>,
    pub case: Personal<ErasureCase>,
    pub keep_suppressed: bool,
    pub child: bool,
    pub decision: ErasureDecision,
    /// Its date runs from then on.
    pub requested_at: Timestamp,
}

impl Commands {
    /// Records what is asked. A child's data is erased at once, without anybody's consent.
    pub async fn request_erasure(&self, by: &Request, request: RequestRecipientErasure) -> Result<ErasureOpened, Fault> {
        let decision = match request.child {
            true => ErasureDecision::Approved(IdentityMeans::ControllerConfirmed, ApprovalGround::ChildData),
            false => ErasureDecision::Pending,
        };
        let opened = self.open_recipient_case(by, request, decision).await?;
        if decision == ErasureDecision::Pending {
            return Ok(opened);
        }
        let begun = self.carry_out_erasure(by, opened.erasure).await?;
        Ok(ErasureOpened { position: begun.position, ..opened })
    }

    /// The organisation vouches for the person and instructs: the keys are destroyed.
    pub async fn approve_erasure(&self, by: &Request, erasure: ErasureId) -> Result<ErasureBegun, Failure<ErasureDecisionRefusal>> {
        self.approve(by, erasure, IdentityMeans::ControllerConfirmed, ApprovalGround::ControllerInstruction).await?;
        match self.carry_out_erasure(by, erasure).await? {
            ErasureBegun { held: true, .. } => Err(Failure::Refused(ErasureDecisionRefusal::OnHold)),
            begun => Ok(begun),
        }
    }

    pub async fn refuse_erasure(
        &self,
        by: &Request,
        erasure: ErasureId,
        ground: RefusalGround,
    ) -> Result<Position, Failure<ErasureDecisionRefusal>> {
        let stream = StreamName::new(Category::Erasure, by.organization, erasure.0);
        Ok(self.decide(by, stream, |erasure: &Erasure| erasure.refuse(ground)).await?.position)
    }

    pub(crate) async fn open_recipient_case(
        &self,
        by: &Request,
        request: RequestRecipientErasure,
        decision: ErasureDecision,
    ) -> Result<ErasureOpened, Fault> {
        let now = self.clock.now();
        let address = request.address.expose().as_str().to_owned();
        let case = Personal::new(ErasureCase { address, note: request.note.map(Personal::into_exposed) });
        let new = NewCase {
            erasure: ErasureId(self.ids.time_ordered(now)),
            target: ErasureTarget::Recipient,
            user: None,
            case,
            keep_suppressed: request.keep_suppressed,
            child: request.child,
            decision,
            requested_at: now,
        };
        self.open_case(by, new).await
    }

    /// Records the request under a key of its own, which ends with the case. A case that is there already stays as it is.
    pub(crate) async fn open_case(&self, by: &Request, new: NewCase) -> Result<ErasureOpened, Fault> {
        let NewCase { erasure, target, user, case, keep_suppressed, child, decision, requested_at } = new;
        let name = KeyName { organization: by.organization, subject: Subject::Requester(erasure.0), class: Class::Case };
        let (key, secret) = (self.key(name).await?, self.vault.new_token());
        let link = TokenHash(secret.hash);
        let request = domain::RequestErasure { target, user, case, key, keep_suppressed, link, child, decision, now: requested_at };
        let stream = StreamName::new(Category::Erasure, by.organization, erasure.0);
        let recorded = self.decide(by, stream, |erasure: &Erasure| Ok::<_, Infallible>(erasure.request(&request))).await;
        match recorded {
            Ok(recorded) => {
                let link = Personal::new(certificate_token(by.organization, erasure, &secret.secret));
                Ok(ErasureOpened { erasure, position: recorded.position, link })
            }
            Err(Failure::Fault(fault)) => Err(fault),
            Err(Failure::Refused(never)) => match never {},
        }
    }

    pub(crate) async fn approve(
        &self,
        by: &Request,
        erasure: ErasureId,
        means: IdentityMeans,
        ground: ApprovalGround,
    ) -> Result<(), Failure<ErasureDecisionRefusal>> {
        let stream = StreamName::new(Category::Erasure, by.organization, erasure.0);
        self.decide(by, stream, |erasure: &Erasure| erasure.approve(means, ground)).await.map(drop)
    }
}
