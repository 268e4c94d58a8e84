//! `lethemail config`: what holds, as a file that could be read back. Secrets are not in it.

use super::Config;
use super::settings::SETTINGS;
use serde_json::Value;
use std::fmt::Write;

impl Config {
    /// TOML with a sentence on each key; keys without a value are commented out.
    pub fn show(&self) -> String {
        let values = serde_json::to_value(self).expect("a configuration is plain data");
        let mut text = String::new();
        let mut section = "";
        for setting in SETTINGS {
            let (in_section, key) = setting.key.split_once('.').unwrap_or(("", setting.key));
            if in_section != section {
                section = in_section;
                writeln!(text, "\n[{section}]").expect("a string takes all");
            }
            let value = if in_section.is_empty() { &values[key] } else { &values[in_section][key] };
            let line = match value {
                Value::Null => format!("# {key} ="),
                Value::String(hidden) if hidden == "(hidden)" => format!("# {key} = (hidden)"),
                value => format!("{key} = {value}"),
            };
            writeln!(text, "# {}\n{line}", setting.about).expect("a string takes all");
        }
        text
    }
}
