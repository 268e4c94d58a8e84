//! Whether somebody who is to be forgotten is on hold. Then nothing is destroyed: the case is refused with that ground, and the data is kept and used for nothing else.

use crate::{Commands, DataSubject, Failure, Fault, LimitRefusal, Request};
use domain::{
    Category, Erasure, ErasureTarget, Folded, HoldTarget, KeyId, OrganizationId, Personal, RefusalGround, RestrictionGround, StreamName,
    SubjectId,
};
use vault::Subject;

impl Commands {
    /// Asked before anything is fenced. A hold on days keeps an organisation as a whole, and nobody in particular.
    pub(crate) async fn is_held(&self, organization: OrganizationId, erasure: &Erasure) -> Result<bool, Fault> {
        let now = self.clock.now();
        let holds = self.holds_of(organization).await?;
        let active: Vec<&HoldTarget> =
            holds.iter().filter(|(_, hold)| hold.is_active_at(now)).filter_map(|(_, hold)| hold.target.as_ref()).collect();
        if active.is_empty() || erasure.target == Some(ErasureTarget::Organization) {
            return Ok(!active.is_empty());
        }
        let keys = self.keys_of_person(organization, erasure).await?;
        let holds =
            |target: &HoldTarget| matches!(target, HoldTarget::Person { keys: held } if held.iter().any(|held| keys.contains(held)));
        Ok(active.into_iter().any(holds))
    }

    pub(crate) async fn refuse_held(&self, by: &Request, folded: &Folded<Erasure>) -> Result<(), Fault> {
        let stream = StreamName::new(Category::Erasure, by.organization, folded.stream.id);
        let refused = self.decide(by, stream, |erasure: &Erasure| erasure.refuse(RefusalGround::LegalHold)).await;
        match refused {
            Err(Failure::Fault(fault)) => return Err(fault),
            Err(Failure::Refused(_)) => return Err(Fault::Invariant("nothing has begun where the hold was found")),
            Ok(_) => {}
        }
        let subject = match (folded.state.target, folded.state.user) {
            (Some(ErasureTarget::Account), Some(user)) => DataSubject::Account(user),
            (Some(ErasureTarget::Recipient), _) => match self.address_of_case(&folded.state).await? {
                Some(address) => DataSubject::Recipient(Personal::new(address)),
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        match self.restrict_processing(by, subject, RestrictionGround::LegalHold).await {
            Err(Failure::Fault(fault)) => Err(fault),
            Ok(_) | Err(Failure::Refused(LimitRefusal::Forgotten | LimitRefusal::Lift(_))) => Ok(()),
        }
    }

    async fn keys_of_person(&self, organization: OrganizationId, erasure: &Erasure) -> Result<Vec<KeyId>, Fault> {
        let mut keys = match erasure.user {
            Some(user) => self.vault.keys_of(organization, Subject::Person(SubjectId(user.0))).await?,
            None => vec![],
        };
        if let Some(address) = self.address_of_case(erasure).await? {
            keys.extend(self.vault.subject_keys_of(organization, &address.normalized()).await?);
        }
        Ok(keys.into_iter().map(|listed| listed.id).collect())
    }
}
