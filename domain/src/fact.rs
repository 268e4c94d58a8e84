//! The wall between facts and personal data: `String` is not a [`Fact`], so an event field that could hold a name does not compile.

use uuid::Uuid;

/// May stand in clear in an event: an id, a number, a time, or a word of a closed vocabulary.
pub trait Fact {}

macro_rules! plain_facts { ($($kind:ty),*) => { $(impl Fact for $kind {})* }; }
plain_facts!(bool, u8, u16, u32, u64, i32, i64, Uuid);

impl<T: Fact> Fact for Option<T> {}
impl<T: Fact> Fact for Vec<T> {}

/// Declares structs that events are made of. Every field must be a [`Fact`].
macro_rules! facts {
    ($($(#[$doc:meta])* pub struct $name:ident { $($(#[$field_doc:meta])* pub $field:ident: $kind:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name { $($(#[$field_doc])* pub $field: $kind,)* }
        impl $crate::Fact for $name where $($kind: $crate::Fact),* {}
    )*};
}

/// Declares closed vocabularies: enums without content, written in snake_case.
macro_rules! vocabulary {
    ($($(#[$doc:meta])* pub enum $name:ident { $($(#[$variant_doc:meta])* $variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }
        impl $name {
            pub const ALL: &[$name] = &[$($name::$variant),*];
        }
        impl $crate::Fact for $name {}
    )*};
}

/// Declares an aggregate's events: the stored type is the variant's name, the number its schema version.
macro_rules! events {
    ($(#[$doc:meta])* pub enum $name:ident { $($variant:ident($content:ty) = $version:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $name { $($variant($content),)* }

        $(impl From<$content> for $name {
            fn from(content: $content) -> Self { $name::$variant(content) }
        })*

        impl $crate::Event for $name {
            const TYPES: &'static [(&'static str, u16)] = &[$((stringify!($variant), $version)),*];

            fn event_type(&self) -> (&'static str, u16) {
                match self { $($name::$variant(_) => (stringify!($variant), $version),)* }
            }

            fn facts(&self) -> Vec<u8> {
                let facts = match self { $($name::$variant(content) => {
                    fn only_facts<T: $crate::Fact>(_: &T) {}
                    only_facts(content);
                    serde_json::to_vec(content)
                })* };
                facts.expect("facts are plain structs with text keys, which always have a JSON form")
            }

            fn decode(event_type: &str, schema_version: u16, facts: &[u8]) -> Result<Self, $crate::DecodeError> {
                match (event_type, schema_version) {
                    $((stringify!($variant), $version) => serde_json::from_slice(facts).map($name::$variant)
                        .map_err(|_| $crate::DecodeError::Malformed),)*
                    _ => Err($crate::DecodeError::UnknownType),
                }
            }
        }
    };
}

pub(crate) use {events, facts, vocabulary};
