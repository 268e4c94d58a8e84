//! A person has the account forgotten: sessions end, memberships end, organisations without an owner close, keys die (row M4.2).

use crate::{Commands, ErasureBegun, Failure, Fault, Request};
use domain::{
    Category, ErasureCase, ErasureId, ErasureTarget, Organization, OrganizationId, Personal, Purpose, StreamName, Traced, User, UserId,
};
use std::convert::Infallible;
use vault::Opened;

pub struct EraseAccount {
    pub user: UserId,
    pub note: Option<Personal<String>>,
}

impl Commands {
    pub async fn erase_account(&self, by: &Request, request: EraseAccount) -> Result<ErasureBegun, Fault> {
        let user = self.fold::<User>(request.user.0, OrganizationId::PLATFORM).await?;
        let details = user.state.details.as_ref().ok_or(Fault::Invariant("whoever is signed in has an account"))?;
        let Opened::Readable(details) = self.open(by.actor, Purpose::SubjectRights, details).await? else {
            return Err(Fault::Invariant("the data of an open account can be read"));
        };
        let case = ErasureCase { address: details.into_exposed().address, note: request.note.map(Personal::into_exposed) };
        let by = Request { organization: OrganizationId::PLATFORM, ..by.clone() };
        let erasure = self.open_case(&by, ErasureTarget::Account, Some(request.user), &Personal::new(case), false).await?;
        self.carry_out_erasure(&by, erasure).await
    }

    /// Ends everything that hangs on the account, before its keys go.
    pub(crate) async fn close_account(&self, by: &Request, user: UserId, erasure: ErasureId) -> Result<(), Fault> {
        let stream = StreamName::new(Category::User, OrganizationId::PLATFORM, user.0);
        let organizations = self.fold::<User>(user.0, OrganizationId::PLATFORM).await?.state.organizations;
        for organization in organizations {
            let stream = StreamName::new(Category::Organization, organization, organization.0);
            infallible(self.decide(by, stream, |state: &Organization| Ok::<_, Infallible>(state.remove_member(user))).await)?;
        }
        let traced = Traced { key: Some(self.origin_key(by).await?), origin: &by.origin };
        infallible(self.decide(by, stream, |state: &User| Ok::<_, Infallible>(state.close(erasure, traced))).await)
    }
}

pub(crate) fn infallible<T>(outcome: Result<T, Failure<Infallible>>) -> Result<(), Fault> {
    match outcome {
        Ok(_) => Ok(()),
        Err(Failure::Fault(fault)) => Err(fault),
        Err(Failure::Refused(never)) => match never {},
    }
}
