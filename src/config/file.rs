//! Settings from a TOML file.

use super::ConfigError;
use super::settings::{self, Kind};
use std::path::Path;
use toml::{Table, Value};

pub(super) fn read(path: &Path) -> Result<Table, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable { path: path.to_owned(), reason: error.kind() })?;
    let table: Table = toml::from_str(&text).map_err(|error| syntax(path, &text, &error))?;
    for (key, value) in &table {
        match value {
            Value::Table(section) => section.iter().try_for_each(|(inner, value)| check(path, &format!("{key}.{inner}"), value))?,
            value => check(path, key, value)?,
        }
    }
    Ok(table)
}

/// The parser's own display quotes the line, which may hold a secret: only its number and the complaint are passed on.
fn syntax(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let offset = error.span().map_or(0, |span| span.start);
    let line = text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1;
    ConfigError::Syntax { path: path.to_owned(), line, message: error.message().to_owned() }
}

fn check(path: &Path, key: &str, value: &Value) -> Result<(), ConfigError> {
    let unknown = || ConfigError::Unknown { place: path.display().to_string(), name: key.to_owned() };
    let setting = settings::find(key).ok_or_else(unknown)?;
    let expected = match setting.kind {
        Kind::Text | Kind::Secret => (value.is_str(), "a text"),
        Kind::Whole => (value.is_integer(), "a whole number"),
        Kind::List => (value.as_array().is_some_and(|items| items.iter().all(Value::is_str)), "a list of texts"),
    };
    match expected {
        (true, _) => Ok(()),
        (false, what) => Err(ConfigError::Wrong(key.to_owned(), what)),
    }
}
