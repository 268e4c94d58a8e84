//! Why a backup is not made, not believed or not restored. No variant quotes a row.

use crate::Kind;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{} cannot be used", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("another process works on {}", .0.display())]
    InUse(PathBuf),
    #[error("{} holds other files; name an empty or a new directory", .0.display())]
    NotOurs(PathBuf),
    #[error("{} holds no finished backup", .0.display())]
    Nothing(PathBuf),
    #[error("{} holds the backup of the {found}, not of the {wanted}: they are kept apart", path.display())]
    OtherKind { path: PathBuf, found: Kind, wanted: Kind },
    #[error("{} was made by another version of the program ({what})", path.display())]
    OtherVersion { path: PathBuf, what: String },
    /// Changed, cut short or gone since it was written.
    #[error("{}: {place}: {what}", path.display())]
    Damaged { path: PathBuf, place: String, what: &'static str },
    #[error("{} holds another log: its last event, at position {position}, is not the one that this log has there", path.display())]
    OtherLog { path: PathBuf, position: u64 },
    #[error("the log ends at position {head}, but {} goes up to {backed_up}: the log has lost events. That backup is left as it is", path.display())]
    LogLost { path: PathBuf, head: u64, backed_up: u64 },
    #[error("{0} does not lie between 1 and the end of the backup, {1}")]
    NoSuchPosition(u64, u64),
    #[error("the backup holds no event that was recorded by then")]
    NothingByThen,
    #[error("{0} is not empty: a restore goes into a database that was just made")]
    NotEmpty(String),
    #[error("the event at position {position} stands at version {version} of its stream, where {expected} belongs")]
    VersionGap { position: u64, version: u64, expected: u64 },
    #[error("the database failed")]
    Database(#[from] tokio_postgres::Error),
}

impl BackupError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { path, source }
    }

    pub(crate) fn damaged(path: &Path, place: impl Into<String>, what: &'static str) -> Self {
        Self::Damaged { path: path.to_owned(), place: place.into(), what }
    }
}
