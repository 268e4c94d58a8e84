//! The directory of sealed files: the epoch keys' wrapping keys, and the anchor. It lies outside the database and outside every backup.

use crate::error::VaultError;
use crate::secret::Secret;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use uuid::Uuid;
use zeroize::Zeroizing;

/// First bytes of a key file.
const KEY_FILE_MAGIC: &[u8; 8] = b"lmepoch1";
const KEY_FILE_LENGTH: usize = 40;

#[derive(Clone)]
pub(crate) struct KeyDirectory {
    path: PathBuf,
}

impl KeyDirectory {
    /// Makes the directory when it is missing. Whoever copies the data directory must not get the keys along with it, so neither may lie in the other.
    pub(crate) fn open(path: &Path, data_dir: Option<&Path>) -> Result<Self, VaultError> {
        // Looked at before anything is made: a refused directory is not left behind.
        if let Some(data_dir) = data_dir {
            refuse_inside(&resolved(path)?, &resolved(data_dir)?)?;
        }
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(VaultError::key_directory("it cannot be made"))?;
        let path = path.canonicalize().map_err(VaultError::key_directory("it cannot be found"))?;
        let directory = Self { path };
        refuse_exposed(&directory.path)?;
        if let Some(parent) = directory.path.parent() {
            sync_directory(parent)?;
        }
        Ok(directory)
    }

    pub(crate) fn anchor_path(&self) -> PathBuf {
        self.path.join("anchor")
    }

    pub(crate) fn sync(&self) -> Result<(), VaultError> {
        sync_directory(&self.path)
    }

    /// A new wrapping key `id`, durable when it is returned.
    pub(crate) fn create_key(&self, id: Uuid) -> Result<(), VaultError> {
        let key = Secret::random();
        let mut content = Zeroizing::new(KEY_FILE_MAGIC.to_vec());
        content.extend_from_slice(key.bytes());
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.key_path(id))
            .map_err(VaultError::key_directory("a key file cannot be made"))?;
        file.write_all(&content).and_then(|()| file.sync_all()).map_err(VaultError::key_directory("a key file cannot be written"))?;
        self.sync()
    }

    /// Overwrites and removes a wrapping key, durably. Repeating it changes nothing. What the medium itself keeps of old content is beyond reach.
    pub(crate) fn destroy_key(&self, id: Uuid) -> Result<(), VaultError> {
        let path = self.key_path(id);
        let failed = || VaultError::key_directory("a key file cannot be destroyed");
        match OpenOptions::new().write(true).open(&path) {
            Ok(mut file) => file.write_all(&[0; KEY_FILE_LENGTH]).and_then(|()| file.sync_all()).map_err(failed())?,
            Err(error) if error.kind() == ErrorKind::NotFound => return self.sync(),
            Err(error) => return Err(failed()(error)),
        }
        std::fs::remove_file(&path).map_err(failed())?;
        self.sync()
    }

    /// The wrapping key `id`; `None` when its file is not here.
    pub(crate) fn read_key(&self, id: Uuid) -> Result<Option<Secret>, VaultError> {
        let path = self.key_path(id);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(VaultError::key_directory("a key file cannot be opened")(error)),
        };
        refuse_exposed(&path)?;
        let mut content = Zeroizing::new([0; KEY_FILE_LENGTH]);
        file.read_exact(content.as_mut()).map_err(VaultError::key_directory("a key file is cut short"))?;
        let Some(key) = content.strip_prefix(KEY_FILE_MAGIC) else {
            return Err(VaultError::key_directory("a key file has another form")(ErrorKind::InvalidData.into()));
        };
        let filled = Secret::fill(|bytes| {
            bytes.copy_from_slice(key);
            Ok::<(), VaultError>(())
        });
        filled.map(Some)
    }

    fn key_path(&self, id: Uuid) -> PathBuf {
        self.path.join(format!("{}.key", id.simple()))
    }
}

/// Where `path` leads once links are followed, also while its last parts do not exist yet.
fn resolved(path: &Path) -> Result<PathBuf, VaultError> {
    let absolute = std::path::absolute(path).map_err(VaultError::key_directory("its path cannot be resolved"))?;
    let existing = absolute.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/"));
    let rest = absolute.strip_prefix(existing).expect("an ancestor is a prefix").to_owned();
    let existing = existing.canonicalize().map_err(VaultError::key_directory("its path cannot be resolved"))?;
    // A `..` in the part that does not exist yet could lead anywhere.
    if rest.components().any(|part| part == std::path::Component::ParentDir) {
        return Err(VaultError::KeyDirectoryInsideData);
    }
    Ok(existing.join(rest))
}

fn refuse_inside(key_dir: &Path, data_dir: &Path) -> Result<(), VaultError> {
    let nested = key_dir.starts_with(data_dir) || data_dir.starts_with(key_dir);
    if nested { Err(VaultError::KeyDirectoryInsideData) } else { Ok(()) }
}

fn refuse_exposed(path: &Path) -> Result<(), VaultError> {
    let mode = path.metadata().map_err(VaultError::key_directory("its permissions cannot be read"))?.mode();
    if mode & 0o077 == 0 { Ok(()) } else { Err(VaultError::KeyDirectoryExposed) }
}

fn sync_directory(path: &Path) -> Result<(), VaultError> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(VaultError::key_directory("it cannot be synced"))
}
