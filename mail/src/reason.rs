//! What a reply means for a recipient: a class, and a reason from the vocabulary that events record.

mod rules;

pub use rules::RULES_VERSION;

use crate::Reply;
use domain::FailureReason as Reason;

/// What becomes of a recipient after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyClass {
    /// The server took responsibility. It says nothing about reading.
    Accepted,
    /// Worth another attempt.
    Deferred { reason: Reason },
    /// Final.
    Bounced { reason: Reason },
}

/// Derives class and reason by the rules of [`RULES_VERSION`]. Keep the raw reply: later rules may read it better.
pub fn classify(reply: &Reply) -> ReplyClass {
    if (200..300).contains(&reply.code()) {
        return ReplyClass::Accepted;
    }
    let (reason, passes) = rules::find(reply);
    if passes || reply.code() < 500 { ReplyClass::Deferred { reason } } else { ReplyClass::Bounced { reason } }
}
