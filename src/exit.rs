//! What the program says to the shell when it ends.

use crate::anchored_log::LossNotAccepted;
use crate::policy_command::PolicyDiffers;
use crate::restore_command::UnfinishedRestore;
use crate::{ClockFileError, ConfigError, DataDirectoryError, PostgresError};
use backup::BackupError;
use std::process::ExitCode;

/// Documented in `lethemail --help`; scripts rely on the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; also after a clean stop by SIGTERM or Ctrl-C.
    Done = 0,
    /// Any other failure.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// Another process uses the data directory.
    InUse = 3,
    /// No PostgreSQL that fits: missing, too old, or the data belongs to another major version.
    NoPostgres = 4,
    /// The private PostgreSQL stopped by itself.
    PostgresDied = 5,
    /// A backup is missing, damaged, of another log or of another version.
    BadBackup = 6,
    /// A restore needs an empty database, or one was interrupted in this one.
    NotEmpty = 7,
    /// The log or the backup does not hold what is known to have happened, and `--accept-loss` was not said.
    LossNotAccepted = 8,
    /// `policy --diff` found that the database is not as the data policy says.
    PolicyDiffers = 20,
}

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done; also after a clean stop by SIGTERM or Ctrl-C
  1  failed
  2  the command line or the configuration is wrong
  3  another process uses the data directory
  4  no PostgreSQL that fits: missing, older than 15, or the data belongs to another major version
  5  the private PostgreSQL stopped by itself
  6  a backup is missing, damaged, of another log or of another version
  7  a restore needs an empty database, or one was interrupted in this database
  8  the log or a backup does not hold what is known to have happened; see `restore --accept-loss`
  9 to 15  `audit verify` found that a bundle does not hold: 8, and 1 for its integrity, 2 for its completeness, 4 for its erasures
  20 `policy --diff` found that the database is not as the data policy says";

/// A bundle was looked through, and something in it does not hold. What it is was printed.
#[derive(Debug, thiserror::Error)]
#[error("the bundle does not hold")]
pub(crate) struct Broken(pub u8);

impl Exit {
    /// What the shell is told of an error.
    pub(crate) fn code(error: &anyhow::Error) -> ExitCode {
        match error.downcast_ref::<Broken>() {
            Some(Broken(code)) => ExitCode::from(*code),
            None => Exit::of(error).into(),
        }
    }

    pub(crate) fn of(error: &anyhow::Error) -> Self {
        if error.is::<ConfigError>() || error.is::<ClockFileError>() {
            return Exit::Usage;
        }
        match error.downcast_ref::<DataDirectoryError>() {
            Some(DataDirectoryError::InUse { .. }) => return Exit::InUse,
            Some(DataDirectoryError::NotOurs { .. } | DataDirectoryError::NotForTests { .. }) => return Exit::Usage,
            _ => {}
        }
        if let Some(error) = error.downcast_ref::<BackupError>() {
            return Exit::of_backup(error);
        }
        if error.is::<PolicyDiffers>() {
            return Exit::PolicyDiffers;
        }
        if error.is::<UnfinishedRestore>() {
            return Exit::NotEmpty;
        }
        if error.is::<LossNotAccepted>() {
            return Exit::LossNotAccepted;
        }
        match error.downcast_ref::<PostgresError>() {
            Some(PostgresError::NotFound { .. } | PostgresError::Unusable { .. } | PostgresError::OtherMajor { .. }) => Exit::NoPostgres,
            Some(PostgresError::Died { .. }) => Exit::PostgresDied,
            _ => Exit::Failed,
        }
    }

    fn of_backup(error: &BackupError) -> Self {
        match error {
            BackupError::InUse(_) => Exit::InUse,
            BackupError::NotOurs(_) | BackupError::NoSuchPosition(..) | BackupError::NothingByThen => Exit::Usage,
            BackupError::NotEmpty(_) => Exit::NotEmpty,
            BackupError::Io { .. } | BackupError::Database(_) => Exit::Failed,
            BackupError::Nothing(_)
            | BackupError::OtherKind { .. }
            | BackupError::OtherVersion { .. }
            | BackupError::Damaged { .. }
            | BackupError::OtherLog { .. }
            | BackupError::LogLost { .. }
            | BackupError::VersionGap { .. } => Exit::BadBackup,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
