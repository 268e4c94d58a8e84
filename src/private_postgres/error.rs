//! Why there is no private PostgreSQL.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    #[error(
        "no PostgreSQL server programs (15 or newer) were found{}. Install them (Debian, Ubuntu: apt install postgresql; Fedora: dnf install \
         postgresql-server; or run scripts/postgres-bin), name their directory with database.bin_dir, or set database.url to use a server that runs already",
        found.as_ref().map(|found| format!(" (only {found})")).unwrap_or_default()
    )]
    NotFound { found: Option<String> },
    #[error("database.bin_dir {} does not hold usable PostgreSQL server programs: {reason}", path.display())]
    Unusable { path: PathBuf, reason: String },
    #[error(
        "the data was written by PostgreSQL {data}, but found was {found}. Install PostgreSQL {data} beside it, or move the data over with pg_upgrade"
    )]
    OtherMajor { data: u32, found: String },
    #[error("PostgreSQL does not run as root, and neither the user postgres nor nobody exists to run it")]
    NoAccount,
    #[error("user id {0} is not in the user database, which PostgreSQL insists on; run as a user that is, or set database.url")]
    UnknownUser(u32),
    #[error("the data in {} belongs to user id {owner}; run as that user or as root", path.display())]
    OtherOwner { path: PathBuf, owner: u32 },
    #[error("the user {user}, who runs the private PostgreSQL for root, may not pass through {}; name another --data-dir", path.display())]
    NotReachable { user: String, path: PathBuf },
    #[error("initdb failed: {0}")]
    Initdb(String),
    #[error("a PostgreSQL left over from an earlier run (process {0}) works on the data and cannot be stopped")]
    Leftover(i32),
    #[error("no directory is short enough for a Unix socket, or none may be written: set TMPDIR")]
    NoSocketDirectory,
    #[error("the private PostgreSQL stopped by itself ({status}); its log {} ends:\n{last_lines}", log.display())]
    Died { status: ExitStatus, log: PathBuf, last_lines: String },
    #[error("the private PostgreSQL refuses us")]
    Refused(#[source] tokio_postgres::Error),
    #[error("{doing} {}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

impl PostgresError {
    pub(super) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }
}
