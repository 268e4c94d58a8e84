//! What the policy says about one kind of personal data, and the declaration that it is made of.

use super::{Class, DataCategory, DataName, Keeping, LegalBasis, Purpose, basis};
use crate::fact::vocabulary;
use serde::Serialize;
use serde::de::DeserializeOwned;

vocabulary! {
    /// Whose data it is.
    pub enum DataSubject {
        /// A person with an account.
        AccountHolder,
        /// Whoever asked for something at that moment.
        ActingPerson,
        /// A person whom an organisation sends mail to.
        Recipient,
        /// An organisation, and whoever it names.
        Organization,
        /// Whoever made a request about data.
        Requester,
    }

    /// Who decides about the use: the platform itself, or the organisation that it works for.
    pub enum ProcessingRole {
        Controller,
        Processor,
    }
}

/// One kind of personal data. All its fields are sealed together, and opened together.
#[derive(Debug, Clone, Copy)]
pub struct DataEntry {
    pub data: DataName,
    pub told: &'static str,
    pub category: DataCategory,
    pub keeping: Keeping,
    pub purposes: &'static [Purpose],
    pub subject: DataSubject,
    /// Rows of the requirements, with spaces between them.
    pub rows: &'static str,
    pub fields: &'static [FieldEntry],
}

#[derive(Debug, Clone, Copy)]
pub struct FieldEntry {
    pub name: &'static str,
    pub told: &'static str,
    /// Of a field that has fields of its own.
    pub parts: &'static [FieldEntry],
}

impl FieldEntry {
    pub const fn new(name: &'static str, told: &'static str) -> Self {
        Self { name, told, parts: &[] }
    }
}

impl DataEntry {
    /// Every field by its whole name, as in `SenderDetails.tags.name`, and what it says.
    pub fn all_fields(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        walk(self.data.as_str(), self.fields, &mut found);
        found
    }

    /// Each purpose with its ground.
    pub fn grounds(&self) -> Vec<(Purpose, LegalBasis)> {
        self.purposes.iter().filter_map(|purpose| Some((*purpose, basis(self.category, *purpose)?))).collect()
    }

    /// Refuses to compile what the policy cannot mean.
    pub const fn check(&self) {
        assert!(
            !self.told.is_empty() && !self.rows.is_empty(),
            "personal data says what it is, and which rows of the requirements it is about"
        );
        assert!(!self.fields.is_empty(), "personal data has fields");
        assert!(!self.purposes.is_empty(), "personal data that nobody may open is not kept");
        let mut index = 0;
        while index < self.purposes.len() {
            let purpose = self.purposes[index];
            assert!(basis(self.category, purpose).is_some(), "there is no legal ground to use data of this category for this purpose");
            if let Keeping::Class(class) = self.keeping {
                assert!(class.allows(purpose), "the class does not allow this purpose");
            }
            index += 1;
        }
    }

    /// Mail and what belongs to it is the organisations'; the rest is between the platform and its users.
    pub fn role(&self) -> ProcessingRole {
        match self.category {
            DataCategory::EmailContent | DataCategory::EmailMetadata => ProcessingRole::Processor,
            DataCategory::AccountData | DataCategory::SmtpCredentials | DataCategory::OauthTokens | DataCategory::UsageData => {
                ProcessingRole::Controller
            }
        }
    }
}

fn walk(path: &str, fields: &[FieldEntry], found: &mut Vec<(String, String)>) {
    for field in fields {
        let path = format!("{path}.{}", field.name);
        if field.parts.is_empty() {
            found.push((path, one_line(field.told)));
        } else {
            walk(&path, field.parts, found);
        }
    }
}

/// A comment as one line, without a stop at its end.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").trim_end_matches('.').to_owned()
}

/// What a comment is about; what it says besides is for programmers.
pub fn first_sentence(text: &str) -> String {
    let line = one_line(text);
    line.split_once(". ").map_or(line.clone(), |(first, _)| first.to_owned())
}

/// What one envelope holds about one person.
pub trait PersonalData: Serialize + DeserializeOwned + 'static {
    /// What the data policy says about it.
    const ENTRY: DataEntry;
    const CLASS: Class;
    const NAME: &'static str = Self::ENTRY.data.as_str();
    const CATEGORY: DataCategory = Self::ENTRY.category;
    const PURPOSES: &'static [Purpose] = Self::ENTRY.purposes;
}

/// What a field of personal data may be. A struct with fields of its own is declared with `personal_parts!`, so that they are in the policy too.
pub trait PersonalField {
    const PARTS: &'static [FieldEntry] = &[];
}

