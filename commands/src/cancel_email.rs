//! A message is stopped for everybody who is still waiting for it.

use crate::{Commands, Failure, Fault, Request};
use domain::{CancellationReason, Category, Email, EmailId, EmailRefusal, Position, StreamName};

pub struct CancelEmail {
    pub email: EmailId,
}

impl Commands {
    pub async fn cancel_email(&self, by: &Request, request: CancelEmail) -> Result<Position, Failure<EmailRefusal>> {
        let stream = StreamName::new(Category::Email, by.organization, request.email.0);
        let recorded = self.decide(by, stream, |email: &Email| email.cancel(CancellationReason::Requested, None)).await?;
        self.drop_finished_body(by.organization, request.email).await?;
        Ok(recorded.position)
    }

    /// The body goes with the last recipient's delivery (row M1.6).
    pub(crate) async fn drop_finished_body(&self, organization: domain::OrganizationId, email: EmailId) -> Result<(), Fault> {
        let folded = self.fold::<Email>(email.0, organization).await?;
        if folded.state.delivery.is_finished() {
            self.spool.remove_finished(&[email]).await?;
        }
        Ok(())
    }
}
