//! What a reply means for a recipient: a class, and a reason from a closed vocabulary (that of Sisimai, an open bounce parser).

mod rules;

pub use rules::RULES_VERSION;

use crate::Reply;

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

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[$doc])* $name,)* }

        impl Reason {
            pub const ALL: &[Reason] = &[$(Reason::$name),*];

            /// Sisimai's word.
            pub fn as_str(self) -> &'static str {
                match self { $(Reason::$name => $text,)* }
            }
        }
    };
}

reasons! {
    /// The sender's domain failed SPF, DKIM or DMARC, or a login was refused.
    AuthFailure = "authfailure",
    /// The sending address or domain is known for bad mail.
    BadReputation = "badreputation",
    /// The client's address is on a list.
    Blocked = "blocked",
    /// The content is malformed or of a kind that is not taken.
    ContentError = "contenterror",
    /// More than the server takes in one message or transaction.
    ExceedLimit = "exceedlimit",
    /// Given up after its time.
    Expired = "expired",
    /// TLS could not be started.
    FailedStartTls = "failedstarttls",
    /// Refused by a rule of the recipient.
    Filtered = "filtered",
    /// The recipient has another address now.
    HasMoved = "hasmoved",
    /// The recipient's domain does not exist.
    HostUnknown = "hostunknown",
    /// The recipient's mailbox is full.
    MailboxFull = "mailboxfull",
    /// A program behind the mailbox failed.
    MailerError = "mailererror",
    /// The message is too large.
    MessageTooBig = "mesgtoobig",
    /// The server could not be reached, or the connection broke.
    NetworkError = "networkerror",
    /// The server does not relay for this client.
    NoRelaying = "norelaying",
    /// The domain takes no mail at all.
    NotAccept = "notaccept",
    /// The message breaks a rule of the RFCs.
    NotCompliantRfc = "notcompliantrfc",
    /// A policy of the server.
    PolicyViolation = "policyviolation",
    /// Too many messages in too short a time, greylisting included.
    RateLimited = "ratelimited",
    /// The sender's address was refused.
    Rejected = "rejected",
    /// The client's address has no name.
    RequirePtr = "requireptr",
    /// A security check failed.
    SecurityError = "securityerror",
    /// Taken for spam.
    SpamDetected = "spamdetected",
    /// The mailbox is suspended or disabled.
    Suspend = "suspend",
    /// The server did not understand a command.
    SyntaxError = "syntaxerror",
    /// A fault of the server.
    SystemError = "systemerror",
    /// The server's disk is full.
    SystemFull = "systemfull",
    /// Too many connections or recipients at once.
    TooManyConn = "toomanyconn",
    /// No rule fits.
    Undefined = "undefined",
    /// There is no such mailbox.
    UserUnknown = "userunknown",
    /// Taken for a virus.
    VirusDetected = "virusdetected",
}

/// Derives class and reason by the rules of [`RULES_VERSION`]. Keep the raw reply: later rules may read it better.
pub fn classify(reply: &Reply) -> ReplyClass {
    if (200..300).contains(&reply.code()) {
        return ReplyClass::Accepted;
    }
    let (reason, passes) = rules::find(reply);
    if passes || reply.code() < 500 { ReplyClass::Deferred { reason } } else { ReplyClass::Bounced { reason } }
}
