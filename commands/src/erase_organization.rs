//! An owner has the organisation closed and forgotten: the keys of its days are destroyed at once, and after them those of everybody it knew. Financial
//! records stay for as long as the law demands.

use crate::erase_account::infallible;
use crate::{Commands, ErasureBegun, Failure, Fault, IdentityProof, Request};
use domain::{
    ApprovalGround, Category, Class, ClosureReason, ErasureCase, ErasureDecision, ErasureId, ErasureTarget, IdentityMeans, Organization,
    OrganizationId, Personal, RefusalGround, Role, StreamName, UserId,
};
use std::convert::Infallible;

pub struct EraseOrganization {
    pub owner: UserId,
    pub note: Option<Personal<String>>,
    pub proof: IdentityProof,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EraseOrganizationRefusal {
    #[error("only an owner may close the organisation")]
    NotOwner,
    /// The case is recorded, and refused for that.
    #[error("it was not shown that the owner asks")]
    IdentityNotShown,
}

/// What an organisation's erasure ends. Financial records stay by law, the case until it is closed.
pub(crate) const ORGANIZATION_CLASSES: [Class; 5] = [Class::Id, Class::Ops, Class::Support, Class::Web, Class::Suppress];

impl Commands {
    pub async fn erase_organization(
        &self,
        by: &Request,
        request: EraseOrganization,
    ) -> Result<ErasureBegun, Failure<EraseOrganizationRefusal>> {
        if self.role_of(request.owner, by.organization).await? != Some(Role::Owner) {
            return Err(Failure::Refused(EraseOrganizationRefusal::NotOwner));
        }
        let address = self.address_of_account(request.owner).await?;
        let decision = match self.check_identity(request.owner, request.proof).await? {
            Some(means) => ErasureDecision::Approved(means, ApprovalGround::ControllerInstruction),
            None => ErasureDecision::Refused(RefusalGround::IdentityNotShown),
        };
        let case = ErasureCase { address, note: request.note.map(Personal::into_exposed) };
        let opened = self.open_own_case(by, ErasureTarget::Organization, request.owner, case, decision).await?;
        if matches!(decision, ErasureDecision::Refused(_)) {
            return Err(Failure::Refused(EraseOrganizationRefusal::IdentityNotShown));
        }
        let begun = self.carry_out_erasure(by, opened.erasure).await?;
        Ok(ErasureBegun { link: Some(opened.link), ..begun })
    }

    /// What a last owner left behind is erased when that person's own case is due.
    pub async fn approve_orphaned(&self, by: &Request, erasure: ErasureId) -> Result<(), Fault> {
        let approved = self.approve(by, erasure, IdentityMeans::OwnerConfirmed, ApprovalGround::OwnerErased).await;
        match approved {
            Err(Failure::Fault(fault)) => Err(fault),
            // Somebody had a reason to keep it.
            Ok(()) | Err(Failure::Refused(_)) => Ok(()),
        }
    }

    pub(crate) async fn close_organization(&self, by: &Request, organization: OrganizationId) -> Result<(), Fault> {
        let stream = StreamName::new(Category::Organization, organization, organization.0);
        let close = |state: &Organization| Ok::<_, Infallible>(state.close(ClosureReason::Requested));
        infallible(self.decide(by, stream, close).await)
    }
}
