//! Keys in files of the key directory, each for its owner alone; with a passphrase each is also sealed under a key derived from that.

use super::NotUnwrapped;
use super::key_file::{self, KeyFile};
use super::settings::Passphrase;
use crate::cipher::{SealingKey, unwrap, wrap};
use crate::error::VaultError;
use crate::key_directory::KeyDirectory;
use crate::secret::Secret;
use std::io::ErrorKind;
use uuid::Uuid;

pub(super) struct SealedFiles {
    directory: KeyDirectory,
    /// Empty: the files hold their keys as they are.
    passphrases: Vec<Passphrase>,
}

impl SealedFiles {
    pub(super) fn plain(directory: KeyDirectory) -> Self {
        Self { directory, passphrases: vec![] }
    }

    /// The first passphrase seals new files, every one is tried on those that are there.
    pub(super) fn with_passphrase(directory: KeyDirectory, passphrases: Vec<Passphrase>) -> Self {
        Self { directory, passphrases }
    }

    /// The directory was looked at when it was opened.
    pub(super) fn ping(&self) -> Result<(), VaultError> {
        self.directory.sync()
    }

    pub(super) fn create(&self, name: Uuid) -> Result<(), VaultError> {
        let key = Secret::random();
        match self.passphrases.first() {
            None => self.directory.create_file(&file_name(name), &key_file::plain(&key)),
            Some(passphrase) => self.directory.create_file(&file_name(name), &key_file::seal(name, passphrase, &key)),
        }
    }

    pub(super) fn wrap(&self, name: Uuid, aad: &[u8], secret: &Secret) -> Result<Vec<u8>, NotUnwrapped> {
        Ok(wrap(&self.key(name)?, aad, secret))
    }

    pub(super) fn unwrap(&self, name: Uuid, aad: &[u8], wrapped: &[u8]) -> Result<Secret, NotUnwrapped> {
        Ok(unwrap(&self.key(name)?, aad, wrapped)?)
    }

    pub(super) fn destroy(&self, name: Uuid) -> Result<(), VaultError> {
        self.directory.destroy_file(&file_name(name))
    }

    pub(super) fn is_gone(&self, name: Uuid) -> Result<bool, VaultError> {
        Ok(self.directory.read_file(&file_name(name))?.is_none())
    }

    fn key(&self, name: Uuid) -> Result<SealingKey, NotUnwrapped> {
        let content = self.directory.read_file(&file_name(name))?.ok_or(NotUnwrapped::Missing)?;
        let malformed = || VaultError::key_directory("a key file has another form")(ErrorKind::InvalidData.into());
        match (key_file::parse(&content).ok_or_else(malformed)?, self.passphrases.is_empty()) {
            (KeyFile::Plain(key), true) => Ok(SealingKey::new(key)),
            (KeyFile::Sealed { cost, salt, wrapped }, false) => {
                let opened = self.passphrases.iter().find_map(|passphrase| key_file::open(name, passphrase, (cost, salt, wrapped)).ok());
                Ok(SealingKey::new(opened.ok_or(VaultError::PassphraseWrong)?.bytes()))
            }
            _ => Err(malformed().into()),
        }
    }
}

fn file_name(name: Uuid) -> String {
    format!("{}.key", name.simple())
}
