//! What an operator says about providers.

use domain::KeyProvider;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A passphrase, PIN or token. Never shown, and overwritten when its last holder ends.
#[derive(Clone)]
pub struct Passphrase(Arc<Zeroizing<String>>);

impl Passphrase {
    pub fn new(text: impl Into<String>) -> Self {
        Self(Arc::new(Zeroizing::new(text.into())))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Which provider wraps the next epoch's key, and how to reach those that wrapped the living ones.
#[derive(Clone)]
pub struct ProviderSettings {
    pub current: KeyProvider,
    /// For sealed files. The first one seals new files; the others open older ones.
    pub passphrases: Vec<Passphrase>,
    pub token: Option<TokenSettings>,
    pub transit: Option<TransitSettings>,
}

/// A PKCS #11 token.
#[derive(Clone)]
pub struct TokenSettings {
    /// The shared library that its maker ships.
    pub module: PathBuf,
    pub label: String,
    /// Of the token's user.
    pub pin: Passphrase,
}

/// A Transit engine of OpenBao or Vault.
#[derive(Clone)]
pub struct TransitSettings {
    /// `https://host:port`; `http://` for a server on this machine.
    pub address: String,
    /// Where the engine is mounted.
    pub mount: String,
    pub token: Passphrase,
    pub namespace: Option<String>,
    /// Who vouches for the server, in PEM form. `None`: the system's authorities.
    pub ca_file: Option<PathBuf>,
}

impl Default for ProviderSettings {
    /// Sealed files.
    fn default() -> Self {
        Self { current: KeyProvider::SealedFile, passphrases: vec![], token: None, transit: None }
    }
}
