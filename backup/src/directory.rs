//! The directory that a backup is written to: by one process at a time, and so that a crash leaves the backup before it whole.

use crate::manifest::{Content, hex};
use crate::{BackupError, Kind, Manifest};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub(crate) const MANIFEST: &str = "manifest.json";
pub(crate) const COPY: &str = ".copy";
const LOCK: &str = "lock";
const UNFINISHED: &str = ".unfinished";

pub(crate) struct Directory {
    path: PathBuf,
    /// Let go of by the system, however this process ends.
    _lock: File,
}

impl Directory {
    /// Makes the directory where it is missing, for our account alone. Also says what was backed up there before.
    pub fn open(path: &Path, kind: Kind) -> Result<(Self, Manifest), BackupError> {
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(BackupError::io(path))?;
        refuse_strangers(path)?;
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path.join(LOCK));
        let lock = lock.map_err(BackupError::io(path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(BackupError::InUse(path.to_owned())),
            Err(TryLockError::Error(error)) => return Err(BackupError::io(path)(error)),
        }
        let before = read_manifest(path)?.unwrap_or_else(|| Manifest::empty(kind));
        if before.kind != kind {
            return Err(BackupError::OtherKind { path: path.to_owned(), found: before.kind, wanted: kind });
        }
        Ok((Self { path: path.to_owned(), _lock: lock }, before))
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn create(&self, name: String) -> Result<Writing, BackupError> {
        let unfinished = self.path.join(format!("{name}{UNFINISHED}"));
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished).map_err(BackupError::io(&unfinished))?;
        Ok(Writing { path: self.path.join(&name), unfinished, name, file: BufWriter::new(file), hash: Sha256::new(), bytes: 0 })
    }

    /// From here on the backup is this one. What it does not name goes.
    pub fn finish(&self, manifest: &Manifest) -> Result<(), BackupError> {
        self.sync()?;
        let mut writing = self.create(MANIFEST.to_owned())?;
        writing.write(&manifest.to_bytes())?;
        writing.finish()?;
        self.sync()?;
        let events = manifest.events.iter().map(|part| &part.content.file);
        let named: HashSet<&String> = events.chain(manifest.tables.iter().map(|part| &part.content.file)).collect();
        for entry in std::fs::read_dir(&self.path).map_err(BackupError::io(&self.path))? {
            let entry = entry.map_err(BackupError::io(&self.path))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if (name.ends_with(COPY) || name.ends_with(UNFINISHED)) && !named.contains(&name) {
                std::fs::remove_file(entry.path()).map_err(BackupError::io(&entry.path()))?;
            }
        }
        Ok(())
    }

    fn sync(&self) -> Result<(), BackupError> {
        File::open(&self.path).and_then(|directory| directory.sync_all()).map_err(BackupError::io(&self.path))
    }
}

/// A file on its way: it has another name until it is whole and on the disk.
pub(crate) struct Writing {
    path: PathBuf,
    unfinished: PathBuf,
    name: String,
    file: BufWriter<File>,
    hash: Sha256,
    bytes: u64,
}

impl Writing {
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        self.file.write_all(bytes).map_err(BackupError::io(&self.unfinished))
    }

    pub fn finish(self) -> Result<Content, BackupError> {
        let failed = || BackupError::io(&self.unfinished);
        let file = self.file.into_inner().map_err(|error| failed()(error.into_error()))?;
        file.sync_all().map_err(failed())?;
        std::fs::rename(&self.unfinished, &self.path).map_err(failed())?;
        Ok(Content { file: self.name, bytes: self.bytes, sha256: hex(&self.hash.finalize()) })
    }
}

/// None where no backup was ever finished.
pub(crate) fn read_manifest(directory: &Path) -> Result<Option<Manifest>, BackupError> {
    let path = directory.join(MANIFEST);
    match std::fs::read(&path) {
        Ok(bytes) => Manifest::parse(&path, &bytes).map(Some),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(BackupError::io(&path)(error)),
    }
}

/// Files are removed here after each backup, so none of somebody else's may lie here.
fn refuse_strangers(path: &Path) -> Result<(), BackupError> {
    for entry in std::fs::read_dir(path).map_err(BackupError::io(path))? {
        let name = entry.map_err(BackupError::io(path))?.file_name().to_string_lossy().into_owned();
        let ours = [LOCK, MANIFEST, "lost+found"].contains(&name.as_str()) || name.ends_with(COPY) || name.ends_with(UNFINISHED);
        if !ours {
            return Err(BackupError::NotOurs(path.to_owned()));
        }
    }
    Ok(())
}
