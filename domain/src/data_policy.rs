//! The data policy: what kinds of personal data there are, what each may be used for and on what ground, how long it is kept, and where it lies.
//!
//! Everything that is said about personal data elsewhere is made of this: `lethemail policy`, the public page, the record of processing.

mod basis;
mod columns;
mod declarations;
mod entry;
mod log_fields;
mod names;
mod purpose;
mod retention;

pub use basis::{LegalBasis, basis};
pub use columns::{COLUMNS, ColumnEntry, Content, TableEntry};
pub use declarations::{DECLARATIONS, Declaration};
pub(crate) use entry::personal_parts;
pub use entry::{DataEntry, DataSubject, FieldEntry, PersonalData, PersonalField, ProcessingRole, first_sentence, one_line};
pub use log_fields::{LOG_FIELDS, LogField};
pub use names::DataName;
pub use purpose::Purpose;
pub use retention::{Keeping, KeptFor, Term};

use crate::fact::vocabulary;

vocabulary! {
    /// Decides which key pair seals a piece of data, and so when it ends.
    pub enum Class {
        /// Who somebody is: lives as long as the account or object.
        Id,
        /// What happened: a key per UTC day, destroyed when the retention ends.
        Ops,
        /// Conversations with support.
        Support,
        /// Visits to pages: a key per UTC day.
        Web,
        /// Financial records: a key per fiscal year.
        Fin,
        /// Evidence of a privacy request.
        Case,
        /// Addresses that must not be mailed; outlives the erasure of the person's other data.
        Suppress,
    }

    /// The kinds of personal data that the policies define (rows C3.1–C3.5, and what they log besides).
    pub enum DataCategory {
        AccountData,
        EmailContent,
        EmailMetadata,
        SmtpCredentials,
        OauthTokens,
        UsageData,
    }
}

impl Class {
    /// Stored in key rows and authenticated with them; never reused.
    pub fn number(self) -> i16 {
        match self {
            Class::Id => 1,
            Class::Ops => 2,
            Class::Support => 3,
            Class::Web => 4,
            Class::Fin => 5,
            Class::Case => 6,
            Class::Suppress => 7,
        }
    }

    /// What anything of this class may be opened for at most; the data itself may allow less.
    pub const fn purposes(self) -> &'static [Purpose] {
        use Purpose::*;
        match self {
            Class::Id => &[Service, Security, SmtpAuth, Support, SubjectRights],
            Class::Ops => &[Service, Deliver, Security, Abuse, Support, SubjectRights],
            Class::Support => &[Support, SubjectRights],
            Class::Web => &[Service, Security, Abuse, SubjectRights],
            // Once somebody was forgotten, their records open for the law alone (row M2.2): the vault sees to that.
            Class::Fin => &[Service, SubjectRights, LegalObligation],
            Class::Case => &[SubjectRights, LegalObligation],
            Class::Suppress => &[Service, Deliver, SubjectRights],
        }
    }

    pub const fn allows(self, purpose: Purpose) -> bool {
        purpose.is_among(self.purposes())
    }
}

impl DataCategory {
    /// As the policies define it.
    pub const fn told(self) -> &'static str {
        match self {
            DataCategory::AccountData => "What somebody gives to have and to manage an account, and what requests about it say.",
            DataCategory::EmailContent => "Texts, files and templates of messages.",
            DataCategory::EmailMetadata => "Senders, recipients, subject lines, labels, and what mail servers answered.",
            DataCategory::SmtpCredentials => "Where an organisation's own mail server is, and how to log in there.",
            DataCategory::OauthTokens => "Limited access to a mailbox that somebody connected.",
            DataCategory::UsageData => "From where, and with what program, something was asked for.",
        }
    }

    /// Rows of the requirements that define it.
    pub const fn rows(self) -> &'static str {
        match self {
            DataCategory::AccountData => "C3.1 M1.1 C4.1",
            DataCategory::EmailContent => "C3.2 M1.6 C4.3",
            DataCategory::EmailMetadata => "C3.3 M1.5 C4.4",
            DataCategory::SmtpCredentials => "C3.4 C4.5",
            DataCategory::OauthTokens => "C3.5 C4.6",
            DataCategory::UsageData => "M1.3 M1.4 C4.8",
        }
    }
}

/// A word of a closed vocabulary, as events and tables have it.
pub fn word_of(word: impl serde::Serialize) -> String {
    match serde_json::to_value(word) {
        Ok(serde_json::Value::String(word)) => word,
        _ => unreachable!("a vocabulary's words are written as text"),
    }
}
