//! The data directory: made once, used by one process at a time.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Held as long as this value lives; the system lets go of it when the process dies, however it dies.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    lock: File,
}

#[derive(Debug, thiserror::Error)]
pub enum DataDirectoryError {
    #[error("the data directory {} is in use by another process{}", path.display(), process.map(|id| format!(" ({id})")).unwrap_or_default())]
    InUse { path: PathBuf, process: Option<u32> },
    #[error("{} holds other files and was not made by Lethemail; name an empty or a new directory", path.display())]
    NotOurs { path: PathBuf },
    #[error("clock_file is set, but {} was not made for tests: a moved clock would destroy keys of real data", path.display())]
    NotForTests { path: PathBuf },
    #[error("the data directory {} cannot be prepared", path.display())]
    Io { path: PathBuf, source: io::Error },
}

const LOCK: &str = "lock";
/// Made together with the directory or never, so that real data cannot come under a moved clock by a slip.
const FOR_TESTS: &str = "made-for-tests";

impl DataDirectory {
    /// Makes the directory where it is missing. `for_tests` says that the clock will be moved.
    pub fn open(path: &Path, for_tests: bool) -> Result<Self, DataDirectoryError> {
        let failed = |source| DataDirectoryError::Io { path: path.to_owned(), source };
        make(path).map_err(failed)?;
        let is_new = is_empty(path).map_err(failed)?;
        if !is_new && !path.join(LOCK).exists() {
            return Err(DataDirectoryError::NotOurs { path: path.to_owned() });
        }
        let lock = lock(path)?;
        if for_tests && is_new {
            File::create(path.join(FOR_TESTS)).map_err(failed)?;
        }
        if for_tests {
            Self::check_made_for_tests(path)?;
        }
        if is_new {
            std::fs::set_permissions(path, Permissions::from_mode(mode())).map_err(failed)?;
        }
        Ok(Self { path: path.canonicalize().map_err(failed)?, lock })
    }

    /// Whether a moved clock may see this data.
    pub(crate) fn check_made_for_tests(path: &Path) -> Result<(), DataDirectoryError> {
        if path.join(FOR_TESTS).exists() { Ok(()) } else { Err(DataDirectoryError::NotForTests { path: path.to_owned() }) }
    }

    /// Absolute, without symbolic links.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for DataDirectory {
    fn drop(&mut self) {
        // The number in the file is for people; an empty file says that nobody is here.
        drop(self.lock.set_len(0));
    }
}

/// Root lets the unprivileged account of the private PostgreSQL pass through, and see nothing.
fn mode() -> u32 {
    if nix::unistd::geteuid().is_root() { 0o711 } else { 0o700 }
}

fn make(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    match DirBuilder::new().mode(mode()).create(path) {
        // Another process of ours was quicker; the lock decides.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome,
    }
}

/// `lost+found` belongs to the file system that is mounted here.
fn is_empty(path: &Path) -> io::Result<bool> {
    for entry in std::fs::read_dir(path)? {
        if entry?.file_name() != "lost+found" {
            return Ok(false);
        }
    }
    Ok(true)
}

fn lock(path: &Path) -> Result<File, DataDirectoryError> {
    let failed = |source| DataDirectoryError::Io { path: path.to_owned(), source };
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path.join(LOCK));
    let mut file = file.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            drop(file.read_to_string(&mut holder));
            return Err(DataDirectoryError::InUse { path: path.to_owned(), process: holder.trim().parse().ok() });
        }
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(failed)?;
    Ok(file)
}
