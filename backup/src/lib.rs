//! Backups of the log and of the keyring, each in a directory of its own, and the way back into an empty database.
//!
//! A backup is made of files that PostgreSQL's COPY wrote, and of a manifest that names them all with their SHA-256. The manifest comes last, by one
//! rename: whoever is killed before leaves what was there before. This crate must not know what an event means, and holds no key: keys stay wrapped.

mod directory;
mod dump;
mod error;
mod keyring;
mod log;
mod manifest;
mod restore;
mod rows;
mod stored;

pub use error::BackupError;
pub use keyring::back_up_keyring;
pub use log::back_up_log;
pub use manifest::{EventFile, Kind, Manifest, TableFile};
pub use restore::{Restore, UNFINISHED};
pub use stored::{EventRow, Stored, Until};
