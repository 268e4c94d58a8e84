//! The list of all personal data. What is not named here does not compile.

use super::entry::{DataEntry, DataSubject, FieldEntry};
use super::{DataCategory, Keeping, PersonalData, Purpose};
use crate::Fact;
use serde::{Deserialize, Serialize};

macro_rules! data_names {
    ($($name:ident is $entry:expr,)*) => {
        /// What an envelope, or a spooled body, holds: by its name in the data policy. Names stand in events, so none is ever taken away.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum DataName { $($name,)* }

        impl DataName {
            pub const ALL: &[DataName] = &[$(DataName::$name),*];

            pub const fn as_str(self) -> &'static str {
                match self { $(DataName::$name => stringify!($name),)* }
            }

            /// Its entry in the policy.
            pub const fn entry(self) -> &'static DataEntry {
                match self { $(DataName::$name => const { &$entry },)* }
            }
        }
    };
}

data_names! {
    UserDetails is crate::UserDetails::ENTRY,
    PasswordHash is crate::PasswordHash::ENTRY,
    OrganizationDetails is crate::OrganizationDetails::ENTRY,
    ApiKeyDetails is crate::ApiKeyDetails::ENTRY,
    SmtpServerDetails is crate::SmtpServerDetails::ENTRY,
    SmtpSecret is crate::SmtpSecret::ENTRY,
    SenderDetails is crate::SenderDetails::ENTRY,
    RecipientDetails is crate::RecipientDetails::ENTRY,
    ReplyDetails is crate::ReplyDetails::ENTRY,
    SpooledMail is SPOOLED_MAIL,
    RequestOrigin is crate::RequestOrigin::ENTRY,
    SuppressionDetails is crate::SuppressionDetails::ENTRY,
    ErasureCase is crate::ErasureCase::ENTRY,
}

/// A message while it waits for delivery. It is in no event: the spool holds it, under a key of its own.
const SPOOLED_MAIL: DataEntry = DataEntry {
    data: DataName::SpooledMail,
    told: "A message with all that its delivery needs, while it waits",
    category: DataCategory::EmailContent,
    keeping: Keeping::Spool,
    purposes: &[Purpose::Deliver, Purpose::Render],
    subject: DataSubject::Recipient,
    rows: "M1.6 C3.2 C4.3 M2.10",
    fields: &[
        FieldEntry::new("from", "The sender's address on the envelope"),
        FieldEntry::new("recipients.address", "The recipients' addresses on the envelope"),
        FieldEntry::new("text", "The whole text with its files"),
    ],
};

const _: () = SPOOLED_MAIL.check();

impl Fact for DataName {
    fn schema() -> serde_json::Value {
        serde_json::json!({ "type": "string", "enum": Self::ALL })
    }
}
