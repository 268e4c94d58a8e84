//! How a command fails: refused by a rule, which the caller is told, or by a fault, which is ours.

use domain::DecodeError;
use event_store::{AppendError, ReadError};
use vault::VaultError;

#[derive(Debug, thiserror::Error)]
pub enum Failure<R> {
    /// A rule says no; data for the client.
    #[error("refused: {0}")]
    Refused(R),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What no caller can help. The texts hold no personal data, and still never leave the server.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("the event store could not append")]
    Append(#[from] AppendError),
    #[error("the event store could not read")]
    Read(#[from] ReadError),
    #[error("a stored event could not be understood")]
    Decode(#[from] DecodeError),
    #[error("the vault failed")]
    Vault(#[from] VaultError),
    #[error("the database failed")]
    Database(#[from] tokio_postgres::Error),
    #[error("no database connection was to be had")]
    Pool(#[from] deadpool_postgres::PoolError),
    #[error("the spool failed")]
    Spool(#[from] crate::SpoolError),
    #[error("others kept changing the same thing")]
    Contended,
    #[error("an invariant does not hold: {0}")]
    Invariant(&'static str),
}

impl Fault {
    /// Whether somebody else changed the same stream first.
    pub fn is_overtaken(&self) -> bool {
        matches!(self, Fault::Append(AppendError::WrongVersion { .. }) | Fault::Contended)
    }
}

impl<R> Failure<R> {
    /// The same failure with another kind of refusal.
    pub fn map_refusal<S>(self, map: impl FnOnce(R) -> S) -> Failure<S> {
        match self {
            Failure::Refused(refusal) => Failure::Refused(map(refusal)),
            Failure::Fault(fault) => Failure::Fault(fault),
        }
    }
}

macro_rules! faults {
    ($($source:ty),*) => { $(impl<R> From<$source> for Failure<R> {
        fn from(source: $source) -> Self { Failure::Fault(source.into()) }
    })* };
}
faults!(AppendError, ReadError, DecodeError, VaultError, tokio_postgres::Error, deadpool_postgres::PoolError, crate::SpoolError);
