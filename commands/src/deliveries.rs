//! What the delivery worker records. The worker knows what a mail server said; what that makes of the message is decided here.

use crate::{Commands, Fault, Request};
use domain::{
    Actor, CancellationReason, CorrelationId, DeliveryState, Email, EmailId, Folded, OrganizationId, Personal, Purpose, RequestOrigin,
    SystemActor,
};
use std::collections::BTreeSet;
use vault::Opened;

/// Recipients of a message, by number, whom nothing may be sent to.
#[derive(Debug, Default, PartialEq)]
pub struct Unreachable {
    pub forgotten: Vec<u16>,
    pub restricted: Vec<u16>,
}

impl Commands {
    pub async fn load_email(&self, organization: OrganizationId, email: EmailId) -> Result<Folded<Email>, Fault> {
        self.fold(email.0, organization).await
    }

    /// The circumstances of a delivery, which nobody asked for at that moment.
    pub fn as_delivery(&self, organization: OrganizationId) -> Request {
        Request {
            actor: Actor::System(SystemActor::Delivery),
            organization,
            origin: Personal::new(RequestOrigin { ip: None, user_agent: None }),
            correlation: CorrelationId(self.ids.time_ordered(self.clock.now())),
            causation: None,
        }
    }

    /// Of those recipients, by number, the ones whose data is gone, and the ones whose data may only be kept: nothing may be sent to either.
    pub async fn unreachable_among(&self, email: &Email, recipients: &[u16]) -> Result<Unreachable, Fault> {
        let mut unreachable = Unreachable::default();
        let Some(queued) = &email.queued else { return Ok(unreachable) };
        let known: Vec<_> =
            recipients.iter().filter_map(|number| queued.recipients.get(usize::from(*number)).map(|r| (*number, &r.details))).collect();
        let sealed: Vec<_> = known.iter().map(|(_, details)| *details).collect();
        let opened = self.open_many(Actor::System(SystemActor::Delivery), Purpose::Deliver, &sealed).await?;
        for ((number, _), opened) in known.iter().zip(opened) {
            match opened {
                Opened::Readable(_) => {}
                Opened::Restricted => unreachable.restricted.push(*number),
                Opened::Erased | Opened::Expired => unreachable.forgotten.push(*number),
            }
        }
        Ok(unreachable)
    }

    /// Ends the deliveries of a message to those who were forgotten, and drops its body if nobody else waits for it.
    pub async fn cancel_forgotten(&self, organization: OrganizationId, email: EmailId) -> Result<(), Fault> {
        let by = self.as_delivery(organization);
        let mut folded = self.load_email(organization, email).await?;
        let open = folded.state.delivery.recipients_in(|state| state.is_waiting() || state == DeliveryState::InDoubt);
        let forgotten = self.unreachable_among(&folded.state, &open).await?.forgotten;
        let Ok(drafts) = folded.state.cancel(CancellationReason::Erased, Some(&forgotten)) else { return Ok(()) };
        self.advance(&by, &mut folded, drafts).await?;
        if folded.state.delivery.is_finished() {
            self.spool.remove_finished(&[email]).await?;
        }
        Ok(())
    }

    /// Of those addresses, the ones that the organisation must not mail (any more).
    pub async fn suppressed(&self, organization: OrganizationId, addresses: &[&str]) -> Result<BTreeSet<String>, Fault> {
        Ok(self.suppressed_among(organization, addresses).await?.into_keys().collect())
    }
}
