//! What can be wrong with a configuration. No text here repeats a value: it might be a secret on the wrong line.

use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("the configuration file {} cannot be read: {reason}", path.display())]
    Unreadable { path: PathBuf, reason: std::io::ErrorKind },
    #[error("{}, line {line}: {message}", path.display())]
    Syntax { path: PathBuf, line: usize, message: String },
    #[error("{place}: unknown setting {name} (`lethemail config` lists all)")]
    Unknown { place: String, name: String },
    #[error("{0} must be {1}")]
    Wrong(String, &'static str),
    #[error("{0} and {0}_FILE are both set; one of them is too many")]
    Twice(String),
    #[error("{0} is not valid UTF-8")]
    NotText(String),
    #[error("{key} has a wrong value: {message}")]
    Value { key: &'static str, message: String },
    #[error("there is no home directory to put data in: name directories with --data-dir and --key-dir")]
    NoHome,
    #[error("the key directory {} lies inside the data directory {}, whose backups would then hold the keys", key_dir.display(), data_dir.display())]
    KeysInsideData { key_dir: PathBuf, data_dir: PathBuf },
}
