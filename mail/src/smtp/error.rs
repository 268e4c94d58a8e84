//! Why a session could not go on.

use crate::{Reply, ReplyClass, classify};
use domain::FailureReason as Reason;
use egress::EgressError;

/// Where in the dialogue something happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Greeting,
    Hello,
    StartTls,
    Login,
    Mail,
    Recipient,
    /// The DATA command, before its text.
    Data,
    /// The text, its final dot not yet handed over.
    Text,
    /// After the final dot, before the reply to it.
    Outcome,
    Reset,
    Noop,
    Quit,
}

/// What a server would have to offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    StartTls,
    /// A login by PLAIN or LOGIN.
    Login,
    /// Addresses outside ASCII (SMTPUTF8, RFC 6531).
    InternationalAddresses,
    /// Texts outside ASCII (8BITMIME, RFC 6152).
    EightBit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsFailure {
    /// The certificate is not trusted, not valid now, or not this server's.
    Certificate,
    /// The two sides found no common ground.
    Handshake,
}

/// A session that failed. It is never about one recipient: what a server says about those is an [`crate::EnvelopeReply`].
#[derive(Debug, thiserror::Error)]
pub enum SmtpError {
    #[error("no connection to the server: {0}")]
    NotConnected(#[from] EgressError),
    #[error("the server did not answer in time ({step:?})")]
    TimedOut { step: Step },
    #[error("the connection broke ({step:?})")]
    Disconnected { step: Step },
    #[error("TLS could not be established ({0:?})")]
    Tls(TlsFailure),
    #[error("the server refused ({step:?}): {reply:?}")]
    Refused { step: Step, reply: Reply },
    #[error("the server does not offer {0:?}")]
    NotOffered(Missing),
    #[error("what the server answered is not SMTP ({step:?})")]
    NotSmtp { step: Step },
    #[error("the message is larger than the {limit} bytes that the server takes")]
    MessageTooLarge { limit: u64 },
    #[error("an address, the client's name or a credential cannot be part of a command")]
    Unspeakable,
    #[error("the connection is not at a point where this can be said")]
    OutOfOrder,
}

impl SmtpError {
    /// Whether another attempt can go better although the message stays as it is. So it is with a refused login: somebody may correct the
    /// password, and no message's fate should be sealed by it.
    pub fn is_transient(&self) -> bool {
        !matches!(
            self,
            SmtpError::MessageTooLarge { .. }
                | SmtpError::NotOffered(Missing::InternationalAddresses | Missing::EightBit)
                | SmtpError::Unspeakable
                | SmtpError::OutOfOrder
        )
    }

    /// Whether it happened while the server had nothing of the text.
    pub fn happened_before_text(&self) -> bool {
        !matches!(self.step(), Some(Step::Text | Step::Outcome))
    }

    /// Whether the server has the whole text and said nothing: it may have been delivered or not, and nobody knows. False when the
    /// connection broke amid the text: a server must forget a text without its end (RFC 5321, section 4.1.1.4).
    pub fn outcome_unknown(&self) -> bool {
        self.step() == Some(Step::Outcome)
    }

    /// The same vocabulary as for replies.
    pub fn reason(&self) -> Reason {
        match self {
            SmtpError::NotConnected(EgressError::NotResolved) => Reason::HostUnknown,
            SmtpError::NotConnected(EgressError::NotAllowed) => Reason::PolicyViolation,
            SmtpError::NotConnected(_) | SmtpError::TimedOut { .. } | SmtpError::Disconnected { .. } => Reason::NetworkError,
            SmtpError::Tls(_) | SmtpError::NotOffered(Missing::StartTls) => Reason::FailedStartTls,
            SmtpError::Refused { step: Step::Login, .. } | SmtpError::NotOffered(Missing::Login) => Reason::AuthFailure,
            SmtpError::Refused { reply, .. } => match classify(reply) {
                ReplyClass::Deferred { reason } | ReplyClass::Bounced { reason } => reason,
                ReplyClass::Accepted => Reason::SystemError,
            },
            SmtpError::NotOffered(_) => Reason::ContentError,
            SmtpError::MessageTooLarge { .. } => Reason::MessageTooBig,
            SmtpError::NotSmtp { .. } | SmtpError::OutOfOrder => Reason::SystemError,
            SmtpError::Unspeakable => Reason::SyntaxError,
        }
    }

    fn step(&self) -> Option<Step> {
        match self {
            SmtpError::TimedOut { step }
            | SmtpError::Disconnected { step }
            | SmtpError::NotSmtp { step }
            | SmtpError::Refused { step, .. } => Some(*step),
            _ => None,
        }
    }
}
