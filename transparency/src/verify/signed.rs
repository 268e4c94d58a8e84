//! Signatures: of the log's checkpoint, of the platform's over it, and of witnesses.

use super::{Report, VerifyError, VerifyOptions, read, witnesses};
use crate::bundle::Manifest;
use crate::checkpoint::{Checkpoint, Log, platform_entry};
use crate::hash::{Hash, leaf_hash};
use crate::note::Note;
use crate::proof::verify_inclusion;
use crate::tlog_proof::Proof;
use crate::verifier_key::VerifierKey;
use domain::{RecordedCheckpoint, RootHash};
use std::path::Path;

/// The tree that everything else is measured against. When its signature does not hold this is said, and the rest is looked at all the same.
pub(super) fn checkpoint(
    directory: &Path,
    manifest: &Manifest,
    options: &VerifyOptions,
    report: &mut Report,
) -> Result<Checkpoint, VerifyError> {
    let text = String::from_utf8(read(directory, "checkpoint")?).unwrap_or_default();
    let bundled = bundled_key(directory, Log::Organization(manifest.organization))?;
    let key = options.key.clone().or(bundled);
    (report.key, report.key_is_bundled) = (key.as_ref().map(VerifierKey::to_string).unwrap_or_default(), options.key.is_none());
    let note = text.parse::<Note>().ok();
    let checkpoint = note.as_ref().and_then(|note| note.text.parse::<Checkpoint>().ok());
    let mut fault = |what: &str| report.integrity.fault("checkpoint", what);
    let (Some(note), Some(checkpoint)) = (note, checkpoint) else {
        fault("this is no signed checkpoint");
        return Ok(Checkpoint { origin: String::new(), size: manifest.tree_size, root: [0; 32] });
    };
    match &key {
        None => fault("there is no key to verify it with"),
        Some(key) if key.name != checkpoint.origin => fault("it is of another log than the key"),
        Some(key) if Log::Organization(manifest.organization).origin(&key.public) != checkpoint.origin => {
            fault("it is not of this organisation's log")
        }
        Some(key) if !key.signed(&note, options.verify) => fault("its signature does not hold"),
        Some(_) => {}
    }
    if checkpoint.size != manifest.tree_size {
        report.integrity.fault("manifest.json", format!("it says {} events, the checkpoint {}", manifest.tree_size, checkpoint.size));
    }
    report.tree_size = checkpoint.size;
    Ok(checkpoint)
}

fn bundled_key(directory: &Path, log: Log) -> Result<Option<VerifierKey>, VerifyError> {
    let keys = String::from_utf8(read(directory, "keys")?).unwrap_or_default();
    let mut keys = keys.lines().filter_map(|line| line.parse::<VerifierKey>().ok());
    Ok(keys.find(|key| key.name == log.origin(&key.public)))
}

/// The log's checkpoint stands in the platform log, and who has seen that. Hands out the platform log's own, and its note.
pub(super) fn platform(
    directory: &Path,
    checkpoint: &Checkpoint,
    options: &VerifyOptions,
    report: &mut Report,
) -> Result<Option<(Checkpoint, String)>, VerifyError> {
    let text = String::from_utf8(read(directory, "platform/checkpoint")?).unwrap_or_default();
    let proof = String::from_utf8(read(directory, "platform/proof")?).unwrap_or_default();
    let public = report.key.parse::<VerifierKey>().map(|key| key.public);
    let (Ok(note), Ok(public)) = (text.parse::<Note>(), public) else {
        report.integrity.fault("platform/checkpoint", "this is no signed checkpoint, or there is no key");
        return Ok(None);
    };
    if !Log::Platform.verifier_key(public).signed(&note, options.verify) {
        report.integrity.fault("platform/checkpoint", "its signature does not hold");
    }
    let platform = note.text.parse::<Checkpoint>().ok();
    let shown = Proof::parse(&proof).filter(|proof| proof.checkpoint == text).zip(platform.as_ref());
    let holds = shown.zip(entry_leaf(checkpoint)).is_some_and(|((proof, platform), leaf)| {
        verify_inclusion(&leaf, proof.index, platform.size, &proof.path, &platform.root).is_ok()
            && platform.origin == Log::Platform.origin(&public)
    });
    if !holds {
        report.integrity.fault("platform/proof", "it does not show that the checkpoint stands in the platform log");
    }
    if let Some(platform) = &platform {
        witnesses::seen(directory, platform, &note, options, report);
    }
    Ok(platform.map(|platform| (platform, text)))
}

fn entry_leaf(checkpoint: &Checkpoint) -> Option<Hash> {
    let (_, organization) = checkpoint.origin.split_once('/')?;
    let Some(Log::Organization(organization)) = Log::parse(organization) else { return None };
    let recorded = RecordedCheckpoint { organization, size: checkpoint.size, root: RootHash(checkpoint.root) };
    Some(leaf_hash(platform_entry(&recorded).as_bytes()))
}
