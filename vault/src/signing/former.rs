//! What is known outside the database of how far the log had come, and beginning anew after it was lost.

use super::state::State;
use super::{KEY_FILE, KEY_FILE_MAGIC, Signer, VouchedTree, beside_anchor, failed, lock, write_aside};
use crate::error::VaultError;
use crate::key_directory::KeyDirectory;
use crate::vault::blocking;
use domain::LogEnd;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

/// The name of a key that is about to be overwritten.
const OLD: &str = "signing.old";

/// What was signed last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anchored {
    /// The key that signed it.
    pub public: [u8; 32],
    pub tree: VouchedTree,
    /// `None`: it was written by a program that did not note it.
    pub end: Option<LogEnd>,
}

/// The signer's memory in this key directory; `None` before anything was signed with the key that is there. Needs no database.
pub async fn anchored_log(key_dir: PathBuf) -> Result<Option<Anchored>, VaultError> {
    blocking(move || {
        let directory = KeyDirectory::open(&key_dir, None)?;
        // The key first: one that took another's place does so before the other's memory goes.
        if !beside_anchor(&directory, KEY_FILE).try_exists().map_err(failed)? {
            return Ok(None);
        }
        let signer = Signer::read(directory)?;
        let state = signer.state()?;
        Ok(state.map(|State { tree, end, .. }| Anchored { public: signer.public, tree, end }))
    })
    .await
}

/// Puts a new key in the place of `former`, and forgets what that one signed: the log which it vouched for is lost, and an event says so. Whoever was cut
/// off repeats it; once another key is there nothing happens.
pub async fn begin_new_log(key_dir: PathBuf, former: [u8; 32]) -> Result<(), VaultError> {
    blocking(move || {
        let directory = KeyDirectory::open(&key_dir, None)?;
        let _alone = lock(&directory)?;
        if Signer::read(directory.clone())?.public == former {
            replace_key(&directory)?;
        }
        let replaced = State::read(&directory)?.is_some_and(|state| state.key.is_none_or(|key| key.0 == former));
        if replaced {
            std::fs::remove_file(beside_anchor(&directory, "signed")).map_err(failed)?;
        }
        erase(&directory)
    })
    .await
}

fn replace_key(directory: &KeyDirectory) -> Result<(), VaultError> {
    let (key, old) = (beside_anchor(directory, KEY_FILE), beside_anchor(directory, OLD));
    let aside = write_aside(directory)?;
    // The old key keeps a name until it is overwritten. One from an attempt that was cut off may be the key itself, so it is not overwritten here.
    match std::fs::remove_file(&old) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => std::fs::hard_link(&key, &old).map_err(failed)?,
    }
    std::fs::rename(&aside, &key).map_err(failed)?;
    directory.sync()
}

/// Nothing is signed with the old key any more.
fn erase(directory: &KeyDirectory) -> Result<(), VaultError> {
    let old = beside_anchor(directory, OLD);
    match OpenOptions::new().write(true).open(&old) {
        Ok(mut file) => {
            file.write_all(&[0; KEY_FILE_MAGIC.len() + 32]).and_then(|()| file.sync_all()).map_err(failed)?;
            std::fs::remove_file(&old).map_err(failed)?;
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    directory.sync()
}
