//! The built-in sandbox: catches mail instead of sending it, and plays the outcomes that its test addresses ask for.

use super::{Attempted, Deliverer};
use commands::SpooledRecipient;
use domain::{
    Acceptance, Attempt, EmailAddress, EmailId, EnhancedStatus, FailureReason, Personal, RecipientReply, ReplyDetails, SANDBOX_DOMAIN,
};
use std::time::Duration;

/// How long caught mail can be looked at.
const CAPTURED_FOR: Duration = Duration::from_secs(24 * 3600);

impl Deliverer {
    pub(super) async fn capture(&self, message: &mut Attempted, email: EmailId, recipients: &[SpooledRecipient]) -> anyhow::Result<()> {
        // Kept first: a crash in between leaves a message to be caught again, never a delivery that nobody can look at.
        self.commands.spool().capture(email, self.clock.now() + CAPTURED_FOR).await?;
        let playing = |role: &'static str| recipients.iter().filter(move |recipient| plays(role, &recipient.address));
        let suppressed: Vec<u16> = playing("suppressed").map(|recipient| recipient.number).collect();
        let drafts = message.folded.state.suppress(&suppressed);
        self.record(message, drafts).await?;
        let waiting = recipients.iter().filter(|recipient| !suppressed.contains(&recipient.number));
        let (bounced, accepted) = waiting.partition::<Vec<_>, _>(|recipient| plays("bounced", &recipient.address));
        let attempt = Attempt {
            accepted: accepted.into_iter().map(|recipient| reply(recipient, 250, "2.0.0 caught by the sandbox")).collect(),
            acceptance: Acceptance::Delivered,
            bounced: bounced.into_iter().map(|recipient| reply(recipient, 550, "5.1.1 the sandbox knows no such user")).collect(),
            deferred: vec![],
            next_attempt_at: self.next_attempt_at(message),
            rules_version: mail::RULES_VERSION.into(),
        };
        let drafts = message.folded.state.record_attempt(attempt);
        self.record(message, drafts).await
    }
}

/// Whether an address of the sandbox's own domain asks for this outcome: `bounced@` or `suppressed@`, with any `+label`.
fn plays(role: &str, address: &str) -> bool {
    address.parse::<EmailAddress>().is_ok_and(|address| {
        let name = address.local_part().split('+').next().unwrap_or_default().to_ascii_lowercase();
        address.domain().eq_ignore_ascii_case(SANDBOX_DOMAIN) && name == role
    })
}

fn reply(recipient: &SpooledRecipient, code: u16, text: &str) -> RecipientReply {
    let bounced = code >= 500;
    RecipientReply {
        recipient: recipient.number,
        code: Some(code),
        enhanced_status: Some(if bounced { EnhancedStatus(5, 1, 1) } else { EnhancedStatus(2, 0, 0) }),
        reason: bounced.then_some(FailureReason::UserUnknown),
        text: Some(Personal::new(ReplyDetails { text: format!("{code} {text}") })),
    }
}