impl PersonalField for String {}
impl<A: PersonalField, B: PersonalField> PersonalField for (A, B) {}
impl<T: PersonalField> PersonalField for Option<T> {
    const PARTS: &'static [FieldEntry] = T::PARTS;
}
impl<T: PersonalField> PersonalField for Vec<T> {
    const PARTS: &'static [FieldEntry] = T::PARTS;
}

/// Declares personal data and enters it into the data policy: what it is, its category and class, whose it is, the rows of the requirements that it
/// is about, what it may be opened for, and what each field says. Without any of these it does not compile; nor under a name that the policy does
/// not list.
///
/// ```
/// # use domain::*;
/// domain::personal_data! {
///     /// A name that the policy lists.
///     pub struct ReplyDetails: EmailMetadata, Ops, of Recipient, rows "M1.5", for Service | Deliver {
///         /// What it says.
///         pub text: String,
///     }
/// }
/// ```
///
/// A kind of data that the policy does not list:
/// ```compile_fail
/// # use domain::*;
/// domain::personal_data! {
///     /// A name that the policy does not list.
///     pub struct ShoeSize: EmailMetadata, Ops, of Recipient, rows "M1.5", for Service | Deliver {
///         /// What it says.
///         pub text: String,
///     }
/// }
/// ```
///
/// A field of which nothing is said:
/// ```compile_fail
/// # use domain::*;
/// domain::personal_data! {
///     /// A name that the policy lists.
///     pub struct ReplyDetails: EmailMetadata, Ops, of Recipient, rows "M1.5", for Service | Deliver {
///         /// What it says.
///         pub text: String,
///         pub shoe_size: String,
///     }
/// }
/// ```
///
/// A purpose that the class does not allow, and one for which the category has no legal ground:
/// ```compile_fail
/// # use domain::*;
/// domain::personal_data! {
///     /// A name that the policy lists.
///     pub struct ReplyDetails: EmailMetadata, Suppress, of Recipient, rows "M1.5", for Abuse {
///         /// What it says.
///         pub text: String,
///     }
/// }
/// ```
/// ```compile_fail
/// # use domain::*;
/// domain::personal_data! {
///     /// A name that the policy lists.
///     pub struct ReplyDetails: EmailContent, Ops, of Recipient, rows "M1.5", for Abuse {
///         /// What it says.
///         pub text: String,
///     }
/// }
/// ```
#[macro_export]
macro_rules! personal_data {
    ($($(#[doc = $doc:literal])+
        pub struct $name:ident: $category:ident, $class:ident, of $subject:ident, rows $rows:literal, for $($purpose:ident)|+
        { $($(#[doc = $field_doc:literal])+ pub $field:ident: $kind:ty,)+ })*) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name { $($(#[doc = $field_doc])+ pub $field: $kind,)+ }

        impl $crate::PersonalData for $name {
            const CLASS: $crate::Class = $crate::Class::$class;
            const ENTRY: $crate::DataEntry = $crate::DataEntry {
                data: $crate::DataName::$name,
                told: concat!($($doc),+),
                category: $crate::DataCategory::$category,
                keeping: $crate::Keeping::Class($crate::Class::$class),
                purposes: &[$($crate::Purpose::$purpose),+],
                subject: $crate::DataSubject::$subject,
                rows: $rows,
                fields: &[$($crate::FieldEntry {
                    name: stringify!($field),
                    told: concat!($($field_doc),+),
                    parts: <$kind as $crate::PersonalField>::PARTS,
                }),+],
            };
        }

        const _: () = <$name as $crate::PersonalData>::ENTRY.check();

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "(…)"))
            }
        }
    )*};
}

/// Declares what a field of personal data is made of. Its fields enter the policy with those of the data that holds it.
macro_rules! personal_parts {
    ($($(#[doc = $doc:literal])+ pub struct $name:ident { $($(#[doc = $field_doc:literal])+ pub $field:ident: $kind:ty,)+ })*) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        pub struct $name { $($(#[doc = $field_doc])+ pub $field: $kind,)+ }

        impl $crate::PersonalField for $name {
            const PARTS: &'static [$crate::FieldEntry] = &[$($crate::FieldEntry {
                name: stringify!($field),
                told: concat!($($field_doc),+),
                parts: <$kind as $crate::PersonalField>::PARTS,
            }),+];
        }
    )*};
}

pub(crate) use personal_parts;
