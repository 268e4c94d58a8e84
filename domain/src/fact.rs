//! The wall between facts and personal data: `String` is not a [`Fact`], so an event field that could hold a name does not compile.

use serde_json::{Value, json};
use uuid::Uuid;

/// May stand in clear in an event: an id, a number, a time, or a word of a closed vocabulary.
pub trait Fact {
    /// The stored form as a JSON Schema (draft 2020-12).
    fn schema() -> Value;
}

macro_rules! whole_numbers {
    ($($kind:ty),*) => { $(impl Fact for $kind {
        fn schema() -> Value { json!({ "type": "integer", "minimum": <$kind>::MIN, "maximum": <$kind>::MAX }) }
    })* };
}
whole_numbers!(u8, u16, u32, u64, i32, i64);

impl Fact for bool {
    fn schema() -> Value {
        json!({ "type": "boolean" })
    }
}

impl Fact for Uuid {
    fn schema() -> Value {
        json!({ "type": "string", "format": "uuid", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$" })
    }
}

impl<T: Fact> Fact for Option<T> {
    fn schema() -> Value {
        json!({ "anyOf": [T::schema(), { "type": "null" }] })
    }
}

impl<T: Fact> Fact for Vec<T> {
    fn schema() -> Value {
        json!({ "type": "array", "items": T::schema() })
    }
}

/// A schema that also says what it is about.
pub(crate) fn described(mut schema: Value, lines: &[&str]) -> Value {
    if !lines.is_empty() {
        let text: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
        schema["description"] = text.join(" ").into();
    }
    schema
}

/// Declares structs that events are made of. Every field must be a [`Fact`].
macro_rules! facts {
    ($($(#[doc = $doc:literal])* pub struct $name:ident { $($(#[doc = $field_doc:literal])* pub $field:ident: $kind:ty,)* })*) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
        pub struct $name { $($(#[doc = $field_doc])* pub $field: $kind,)* }
        impl $crate::Fact for $name where $($kind: $crate::Fact),* {
            fn schema() -> serde_json::Value {
                let schema = serde_json::json!({
                    "type": "object",
                    "properties": { $(stringify!($field): $crate::fact::described(<$kind as $crate::Fact>::schema(), &[$($field_doc),*])),* },
                    "required": [$(stringify!($field)),*],
                    "additionalProperties": false,
                });
                $crate::fact::described(schema, &[$($doc),*])
            }
        }
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
        impl $crate::Fact for $name {
            fn schema() -> serde_json::Value {
                serde_json::json!({ "type": "string", "enum": Self::ALL })
            }
        }
    )*};
}

/// Declares an aggregate's events: the stored type is the variant's name, the number its schema version. `upcast` names the forms that were written
/// before, and how each becomes the next.
macro_rules! events {
    (
        $(#[$doc:meta])* pub enum $name:ident { $($variant:ident($content:ty) = $version:literal,)* }
        $(upcast { $($from:expr => $to:tt by $step:expr,)* })?
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $name { $($variant($content),)* }

        $(impl From<$content> for $name {
            fn from(content: $content) -> Self { $name::$variant(content) }
        })*

        impl $crate::Event for $name {
            const TYPES: &'static [(&'static str, u16)] = &[$((stringify!($variant), $version)),*];
            const UPCASTS: &'static [$crate::Upcast] = &[$($($crate::Upcast { from: $from, to: $to, step: $step }),*)?];

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
                    _ => {
                        let (event_type, schema_version, facts) = $crate::upcast::upcast::<Self>(event_type, schema_version, facts)?;
                        Self::decode(event_type, schema_version, &facts)
                    }
                }
            }

            fn schemas() -> Vec<serde_json::Value> {
                vec![$(<$content as $crate::Fact>::schema()),*]
            }
        }
    };
}

pub(crate) use {events, facts, vocabulary};
