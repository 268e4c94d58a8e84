//! Taking bodies out of the spool when nobody needs them any more (row M1.6).

use crate::{Spool, SpoolError};
use domain::{EmailId, OrganizationId};
use uuid::Uuid;

impl Spool {
    /// Removes bodies of messages whose delivery has ended. What the sandbox caught stays to be looked at.
    pub async fn remove_finished(&self, emails: &[EmailId]) -> Result<(), SpoolError> {
        self.remover.remove(emails).await
    }

    /// Removes everything that waits for an organisation which is being forgotten.
    pub(crate) async fn remove_all_of(&self, organization: OrganizationId) -> Result<(), SpoolError> {
        let client = self.connection().await?;
        let statement = client.prepare_cached("DELETE FROM spool.entry WHERE organization = $1").await?;
        client.execute(&statement, &[&organization.0]).await?;
        Ok(())
    }

    /// Removes what the sandbox caught of messages to somebody who was forgotten: a body needs no key of that person to be read.
    pub async fn remove_captured(&self, emails: &[EmailId]) -> Result<(), SpoolError> {
        let emails: Vec<Uuid> = emails.iter().map(|email| email.0).collect();
        let client = self.connection().await?;
        let statement = client.prepare_cached("DELETE FROM spool.entry WHERE email = ANY ($1) AND captured").await?;
        client.execute(&statement, &[&emails]).await?;
        Ok(())
    }
}
