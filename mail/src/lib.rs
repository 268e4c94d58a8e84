//! Mail as the RFCs have it: making a message's text, reading one, and speaking SMTP to a server.
//!
//! The only user of lettre and mail-parser. It knows nothing of events, keys or organisations: what it is given it sends or refuses, and
//! what a server answers it hands back. Addresses, texts, replies and secrets show in none of its errors and `Debug` outputs.

mod address;
mod compose;
mod message_text;
mod parsed_message;
mod pool;
mod reason;
mod reply;
mod smtp;

pub use address::{AddressError, check_address};
pub use compose::{Attachment, ComposeCode, ComposeError, ComposeField, Mailbox, OutgoingMessage, compose};
/// Why there is no connection, as [`SmtpError::NotConnected`] carries it.
pub use egress::EgressError;
pub use message_text::{MessageText, MessageTextError};
pub use parsed_message::{ParsedAttachment, ParsedMessage, UnreadableMessage, parse_message};
pub use pool::{Pool, PoolSettings, Pooled};
pub use reason::{RULES_VERSION, ReplyClass, classify};
pub use reply::{EnhancedStatus, Reply};
pub use smtp::{
    Credentials, EnvelopeOutcome, EnvelopeReply, LoginVerdict, Missing, SmtpError, SmtpServer, SmtpSession, Step, TimeOuts, TlsFailure,
    TlsMode, TlsTrust, TlsTrustError, TlsVersion, check_login,
};
