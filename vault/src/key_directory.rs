//! The key directory: sealed files, the anchor, the signing key. It lies outside the database and outside every backup.

use crate::error::VaultError;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// No key file is longer.
const FILE_LENGTH_MAX: u64 = 4096;
const FILE_LENGTH_ROOM: usize = 4096 + 1;

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

    /// To look at, without making anything.
    pub(crate) fn unopened(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub(crate) fn anchor_path(&self) -> PathBuf {
        self.path.join("anchor")
    }

    pub(crate) fn sync(&self) -> Result<(), VaultError> {
        sync_directory(&self.path)
    }

    /// A file of this directory, whether it exists or not.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A new file that only its owner may read, durable when it is returned. One that exists already is an error.
    pub(crate) fn create_file(&self, name: &str, content: &[u8]) -> Result<(), VaultError> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(self.file(name))
            .map_err(VaultError::key_directory("a key file cannot be made"))?;
        file.write_all(content).and_then(|()| file.sync_all()).map_err(VaultError::key_directory("a key file cannot be written"))?;
        self.sync()
    }

    /// Overwrites and removes a file, durably. Repeating it changes nothing. What the medium itself keeps of old content is beyond reach.
    pub(crate) fn destroy_file(&self, name: &str) -> Result<(), VaultError> {
        let path = self.file(name);
        let failed = || VaultError::key_directory("a key file cannot be destroyed");
        match OpenOptions::new().write(true).open(&path) {
            Ok(mut file) => {
                let length = file.metadata().map_err(failed())?.len().min(FILE_LENGTH_MAX);
                let zeros = vec![0; usize::try_from(length).expect("a key file is short")];
                file.write_all(&zeros).and_then(|()| file.sync_all()).map_err(failed())?;
            }
            Err(error) if error.kind() == ErrorKind::NotFound => return self.sync(),
            Err(error) => return Err(failed()(error)),
        }
        std::fs::remove_file(&path).map_err(failed())?;
        self.sync()
    }

    /// A file's content; `None` when it is not here.
    pub(crate) fn read_file(&self, name: &str) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        let path = self.file(name);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(VaultError::key_directory("a key file cannot be opened")(error)),
        };
        refuse_exposed(&path)?;
        // Room for all of it, so that no shorter copy is left behind when the buffer grows.
        let mut content = Zeroizing::new(Vec::with_capacity(FILE_LENGTH_ROOM));
        file.take(FILE_LENGTH_MAX).read_to_end(&mut content).map_err(VaultError::key_directory("a key file cannot be read"))?;
        Ok(Some(content))
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
