//! Looking through a bundle without the installation that made it, and without trusting it.
//!
//! Three questions with an answer each. *Integrity*: is what is here what was signed? *Completeness*: is anything missing? *Erasure*: is what cannot be
//! opened explained by an event that destroyed its key, and was nothing sealed under a key after that?

mod elsewhere;
mod erasure;
mod events;
mod former;
mod held;
mod report;
mod signed;
mod witnesses;

use crate::bundle::{MANIFEST_FORMAT, Manifest};
use crate::verifier_key::{VerifierKey, VerifySignature};
use domain::EventId;
use erasure::Erasures;
pub use erasure::{BEGINNINGS, explains_keys};
pub(crate) use erasure::{END_OF_EPOCH, explained_by};
pub(crate) use former::LOSS;
pub use report::{Fault, Report, Verdict};
use std::collections::BTreeSet;
use std::path::Path;

pub struct VerifyOptions {
    pub verify: VerifySignature,
    /// The log's key as it was told some other way; without it the bundle's own is believed, and the report says so.
    pub key: Option<VerifierKey>,
    pub witnesses: Vec<VerifierKey>,
    /// Events that must be there: answers of the API and webhooks name them.
    pub receipts: BTreeSet<EventId>,
    /// A part of the log is not enough.
    pub whole: bool,
    /// Signed checkpoints that were kept elsewhere: the log must go on from each.
    pub earlier: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("{path} cannot be read")]
    Unreadable {
        path: String,
        #[source]
        error: std::io::Error,
    },
    #[error("manifest.json is not the manifest of a bundle of a form that this program knows")]
    NotABundle,
}

/// Reads the bundle once, event by event.
pub fn verify_bundle(directory: &Path, options: &VerifyOptions) -> Result<Report, VerifyError> {
    let manifest: Manifest = serde_json::from_slice(&read(directory, "manifest.json")?).map_err(|_| VerifyError::NotABundle)?;
    if manifest.format != MANIFEST_FORMAT {
        return Err(VerifyError::NotABundle);
    }
    let mut report = Report::default();
    let checkpoint = signed::checkpoint(directory, &manifest, options, &mut report)?;
    let mut tiles = held::Tiles::open(directory, &checkpoint, &mut report);
    let mut erasures = Erasures::default();
    let events = events::look_through(directory, &manifest, &mut tiles, &mut erasures, options.receipts.clone(), &mut report)?;
    elsewhere::explanations(directory, options.verify, &mut erasures, &mut report)?;
    erasures.conclude(&manifest, &mut report);
    elsewhere::earlier_checkpoints(&options.earlier, &checkpoint, options.verify, &mut tiles, &mut report);
    let platform = signed::platform(directory, &checkpoint, options, &mut report)?;
    former::is_first(directory, platform.as_ref(), &mut report);
    if options.whole && !manifest.is_whole() {
        let what = format!("it holds {} events, and the log has {}", manifest.count, checkpoint.size);
        report.completeness.fault("manifest.json", what);
    }
    elsewhere::files(directory, &manifest, &events, &mut report)?;
    Ok(report)
}

fn read(directory: &Path, path: &str) -> Result<Vec<u8>, VerifyError> {
    std::fs::read(directory.join(path)).map_err(|error| VerifyError::Unreadable { path: path.to_owned(), error })
}
