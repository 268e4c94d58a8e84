//! A person has the account forgotten: sessions end, memberships end, organisations without an owner close, keys die (row M4.2).

use crate::request_erasure::{ErasureOpened, NewCase};
use crate::{Commands, ErasureBegun, Failure, Fault, IdentityProof, Request};
use domain::{
    Actor, ApprovalGround, Category, ClosureReason, Erasure, ErasureCase, ErasureDecision, ErasureId, ErasureTarget, Folded, Organization,
    OrganizationId, Personal, Purpose, RefusalGround, StreamName, SystemActor, Timestamp, Traced, User, UserId,
};
use std::convert::Infallible;
use vault::Opened;

pub struct EraseAccount {
    pub user: UserId,
    pub note: Option<Personal<String>>,
    pub proof: IdentityProof,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EraseAccountRefusal {
    /// The case is recorded, and refused for that.
    #[error("it was not shown that the account's holder asks")]
    IdentityNotShown,
}

impl Commands {
    pub async fn erase_account(&self, by: &Request, request: EraseAccount) -> Result<ErasureBegun, Failure<EraseAccountRefusal>> {
        let by = Request { organization: OrganizationId::PLATFORM, ..by.clone() };
        let address = self.address_of_account(request.user).await?;
        let case = ErasureCase { address, note: request.note.map(Personal::into_exposed) };
        let decision = match self.check_identity(request.user, request.proof).await? {
            Some(means) => ErasureDecision::Approved(means, ApprovalGround::HolderRequest),
            None => ErasureDecision::Refused(RefusalGround::IdentityNotShown),
        };
        let opened = self.open_own_case(&by, ErasureTarget::Account, request.user, case, decision).await?;
        if matches!(decision, ErasureDecision::Refused(_)) {
            return Err(Failure::Refused(EraseAccountRefusal::IdentityNotShown));
        }
        let begun = self.carry_out_erasure(&by, opened.erasure).await?;
        Ok(ErasureBegun { link: Some(opened.link), ..begun })
    }

    pub(crate) async fn address_of_account(&self, user: UserId) -> Result<String, Fault> {
        let user = self.fold::<User>(user.0, OrganizationId::PLATFORM).await?;
        let details = user.state.details.as_ref().ok_or(Fault::Invariant("whoever is signed in has an account"))?;
        match self.open(Actor::System(SystemActor::Erasure), Purpose::SubjectRights, details).await? {
            Opened::Readable(details) => Ok(details.into_exposed().address),
            _ => Err(Fault::Invariant("the data of an open account can be read")),
        }
    }

    /// The case of somebody who asks in a session.
    pub(crate) async fn open_own_case(
        &self,
        by: &Request,
        target: ErasureTarget,
        user: UserId,
        case: ErasureCase,
        decision: ErasureDecision,
    ) -> Result<ErasureOpened, Fault> {
        let now = self.clock.now();
        let (erasure, case) = (ErasureId(self.ids.time_ordered(now)), Personal::new(case));
        let user = Some(user);
        self.open_case(by, NewCase { erasure, target, user, case, keep_suppressed: false, child: false, decision, requested_at: now }).await
    }

    /// Ends everything that hangs on the account, before its keys go.
    pub(crate) async fn close_account(&self, by: &Request, erasure: &Folded<Erasure>, user: UserId) -> Result<(), Fault> {
        let requested_at = erasure.state.requested_at.unwrap_or_else(|| self.clock.now());
        let organizations = self.fold::<User>(user.0, OrganizationId::PLATFORM).await?.state.organizations;
        for organization in organizations {
            self.leave_organization(by, organization, user, requested_at).await?;
        }
        let stream = StreamName::new(Category::User, OrganizationId::PLATFORM, user.0);
        let traced = Traced { key: self.origin_key(by).await?, origin: &by.origin };
        let erasure = ErasureId(erasure.stream.id);
        infallible(self.decide(by, stream, |state: &User| Ok::<_, Infallible>(state.close(erasure, traced))).await)
    }

    /// An organisation that is left without an owner is closed at once, and erased when the person's own case is due: so long there is time for whoever
    /// has a claim to it, and nobody's erasure is blocked.
    async fn leave_organization(
        &self,
        by: &Request,
        organization: OrganizationId,
        user: UserId,
        requested_at: Timestamp,
    ) -> Result<(), Fault> {
        let stream = StreamName::new(Category::Organization, organization, organization.0);
        infallible(self.decide(by, stream, |state: &Organization| Ok::<_, Infallible>(state.remove_member(user))).await)?;
        let left = self.fold::<Organization>(organization.0, organization).await?.state;
        if left.closed_because != Some(ClosureReason::OwnerErased) {
            return Ok(());
        }
        let by = Request { organization, ..by.clone() };
        // There is one such case for an organisation, under its own id, however often this is repeated; who asked is not said again.
        let erasure = ErasureId(organization.0);
        if self.load_erasure(organization, erasure).await?.state.target.is_some() {
            return Ok(());
        }
        let case = Personal::new(ErasureCase { address: String::new(), note: None });
        let (target, decision) = (ErasureTarget::Organization, ErasureDecision::Pending);
        let case = NewCase { erasure, target, user: None, case, keep_suppressed: false, child: false, decision, requested_at };
        self.open_case(&by, case).await.map(drop)
    }
}

pub(crate) fn infallible<T>(outcome: Result<T, Failure<Infallible>>) -> Result<(), Fault> {
    match outcome {
        Ok(_) => Ok(()),
        Err(Failure::Fault(fault)) => Err(fault),
        Err(Failure::Refused(never)) => match never {},
    }
}
