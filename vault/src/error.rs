//! What can go wrong here. No variant holds an address, a plaintext or key bytes.

use domain::{DataName, KeyId, KeyProvider, Purpose, PurposeRefusal};
use std::sync::Arc;

/// Faults, and refusals that only a programming error or tampering brings about. That data can no longer be read is no error: see [`crate::Opened`].
#[derive(Debug, Clone, thiserror::Error)]
pub enum VaultError {
    #[error("the keyring's database failed")]
    Database(#[source] Arc<tokio_postgres::Error>),
    #[error("no connection to the keyring's database")]
    NoConnection(#[source] Arc<deadpool_postgres::PoolError>),
    #[error("the key directory could not be used: {what}")]
    KeyDirectory {
        what: &'static str,
        #[source]
        error: Arc<std::io::Error>,
    },
    #[error("the key directory must not lie inside the data directory, nor the other way round")]
    KeyDirectoryInsideData,
    #[error("the key directory or a file in it may be read by others; it must be 0700, its files 0600")]
    KeyDirectoryExposed,
    #[error(
        "the key provider does not hold the key of epoch {0}: is it the key directory, token or server that this database was started with?"
    )]
    EpochKeyMissing(i32),
    #[error("the key of epoch {0} does not have its check value: the provider's key or the epoch's row was changed")]
    EpochKeyWrong(i32),
    #[error("the key provider, {}, does not answer: {reason}", provider.describe())]
    ProviderAway { provider: KeyProvider, reason: Arc<str> },
    #[error("the key provider, {}, refuses: {reason}", provider.describe())]
    ProviderRefused { provider: KeyProvider, reason: Arc<str> },
    #[error("a living epoch's key lies with {}, and nothing in the configuration says how to reach that", .0.describe())]
    ProviderNotConfigured(KeyProvider),
    #[error("an epoch's row names a key provider, {0}, that this program does not know")]
    UnknownProvider(i16),
    #[error("the passphrase does not open a key file, or the file was changed")]
    PassphraseWrong,
    #[error("epoch {0} is not open in this process")]
    UnknownEpoch(i32),
    #[error("the anchor holds a line that this program does not understand")]
    AnchorMalformed,
    #[error("the row of key {0} was changed: it does not unwrap")]
    RowTampered(KeyId),
    #[error("key {0} is neither in the keyring nor among the destroyed")]
    UnknownKey(KeyId),
    #[error("key {0} belongs to another organisation, class or kind than it was used for")]
    KeyMisused(KeyId),
    #[error("the envelope does not have an envelope's form")]
    EnvelopeMalformed,
    #[error("the envelope does not open: it was changed, or it belongs elsewhere")]
    EnvelopeRefused,
    #[error("what was sealed is not of the expected kind")]
    ContentMalformed,
    #[error("the spooled body does not open: it was changed, or it belongs elsewhere")]
    BodyRefused,
    #[error("the data policy does not allow to open {} for this purpose", data.as_str())]
    PurposeRefused { data: DataName, purpose: Purpose, refusal: PurposeRefusal },
    #[error("no bucket key is made for another day than the database's today and yesterday")]
    BucketNotCurrent,
    #[error("the bucket's key was destroyed")]
    BucketDestroyed,
    #[error("the subject was forgotten and gets no key again")]
    Fenced,
    #[error("too many others created or destroyed the same keys at once")]
    Contended,
    #[error("the stored password hash is not one")]
    PasswordHashMalformed,
    #[error("another process rotates the epochs by now")]
    LeaseLost,
    #[error("this tree does not go on from the last one that was signed: the log was changed or cut, or another process signs")]
    WouldContradict,
    #[error("the vault is stopping")]
    Stopped,
}

impl From<tokio_postgres::Error> for VaultError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(Arc::new(error))
    }
}

impl From<deadpool_postgres::PoolError> for VaultError {
    fn from(error: deadpool_postgres::PoolError) -> Self {
        Self::NoConnection(Arc::new(error))
    }
}

impl VaultError {
    pub(crate) fn key_directory(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |error| Self::KeyDirectory { what, error: Arc::new(error) }
    }

    /// The provider did not answer, or not like one.
    pub(crate) fn away(provider: KeyProvider, reason: impl ToString) -> Self {
        Self::ProviderAway { provider, reason: reason.to_string().into() }
    }

    /// The provider answered, and does not do what is asked.
    pub(crate) fn refused(provider: KeyProvider, reason: impl ToString) -> Self {
        Self::ProviderRefused { provider, reason: reason.to_string().into() }
    }
}
