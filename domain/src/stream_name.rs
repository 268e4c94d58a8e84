//! Stream names: `<category>-<organisation>.<id>`, ids as 32 hex digits.
//!
//! KurrentDB filters by prefix or regular expression only, so the category has no hyphen and the organisation comes first. A name can only be
//! built from an organisation, which is how tenancy holds: a foreign id names a stream that does not exist.

use crate::{Fact, OrganizationId};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

macro_rules! categories {
    ($($(#[$doc:meta])* $name:ident = $number:literal $text:literal,)*) => {
        /// What a stream is about. The numbers are stored; they are never reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Category { $($(#[$doc])* $name = $number,)* }

        impl Category {
            pub const ALL: &[Category] = &[$(Category::$name),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Category::$name => $text,)* }
            }
        }
    };
}

categories! {
    /// A person with an account, and what that person did with it.
    User = 1 "user",
    /// An organisation, its members and settings.
    Organization = 2 "organization",
    /// An API key.
    ApiKey = 3 "api_key",
    /// A connected SMTP server.
    SmtpServer = 4 "smtp_server",
    /// A message and the fate of each of its recipients.
    Email = 5 "email",
    /// One address that an organisation must not mail.
    Suppression = 6 "suppression",
    /// One erasure.
    Erasure = 7 "erasure",
    /// The platform's own acts: key epochs, policies.
    Platform = 8 "platform",
    /// Checkpoints of the logs, and exports of them.
    Evidence = 9 "evidence",
    /// Something that must not be destroyed for now.
    Hold = 10 "hold",
    /// What operators do to the installation: putting a backup back, holding mail up.
    Operations = 11 "operations",
    /// How far one person's data may be used.
    Processing = 12 "processing",
    /// Openings of personal data that are written down one by one.
    DataAccess = 16 "data_access",
}

impl Fact for Category {
    fn schema() -> serde_json::Value {
        serde_json::json!({ "type": "string", "enum": Self::ALL })
    }
}

impl Category {
    pub fn number(self) -> i16 {
        self as i16
    }

    pub fn from_number(number: i16) -> Option<Self> {
        Self::ALL.iter().copied().find(|category| category.number() == number)
    }
}

/// Names one stream.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamName {
    pub category: Category,
    pub organization: OrganizationId,
    pub id: Uuid,
}

impl StreamName {
    pub fn new(category: Category, organization: OrganizationId, id: Uuid) -> Self {
        Self { category, organization, id }
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}.{}", self.category.as_str(), self.organization.0.simple(), self.id.simple())
    }
}

impl fmt::Debug for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a stream name of the form <category>-<organisation>.<id>")]
pub struct StreamNameError;

impl FromStr for StreamName {
    type Err = StreamNameError;

    fn from_str(text: &str) -> Result<Self, StreamNameError> {
        let (category, rest) = text.split_once('-').ok_or(StreamNameError)?;
        let (organization, id) = rest.split_once('.').ok_or(StreamNameError)?;
        let category = *Category::ALL.iter().find(|known| known.as_str() == category).ok_or(StreamNameError)?;
        Ok(Self { category, organization: OrganizationId(simple_uuid(organization)?), id: simple_uuid(id)? })
    }
}

/// Exactly 32 lower-case hex digits: a name has one spelling.
fn simple_uuid(text: &str) -> Result<Uuid, StreamNameError> {
    if text.len() != 32 || text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(StreamNameError);
    }
    Uuid::try_parse(text).map_err(|_| StreamNameError)
}

impl Serialize for StreamName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for StreamName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
