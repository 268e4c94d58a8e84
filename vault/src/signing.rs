//! The installation's signature: one Ed25519 key, and beside it the last tree that it vouched for and how far the log had come then, both in the key
//! directory. The database may be restored from any backup; what was signed stays signed, so the memory of it lies outside.

mod former;
mod state;

use crate::cipher::random;
use crate::error::VaultError;
use crate::key_directory::KeyDirectory;
use crate::secret::Secret;
use crate::vault::{Vault, blocking};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, ParsedPublicKey};
use domain::{LogEnd, PublicKey};
pub use former::{Anchored, anchored_log, begin_new_log};
use state::State;
#[cfg(test)]
pub(crate) use state::parse;
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

const KEY_FILE_MAGIC: &[u8; 8] = b"lmsign_1";
const KEY_FILE: &str = "signing.key";

/// A Merkle tree that was vouched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VouchedTree {
    pub size: u64,
    pub root: [u8; 32],
}

/// Signs, as one process of the installation. Cheap to clone.
#[derive(Clone)]
pub struct Signer {
    seed: Arc<Secret>,
    public: [u8; 32],
    directory: KeyDirectory,
}

/// Whether an Ed25519 signature holds. Malformed keys and signatures do not.
pub fn signature_holds(public: &[u8; 32], message: &[u8], signature: &[u8]) -> bool {
    ParsedPublicKey::new(&ED25519, public).is_ok_and(|key| key.verify_sig(message, signature).is_ok())
}

impl Vault {
    /// The signing key, made by whoever asks first.
    pub async fn signer(&self) -> Result<Signer, VaultError> {
        let directory = self.keyring().directory.clone();
        blocking(move || {
            let path = beside_anchor(&directory, KEY_FILE);
            if !path.try_exists().map_err(failed)? {
                create_key(&directory, &path)?;
            }
            Signer::read(directory)
        })
        .await
    }
}

impl Signer {
    fn read(directory: KeyDirectory) -> Result<Self, VaultError> {
        let seed = read_key(&beside_anchor(&directory, KEY_FILE))?;
        let public = pair(&seed).public_key().as_ref().try_into().expect("an Ed25519 public key has 32 bytes");
        Ok(Self { seed: Arc::new(seed), public, directory })
    }

    pub fn public_key(&self) -> [u8; 32] {
        self.public
    }

    pub fn sign(&self, messages: &[String]) -> Vec<Vec<u8>> {
        let pair = pair(&self.seed);
        messages.iter().map(|message| pair.sign(message.as_bytes()).as_ref().to_vec()).collect()
    }

    /// The last tree, or `None` before the first.
    pub async fn vouched(&self) -> Result<Option<VouchedTree>, VaultError> {
        let signer = self.clone();
        blocking(move || Ok(signer.state()?.map(|state| state.tree))).await
    }

    /// How far the log had come when something was signed last.
    pub async fn end(&self) -> Result<Option<LogEnd>, VaultError> {
        let signer = self.clone();
        blocking(move || Ok(signer.state()?.and_then(|state| state.end))).await
    }

    /// Remembers `to` for good before anything says so, and that the log had come to `end`. `from` is what the caller has found `to` to continue.
    ///
    /// # Errors
    /// [`VaultError::WouldContradict`] when `from` is not the last tree, or `to` does not go beyond it.
    pub async fn vouch(&self, from: Option<VouchedTree>, to: VouchedTree, end: LogEnd) -> Result<(), VaultError> {
        let signer = self.clone();
        blocking(move || {
            let _alone = lock(&signer.directory)?;
            let last = signer.state()?.map(|state| state.tree);
            if last != from || last.is_some_and(|last| to != last && to.size <= last.size) {
                return Err(VaultError::WouldContradict);
            }
            State { key: Some(PublicKey(signer.public)), tree: to, end: Some(end) }.write(&signer.directory)
        })
        .await
    }

    /// `None` also when the memory is another key's: that key's log has ended, and this one's has not begun.
    fn state(&self) -> Result<Option<State>, VaultError> {
        Ok(State::read(&self.directory)?.filter(|state| state.is_of(&self.public)))
    }
}

/// The right to change the key or the memory of what it signed. A key that takes the place of another is another file, so the directory itself is locked.
fn lock(directory: &KeyDirectory) -> Result<File, VaultError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false).mode(0o600);
    let file = options.open(beside_anchor(directory, "signing.lock")).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

fn beside_anchor(directory: &KeyDirectory, name: &str) -> PathBuf {
    directory.anchor_path().with_file_name(name)
}

/// Written aside and then given its name, so that nobody finds half a key; of two processes that make one at once, the first wins.
fn create_key(directory: &KeyDirectory, path: &Path) -> Result<(), VaultError> {
    let aside = write_aside(directory)?;
    let linked = std::fs::hard_link(&aside, path);
    std::fs::remove_file(&aside).map_err(failed)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failed(error)),
        _ => directory.sync(),
    }
}

/// A new key under a name that nobody looks for.
fn write_aside(directory: &KeyDirectory) -> Result<PathBuf, VaultError> {
    let aside = beside_anchor(directory, &format!("signing.{:016x}", u64::from_be_bytes(random())));
    let seed = Secret::random();
    let mut content = Zeroizing::new(KEY_FILE_MAGIC.to_vec());
    content.extend_from_slice(seed.bytes());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside).map_err(failed)?;
    file.write_all(&content).and_then(|()| file.sync_all()).map_err(failed)?;
    Ok(aside)
}

fn read_key(path: &Path) -> Result<Secret, VaultError> {
    let mut content = Zeroizing::new([0; 40]);
    File::open(path).and_then(|mut file| file.read_exact(content.as_mut())).map_err(failed)?;
    let seed = content.strip_prefix(KEY_FILE_MAGIC).ok_or_else(|| failed(ErrorKind::InvalidData.into()))?;
    Secret::fill(|bytes| {
        bytes.copy_from_slice(seed);
        Ok(())
    })
}

fn pair(seed: &Secret) -> Ed25519KeyPair {
    Ed25519KeyPair::from_seed_unchecked(seed.bytes()).expect("any 32 bytes are an Ed25519 seed")
}

fn failed(error: std::io::Error) -> VaultError {
    VaultError::key_directory("the signing key or its memory cannot be read or written")(error)
}
