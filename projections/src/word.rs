//! Words of closed vocabularies as text columns: the same words that stand in the events.

use crate::QueryError;
use serde::de::IntoDeserializer;
use serde::de::value::{Error, StrDeserializer};
use serde::{Deserialize, Serialize};

pub(crate) fn word(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).expect("a vocabulary's values are plain words");
    json.trim_matches('"').to_owned()
}

pub(crate) fn parse<'de, T: Deserialize<'de>>(word: &'de str, table: &'static str) -> Result<T, QueryError> {
    let deserializer: StrDeserializer<'de, Error> = word.into_deserializer();
    T::deserialize(deserializer).map_err(|_| QueryError::Damaged { table })
}

/// Several words, in order.
pub(crate) fn words<T: Serialize>(values: &[T]) -> Vec<String> {
    values.iter().map(word).collect()
}

pub(crate) fn parse_all<'de, T: Deserialize<'de>>(words: &[&'de str], table: &'static str) -> Result<Vec<T>, QueryError> {
    words.iter().map(|text| parse(text, table)).collect()
}
