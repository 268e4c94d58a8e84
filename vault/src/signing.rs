//! The installation's signature: one Ed25519 key, and beside it the last tree that it vouched for, both in the key directory. The database may be
//! restored from any backup; what was signed stays signed, so the memory of it lies outside.

use crate::cipher::random;
use crate::error::VaultError;
use crate::key_directory::KeyDirectory;
use crate::secret::Secret;
use crate::vault::{Vault, blocking};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, ParsedPublicKey};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

const KEY_FILE_MAGIC: &[u8; 8] = b"lmsign_1";

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
            let path = beside_anchor(&directory, "signing.key");
            if !path.try_exists().map_err(failed)? {
                create_key(&directory, &path)?;
            }
            let seed = read_key(&path)?;
            let public = pair(&seed).public_key().as_ref().try_into().expect("an Ed25519 public key has 32 bytes");
            Ok(Signer { seed: Arc::new(seed), public, directory })
        })
        .await
    }
}

impl Signer {
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
        blocking(move || signer.read_state()).await
    }

    /// Remembers `to` for good before anything says so. `from` is what the caller has found `to` to continue.
    ///
    /// # Errors
    /// [`VaultError::WouldContradict`] when `from` is not the last tree, or `to` does not go beyond it.
    pub async fn vouch(&self, from: Option<VouchedTree>, to: VouchedTree) -> Result<(), VaultError> {
        let signer = self.clone();
        blocking(move || {
            let lock = File::open(beside_anchor(&signer.directory, "signing.key")).map_err(failed)?;
            lock.lock().map_err(failed)?;
            let last = signer.read_state()?;
            if last != from || last.is_some_and(|last| to != last && to.size <= last.size) {
                return Err(VaultError::WouldContradict);
            }
            let hex: String = to.root.iter().map(|byte| format!("{byte:02x}")).collect();
            let new = beside_anchor(&signer.directory, "signed.new");
            let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new).map_err(failed)?;
            file.write_all(format!("{} {hex}\n", to.size).as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
            std::fs::rename(&new, signer.state_path()).map_err(failed)?;
            signer.directory.sync()
        })
        .await
    }

    fn state_path(&self) -> PathBuf {
        beside_anchor(&self.directory, "signed")
    }

    fn read_state(&self) -> Result<Option<VouchedTree>, VaultError> {
        let text = match std::fs::read_to_string(self.state_path()) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        parse(&text).map(Some).ok_or(VaultError::AnchorMalformed)
    }
}

pub(crate) fn parse(text: &str) -> Option<VouchedTree> {
    let (size, hex) = text.strip_suffix('\n')?.split_once(' ')?;
    let mut root = [0; 32];
    if hex.len() != 64 || !hex.is_ascii() {
        return None;
    }
    for (place, byte) in root.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&hex[2 * place..2 * place + 2], 16).ok()?;
    }
    Some(VouchedTree { size: size.parse().ok()?, root })
}

fn beside_anchor(directory: &KeyDirectory, name: &str) -> PathBuf {
    directory.anchor_path().with_file_name(name)
}

/// Written aside and then given its name, so that nobody finds half a key; of two processes that make one at once, the first wins.
fn create_key(directory: &KeyDirectory, path: &Path) -> Result<(), VaultError> {
    let aside = beside_anchor(directory, &format!("signing.{:016x}", u64::from_be_bytes(random())));
    let seed = Secret::random();
    let mut content = Zeroizing::new(KEY_FILE_MAGIC.to_vec());
    content.extend_from_slice(seed.bytes());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&aside).map_err(failed)?;
    file.write_all(&content).and_then(|()| file.sync_all()).map_err(failed)?;
    let linked = std::fs::hard_link(&aside, path);
    std::fs::remove_file(&aside).map_err(failed)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failed(error)),
        _ => directory.sync(),
    }
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
