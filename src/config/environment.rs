//! Settings from environment variables: `LETHEMAIL_SECTION__KEY`, and `…_FILE` for secrets.

use super::settings::{self, Kind};
use super::{ConfigError, Setting};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

const PREFIX: &str = "LETHEMAIL_";
/// Variables with our prefix that are not settings: the configuration file, and the cache of the scripts.
const NOT_SETTINGS: &[&str] = &["LETHEMAIL_CONFIG", "LETHEMAIL_CACHE"];

/// The variables that have a value. An empty one counts as not set, as compose files write it.
pub(super) struct Environment(BTreeMap<String, OsString>);

impl Environment {
    pub(super) fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let named = variables.into_iter().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        Self(named.filter(|(_, value)| !value.is_empty()).collect())
    }

    pub(super) fn path(&self, name: &str) -> Option<PathBuf> {
        self.0.get(name).map(PathBuf::from)
    }

    pub(super) fn settings(&self) -> Result<Table, ConfigError> {
        let mut table = Table::new();
        if let Some(url) = self.0.get("DATABASE_URL") {
            settings::insert(&mut table, "database.url", text("DATABASE_URL", url)?.into());
        }
        for (name, value) in &self.0 {
            let Some(rest) = name.strip_prefix(PREFIX) else { continue };
            if NOT_SETTINGS.contains(&name.as_str()) {
                continue;
            }
            let (setting, value) = self.setting(name, rest, value)?;
            settings::insert(&mut table, setting.key, value);
        }
        Ok(table)
    }

    fn setting(&self, name: &str, rest: &str, value: &OsString) -> Result<(&'static Setting, Value), ConfigError> {
        let key_of = |name: &str| name.to_ascii_lowercase().replace("__", ".");
        let is_upper = !rest.contains(|letter: char| letter.is_ascii_lowercase());
        if let Some(setting) = settings::find(&key_of(rest)).filter(|_| is_upper) {
            return Ok((setting, parse(setting, name, text(name, value)?)?));
        }
        let base = rest.strip_suffix("_FILE").filter(|_| is_upper).map(key_of);
        match base.and_then(|key| settings::find(&key)).filter(|setting| setting.kind == Kind::Secret) {
            Some(setting) => {
                let plain = name.strip_suffix("_FILE").unwrap_or(name);
                if self.0.contains_key(plain) {
                    return Err(ConfigError::Twice(plain.to_owned()));
                }
                Ok((setting, secret_in(Path::new(value))?.into()))
            }
            None => Err(ConfigError::Unknown { place: "the environment".into(), name: name.to_owned() }),
        }
    }
}

fn text<'a>(name: &str, value: &'a OsString) -> Result<&'a str, ConfigError> {
    value.to_str().ok_or_else(|| ConfigError::NotText(name.to_owned()))
}

fn parse(setting: &Setting, name: &str, text: &str) -> Result<Value, ConfigError> {
    match setting.kind {
        Kind::Text | Kind::Secret => Ok(text.into()),
        Kind::Whole => text.parse::<i64>().map(Value::from).map_err(|_| ConfigError::Wrong(name.to_owned(), "a whole number")),
        Kind::List => Ok(Value::Array(text.split(',').map(|item| item.trim().into()).collect())),
    }
}

/// The file's text without the line end that editors add.
fn secret_in(path: &Path) -> Result<String, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable { path: path.to_owned(), reason: error.kind() })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
