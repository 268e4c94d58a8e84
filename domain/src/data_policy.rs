//! What kinds of personal data there are, and what each may be used for.

use crate::fact::vocabulary;
use serde::Serialize;
use serde::de::DeserializeOwned;

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

    /// Why data is opened. There is none for advertising (row M2.10).
    pub enum Purpose {
        /// Showing an organisation or a person their own data, and running the service for them.
        Service,
        /// Sign-in, sessions, abuse of accounts.
        Security,
        /// Delivering mail as instructed.
        Deliver,
        /// Making the text of a message.
        Render,
        /// Logging in at an organisation's own mail server.
        SmtpAuth,
        /// Answering a person's request about their own data.
        SubjectRights,
        /// Finding and stopping abuse.
        Abuse,
        /// Helping a customer who asked.
        Support,
        /// What a law demands to be kept or shown.
        LegalObligation,
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
}

/// What one envelope holds about one person: its name in the data policy, its class, and the purposes that may open it.
pub trait PersonalData: Serialize + DeserializeOwned + 'static {
    const NAME: &'static str;
    const CATEGORY: DataCategory;
    const CLASS: Class;
    const PURPOSES: &'static [Purpose];
}

/// Declares personal data and enters it into the data policy.
macro_rules! personal_data {
    ($($(#[$doc:meta])* pub struct $name:ident: $category:ident, $class:ident, for $($purpose:ident)|+
        { $($(#[$field_doc:meta])* pub $field:ident: $kind:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name { $($(#[$field_doc])* pub $field: $kind,)* }

        impl $crate::PersonalData for $name {
            const NAME: &'static str = stringify!($name);
            const CATEGORY: $crate::DataCategory = $crate::DataCategory::$category;
            const CLASS: $crate::Class = $crate::Class::$class;
            const PURPOSES: &'static [$crate::Purpose] = &[$($crate::Purpose::$purpose),+];
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

pub(crate) use personal_data;
