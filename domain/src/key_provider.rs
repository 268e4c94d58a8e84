//! Who keeps the key that wraps an epoch's key, and destroys it.

use crate::fact::vocabulary;

vocabulary! {
    /// What keeps the key that wraps an epoch's key.
    pub enum KeyProvider {
        SealedFile,
        /// A sealed file that also wants a passphrase.
        PassphraseFile,
        /// An object in a PKCS #11 token.
        Pkcs11,
        /// A named key of OpenBao's or Vault's Transit engine.
        Transit,
    }
}

impl KeyProvider {
    /// As a certificate names it.
    pub fn describe(self) -> &'static str {
        match self {
            KeyProvider::SealedFile => "a sealed file in the key directory",
            KeyProvider::PassphraseFile => "a sealed file in the key directory, under a passphrase",
            KeyProvider::Pkcs11 => "an object in a PKCS #11 token",
            KeyProvider::Transit => "a named key of a Transit engine (OpenBao or Vault)",
        }
    }

    /// How it destroys a key. None of them keeps one for a while: what is destroyed is gone from the provider's living state at once.
    pub fn destruction(self) -> &'static str {
        match self {
            KeyProvider::SealedFile | KeyProvider::PassphraseFile => "the file is overwritten, synced and removed",
            KeyProvider::Pkcs11 => "C_DestroyObject, and the token no longer finds it",
            KeyProvider::Transit => "the key is deleted with all its versions, and the server no longer finds it",
        }
    }

    /// What its destruction does not cover, as a certificate says it.
    pub fn limits(self) -> &'static str {
        match self {
            KeyProvider::SealedFile => {
                "remnants of the file on its medium, copies of the key directory and snapshots of the machine are not covered"
            }
            KeyProvider::PassphraseFile => {
                "remnants of the file on its medium, copies of the key directory and snapshots of the machine are not covered where somebody also has the passphrase"
            }
            KeyProvider::Pkcs11 => "copies that the token's own backup, cloning or high availability made are not covered",
            KeyProvider::Transit => {
                "backups and snapshots of that server's storage are not covered: whoever restores and unseals one has the key again"
            }
        }
    }
}
