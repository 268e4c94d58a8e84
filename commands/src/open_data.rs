//! Where personal data is opened, by everybody but the vault itself: for a purpose, by somebody. What is opened is counted, and a refusal is written down
//! before the caller hears of it.

use crate::{CapturedMail, Commands, Fault, SpooledMail};
use domain::{
    Actor, DataAccess, DataName, EmailId, OrganizationId, PersonalData, Purpose, PurposeRefusal, SealContext, Sealed, SystemActor,
    Timestamp,
};
use std::collections::BTreeMap;
use vault::{Opened, VaultError};
use zeroize::Zeroizing;

impl Commands {
    /// Opens one sealed value.
    pub async fn open<T: PersonalData>(&self, by: Actor, purpose: Purpose, sealed: &Sealed<T>) -> Result<Opened<T>, Fault> {
        Ok(self.open_many(by, purpose, &[sealed]).await?.pop().expect("one value has one answer"))
    }

    /// Opens many sealed values at once.
    pub async fn open_many<T: PersonalData>(&self, by: Actor, purpose: Purpose, sealed: &[&Sealed<T>]) -> Result<Vec<Opened<T>>, Fault> {
        match self.vault.open_many(purpose, sealed).await {
            Ok(opened) => {
                let readable = sealed.iter().zip(&opened).filter(|(_, opened)| matches!(opened, Opened::Readable(_)));
                self.reads.count(by, purpose, T::ENTRY.data, readable.map(|(sealed, _)| sealed.context.organization));
                Ok(opened)
            }
            Err(error) => {
                let organizations = sealed.iter().map(|sealed| sealed.context.organization);
                Err(self.not_opened(by, purpose, T::ENTRY.data, organizations, error).await)
            }
        }
    }

    /// Opens an envelope whose kind is known by its name in the data policy only.
    pub async fn open_named(
        &self,
        by: Actor,
        purpose: Purpose,
        data: DataName,
        context: &SealContext,
        envelope: &[u8],
    ) -> Result<Opened<Zeroizing<Vec<u8>>>, Fault> {
        let organization = std::iter::once(context.organization);
        match self.vault.open_named(purpose, data, context, envelope).await {
            Ok(opened) => {
                self.reads.count(by, purpose, data, organization.filter(|_| matches!(opened, Opened::Readable(_))));
                Ok(opened)
            }
            Err(error) => Err(self.not_opened(by, purpose, data, organization, error).await),
        }
    }

    /// A waiting message, for whoever delivers it; `None`: delivered, cancelled or expired, and gone.
    pub async fn open_spooled(&self, email: EmailId) -> Result<Option<SpooledMail>, Fault> {
        let Some((organization, mail)) = self.spool.open_of(email).await? else { return Ok(None) };
        let by = Actor::System(SystemActor::Delivery);
        self.reads.count(by, Purpose::Deliver, DataName::SpooledMail, std::iter::once(organization));
        Ok(Some(mail))
    }

    /// A message that the sandbox caught, which is delivered by being shown; `None`: there is none, or no longer.
    pub async fn open_captured(
        &self,
        by: Actor,
        organization: OrganizationId,
        email: EmailId,
        now: Timestamp,
    ) -> Result<Option<CapturedMail>, Fault> {
        let mail = self.spool.captured_one(organization, email, now).await?;
        self.reads.count(by, Purpose::Deliver, DataName::SpooledMail, mail.iter().map(|_| organization));
        Ok(mail)
    }

    /// Writes a refusal down, one event for each organisation whose data it was about.
    async fn not_opened(
        &self,
        by: Actor,
        purpose: Purpose,
        data: DataName,
        organizations: impl Iterator<Item = OrganizationId>,
        error: VaultError,
    ) -> Fault {
        let VaultError::PurposeRefused { refusal, .. } = error else { return error.into() };
        match self.record_refusal(by, purpose, data, refusal, organizations).await {
            Ok(()) => error.into(),
            Err(fault) => fault,
        }
    }

    async fn record_refusal(
        &self,
        by: Actor,
        purpose: Purpose,
        data: DataName,
        refusal: PurposeRefusal,
        organizations: impl Iterator<Item = OrganizationId>,
    ) -> Result<(), Fault> {
        let mut counts = BTreeMap::<OrganizationId, u64>::new();
        organizations.for_each(|organization| *counts.entry(organization).or_default() += 1);
        for (organization, count) in counts {
            self.accesses.record(by, organization, &[DataAccess::refuse(purpose, data, refusal, count)]).await?;
        }
        Ok(())
    }
}
