//! What went wrong with the database, without a word of what the statement held.

use std::fmt;
use tokio_postgres::error::Severity;

/// A failure of the database or of the way to it. PostgreSQL's own text is left out, since it may quote values; its code tells enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No connection, or a connection that broke: an operation under way may have been done.
    Connection,
    /// The database refused, with this code (PostgreSQL's SQLSTATE): the operation was not done.
    Refused(String),
    /// Too much waits to be written already: the operation was not begun.
    Crowded,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Connection => f.write_str("no connection to the database"),
            Fault::Crowded => f.write_str("too much waits to be written"),
            Fault::Refused(code) => write!(f, "the database refused with code {code}"),
        }
    }
}

impl From<&tokio_postgres::Error> for Fault {
    fn from(error: &tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            // FATAL and PANIC end the session, and may come while a commit is under way.
            Some(refusal) if refusal.parsed_severity() == Some(Severity::Error) => Fault::Refused(refusal.code().code().to_owned()),
            _ => Fault::Connection,
        }
    }
}

impl From<tokio_postgres::Error> for Fault {
    fn from(error: tokio_postgres::Error) -> Self {
        Fault::from(&error)
    }
}

impl From<deadpool_postgres::PoolError> for Fault {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        match &error {
            deadpool_postgres::PoolError::Backend(error) => Fault::from(error),
            _ => Fault::Connection,
        }
    }
}
