//! What a backup consists of: the one file that says what all the others must be.

use crate::BackupError;
use crate::dump::Table;
use crate::keyring::KEYRING;
use crate::log::WAITING;
use domain::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;
use std::path::Path;
use uuid::Uuid;

pub(crate) const FORMAT: u32 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Log,
    Keyring,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Log => "log",
            Kind::Keyring => "keyring",
        })
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    pub kind: Kind,
    /// How many migrations the database had.
    pub migrations: i64,
    /// How many backups this directory has seen, this one included. Names of files hold it, so that none of the one before is written over.
    pub run: u64,
    /// When the last part was read, µs since 1970.
    pub made_at: Timestamp,
    /// The position of the last event; zero where there is none.
    pub head: u64,
    pub head_event: Option<Uuid>,
    /// In the log's order, without a gap. A file is never changed: a later backup adds others.
    pub events: Vec<EventFile>,
    /// Whole, as of `made_at`; each backup replaces them.
    pub tables: Vec<TableFile>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EventFile {
    pub first: u64,
    pub last: u64,
    #[serde(flatten)]
    pub content: Content,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TableFile {
    pub table: String,
    pub columns: String,
    pub rows: u64,
    #[serde(flatten)]
    pub content: Content,
}

/// A file's name and what it must hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Content {
    pub file: String,
    pub bytes: u64,
    /// In hexadecimal, as `sha256sum` prints it.
    pub sha256: String,
}

/// The manifest as it is stored. Its own hash finds slips; whoever can write it can write that, too, so keep the hash elsewhere.
#[derive(Serialize, Deserialize)]
struct Signed {
    manifest: Manifest,
    sha256: String,
}

impl Manifest {
    pub(crate) fn empty(kind: Kind) -> Self {
        let (events, tables) = (vec![], vec![]);
        Self { format: FORMAT, kind, migrations: 0, run: 0, made_at: Timestamp::default(), head: 0, head_event: None, events, tables }
    }

    /// Names the whole backup: it depends on every byte of every file.
    pub fn sha256(&self) -> String {
        hex(&Sha256::digest(serde_json::to_vec(self).expect("a manifest can be written as JSON")))
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let signed = Signed { manifest: self.clone(), sha256: self.sha256() };
        serde_json::to_vec_pretty(&signed).expect("a manifest can be written as JSON")
    }

    pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Self, BackupError> {
        let parsed: Signed = serde_json::from_slice(bytes).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            BackupError::damaged(path, place, "this is not what a manifest says there")
        })?;
        let Signed { manifest, sha256 } = parsed;
        if manifest.format != FORMAT {
            return Err(BackupError::OtherVersion { path: path.to_owned(), what: format!("format {}", manifest.format) });
        }
        if manifest.sha256() != sha256 {
            return Err(BackupError::damaged(path, "as a whole", "it was changed since it was written"));
        }
        manifest.check_names(path)?;
        manifest.check_order(path)?;
        Ok(manifest)
    }

    /// Names end up in paths and statements: only ours are taken, whoever wrote the manifest.
    fn check_names(&self, path: &Path) -> Result<(), BackupError> {
        let tables: &[Table] = if self.kind == Kind::Log { &WAITING } else { &KEYRING };
        let is_plain = |text: &str, more: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || more.as_bytes().contains(&byte));
        let events = self.events.iter().map(|part| &part.content);
        let files_are_plain = events.chain(self.tables.iter().map(|part| &part.content)).all(|content| is_plain(&content.file, "._-"));
        let known = |part: &TableFile| tables.iter().any(|table| table.name == part.table) && is_plain(&part.columns, "_, ");
        if files_are_plain && self.tables.iter().all(known) {
            return Ok(());
        }
        Err(BackupError::damaged(path, "the names in it", "they are not those that this program writes"))
    }

    fn check_order(&self, path: &Path) -> Result<(), BackupError> {
        let mut end = 0;
        for EventFile { first, last, .. } in &self.events {
            if *first != end + 1 || last < first {
                return Err(BackupError::damaged(path, format!("events {first} to {last}"), "they do not follow on what comes before"));
            }
            end = *last;
        }
        if end == self.head { Ok(()) } else { Err(BackupError::damaged(path, "the end", "events are missing before it")) }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
