//! Restricting the use of somebody's data, and objecting to it (rows M8.5, M8.6). The log decides; then the person's keys are marked, by which whoever opens
//! something sees it. Should a crash come between, the worker marks them.

use crate::{Commands, Failure, Fault, Request};
use domain::{
    Category, Class, Draft, EmailAddress, KeyId, LiftRefusal, NoticeManner, ObjectionScope, OrganizationId, Personal, Position, Processing,
    ProcessingEvent, ProcessingLimits, RestrictionGround, StreamName, SubjectId, Suppression, SuppressionDetails, SuppressionReason,
    UserId,
};
use uuid::Uuid;
use vault::Subject;

/// Whose data.
pub enum DataSubject {
    /// Of the organisation that the request acts in.
    Recipient(Personal<EmailAddress>),
    Account(UserId),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitRefusal {
    #[error("the person was forgotten, and nothing about them is kept")]
    Forgotten,
    #[error(transparent)]
    Lift(LiftRefusal),
}

/// A subject as the log and the keyring know it.
struct Known {
    stream: StreamName,
    keys: Vec<KeyId>,
}

impl Commands {
    pub async fn restrict_processing(
        &self,
        by: &Request,
        subject: DataSubject,
        ground: RestrictionGround,
    ) -> Result<Position, Failure<LimitRefusal>> {
        self.limit(by, &subject, |processing| Ok(processing.restrict(ground))).await
    }

    /// The person learns that the restriction is about to end: an account's holder by mail, a recipient from the organisation.
    pub async fn announce_lift(&self, by: &Request, subject: DataSubject) -> Result<Position, Failure<LimitRefusal>> {
        let manner = match &subject {
            DataSubject::Recipient(_) => NoticeManner::ByController,
            DataSubject::Account(user) => {
                let address = Personal::new(self.address_of_account(*user).await?);
                self.announce_by_mail(by, &address).await?;
                NoticeManner::ByMail
            }
        };
        self.limit(by, &subject, |processing| processing.announce_lift(manner)).await
    }

    pub async fn lift_restriction(&self, by: &Request, subject: DataSubject) -> Result<Position, Failure<LimitRefusal>> {
        self.limit(by, &subject, Processing::lift).await
    }

    /// Whoever objects to advertising is not mailed by this organisation any more, and nothing overrides that.
    pub async fn object_to_processing(
        &self,
        by: &Request,
        subject: DataSubject,
        scopes: &[ObjectionScope],
    ) -> Result<Position, Failure<LimitRefusal>> {
        let position = self.limit(by, &subject, |processing| Ok(processing.object(scopes))).await?;
        match subject {
            DataSubject::Recipient(address) if scopes.contains(&ObjectionScope::DirectMarketing) => {
                self.suppress_objector(by, address).await
            }
            _ => Ok(position),
        }
    }

    /// Marks the keys of a subject as the log says; for whoever finds that a crash, or a restored keyring, has left them otherwise.
    pub async fn keep_limits(&self, organization: OrganizationId, subject: Uuid, limits: ProcessingLimits) -> Result<(), Fault> {
        let mut keys = vec![KeyId(subject)];
        let listed = self.vault.keys_of(organization, Subject::Person(SubjectId(subject))).await?;
        keys.extend(listed.into_iter().map(|listed| listed.id));
        Ok(self.vault.limit(&keys, limits).await?)
    }

    async fn limit(
        &self,
        by: &Request,
        subject: &DataSubject,
        decide: impl Fn(&Processing) -> Result<Vec<Draft<ProcessingEvent>>, LiftRefusal>,
    ) -> Result<Position, Failure<LimitRefusal>> {
        let Known { stream, keys } = self.known(by.organization, subject).await?;
        let recorded = self.decide(by, stream, decide).await.map_err(|failure| failure.map_refusal(LimitRefusal::Lift))?;
        let limits = self.fold::<Processing>(stream.id, stream.organization).await?.state.limits();
        self.vault.limit(&keys, limits).await?;
        Ok(recorded.position)
    }

    async fn known(&self, organization: OrganizationId, subject: &DataSubject) -> Result<Known, Failure<LimitRefusal>> {
        match subject {
            DataSubject::Recipient(address) => {
                let normalized = address.expose().normalized();
                let suppressed = self.suppressed_among(organization, &[&normalized]).await?;
                if suppressed.get(&normalized) == Some(&SuppressionReason::Erased) {
                    return Err(Failure::Refused(LimitRefusal::Forgotten));
                }
                // Made where there is none: what is restricted is what will be known, too.
                let key = self.vault.recipient_keys(organization, Class::Ops, &[&normalized]).await?[0];
                let keys = self.vault.subject_keys_of(organization, &normalized).await?;
                let keys = keys.into_iter().map(|listed| listed.id).collect();
                Ok(Known { stream: StreamName::new(Category::Processing, organization, key.0), keys })
            }
            DataSubject::Account(user) => {
                let platform = OrganizationId::PLATFORM;
                let keys = self.vault.keys_of(platform, Subject::Person(SubjectId(user.0))).await?;
                let keys = keys.into_iter().map(|listed| listed.id).collect();
                Ok(Known { stream: StreamName::new(Category::Processing, platform, user.0), keys })
            }
        }
    }

    async fn suppress_objector(&self, by: &Request, address: Personal<EmailAddress>) -> Result<Position, Failure<LimitRefusal>> {
        let key = self.vault.recipient_keys(by.organization, Class::Suppress, &[&address.expose().normalized()]).await?[0];
        let stream = StreamName::new(Category::Suppression, by.organization, key.0);
        let details = Personal::new(SuppressionDetails { address: address.expose().as_str().to_owned() });
        let suppress = |suppression: &Suppression| Ok(suppression.suppress(SuppressionReason::Objected, &details, key, None));
        Ok(self.decide(by, stream, suppress).await?.position)
    }
}
