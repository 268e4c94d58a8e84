//! Typed identifiers. Entity and event ids are UUIDv7 (they sort by time); subject, key, session and token ids are random (they tell nothing).

use crate::Fact;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl Fact for $name {
            fn schema() -> serde_json::Value {
                Uuid::schema()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    )*};
}

id! {
    /// One recorded event. UUIDv7; chosen before the append, so that a repeated append is recognised.
    EventId;
    /// What one request set in motion: every event of it, and of the reactions to it, carries the same id.
    CorrelationId;
    /// An organisation: the tenant, and the shard. The platform itself is [`OrganizationId::PLATFORM`].
    OrganizationId;
    /// A person with an account.
    UserId;
    /// An API key (the credential's public id, never its secret).
    ApiKeyId;
    /// A connected SMTP server.
    SmtpServerId;
    /// One accepted message with its 1–50 recipients.
    EmailId;
    /// A signed-in session. Random.
    SessionId;
    /// One erasure saga.
    ErasureId;
    /// One hold.
    HoldId;
    /// A key of the keyring. Random, never reused; says nothing about whose it is.
    KeyId;
    /// A data subject. Random for recipients; the user's id for account users.
    SubjectId;
}

impl OrganizationId {
    /// The platform organisation: controller of users, visitors and staff.
    pub const PLATFORM: Self = Self(Uuid::nil());
}
