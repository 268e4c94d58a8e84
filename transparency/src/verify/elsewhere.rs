//! What was kept elsewhere: earlier checkpoints; and what the manifest says of the other files.

use super::erasure::{END_OF_EPOCH, Erasures, explained_by};
use super::former::LOSS;
use super::held::Tiles;
use super::{Report, VerifyError, read};
use crate::bundle::{EventsFormat, Explanation, HeaderView, Manifest, StoredEvent};
use crate::checkpoint::{Checkpoint, Log};
use crate::entry::Entry;
use crate::hash::to_hex;
use crate::note::Note;
use crate::proof::{root_at, verify_inclusion};
use crate::tlog_proof::Proof;
use crate::verifier_key::{VerifierKey, VerifySignature};
use domain::{KeyId, LossAccepted, OrganizationId};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::path::Path;

/// The log goes on from what was signed before: nothing was taken back.
pub(super) fn earlier_checkpoints(
    notes: &[String],
    checkpoint: &Checkpoint,
    verify: VerifySignature,
    tiles: &mut Tiles,
    report: &mut Report,
) {
    let keys = keys(checkpoint, report);
    for (number, note) in (1..).zip(notes) {
        let place = format!("earlier checkpoint {number}");
        let note = note.parse::<Note>().ok();
        let Some((is_former, earlier)) = note.and_then(|note| signed_by(&keys, &note, verify)) else {
            report.completeness.fault(place, "it is not signed by this log's key");
            continue;
        };
        let accepted = if is_former { ", and an operator accepted that" } else { "" };
        if earlier.size > checkpoint.size {
            let what = format!("the log had {} events then, and has {} now: its end is missing{accepted}", earlier.size, checkpoint.size);
            report.completeness.fault(place, what);
            continue;
        }
        match root_at(earlier.size, &mut |node| tiles.node(node, report)) {
            Some(root) if root == earlier.root => {}
            Some(_) if is_former => {
                let what =
                    format!("some of the first {} events were lost: those that were signed then are not here{accepted}", earlier.size);
                report.completeness.fault(place, what);
            }
            Some(_) => report.integrity.fault(place, format!("the first {} events are not those that were signed then", earlier.size)),
            None => report.completeness.fault(place, "this bundle has too few tiles to compare with it; export the whole log"),
        }
    }
}

/// This log's key, and those under which it was signed before events were lost.
fn keys(checkpoint: &Checkpoint, report: &Report) -> Vec<(bool, VerifierKey)> {
    let log = checkpoint.origin.split_once('/').and_then(|(_, log)| Log::parse(log));
    let formers = report.losses.iter().filter_map(|loss| Some(log?.verifier_key(loss.former.as_ref()?.key.0)));
    report.key.parse().ok().map(|key| (false, key)).into_iter().chain(formers.map(|key| (true, key))).collect()
}

/// Whether it was a former key, and what it signed.
fn signed_by(keys: &[(bool, VerifierKey)], note: &Note, verify: VerifySignature) -> Option<(bool, Checkpoint)> {
    let checkpoint: Checkpoint = note.text.parse().ok()?;
    let (is_former, _) = keys.iter().find(|(_, key)| key.name == checkpoint.origin && key.signed(note, verify))?;
    Some((*is_former, checkpoint))
}

/// Events of the platform's own history, each with the proof that it stands there.
pub(super) fn explanations(
    directory: &Path,
    verify: VerifySignature,
    erasures: &mut Erasures,
    report: &mut Report,
) -> Result<(), VerifyError> {
    const FILE: &str = "explanations.jsonl";
    let text = String::from_utf8(read(directory, FILE)?).unwrap_or_default();
    let public = report.key.parse::<VerifierKey>().map(|key| key.public);
    for (number, line) in (1..).zip(text.lines()) {
        match public.as_ref().ok().and_then(|public| explanation(line, public, verify)) {
            Some(Explained::Keys(keys)) => erasures.explained(keys),
            Some(Explained::EndOfEpoch) => report.epochs_destroyed += 1,
            Some(Explained::Loss(loss)) => report.losses.push(loss),
            None => report.erasure.fault(format!("{FILE} line {number}"), "it is not proven to stand in the platform's history"),
        }
    }
    Ok(())
}

enum Explained {
    Keys(Vec<KeyId>),
    EndOfEpoch,
    Loss(LossAccepted),
}

/// What the event explains, when it is what the proof is about and the platform signed that.
fn explanation(line: &str, public: &[u8; 32], verify: VerifySignature) -> Option<Explained> {
    let explanation: Explanation = serde_json::from_str(line).ok()?;
    let mut event = StoredEvent::default();
    event.read(explanation.event.trim_end().as_bytes(), EventsFormat::Jsonl).ok()?;
    let proof = Proof::parse(&explanation.proof)?;
    let note: Note = proof.checkpoint.parse().ok()?;
    let log = Log::Organization(OrganizationId::PLATFORM);
    let checkpoint = note.text.parse::<Checkpoint>().ok().filter(|checkpoint| checkpoint.origin == log.origin(public))?;
    let leaf = Entry::from_parts(&event.salt, &event.header, &event.facts, &event.slots()?).leaf();
    let stands = verify_inclusion(&leaf, proof.index, checkpoint.size, &proof.path, &checkpoint.root).is_ok();
    let header: HeaderView<'_> = serde_json::from_slice(&event.header).ok()?;
    if !stands || !log.verifier_key(*public).signed(&note, verify) {
        return None;
    }
    match header.event_type {
        END_OF_EPOCH => Some(Explained::EndOfEpoch),
        LOSS => serde_json::from_slice(&event.facts).ok().map(Explained::Loss),
        event_type => explained_by(event_type, &event.facts).map(Explained::Keys),
    }
}

/// Every file is as it was when the bundle was made. A change that matters was found before this, by its place.
/// The events' hash is known: they were read for more.
pub(super) fn files(directory: &Path, manifest: &Manifest, events: &str, report: &mut Report) -> Result<(), VerifyError> {
    for (path, entry) in &manifest.files {
        // A path of the manifest leads nowhere else.
        if path.split('/').any(|part| part.is_empty() || part == "..") {
            report.integrity.fault("manifest.json", "it names a file outside the bundle");
            continue;
        }
        let digest = match path.as_str() {
            "events.jsonl" => events.to_owned(),
            path => match digest(directory, path)? {
                Some(digest) => digest,
                None => {
                    report.completeness.fault(path, "the file is missing");
                    continue;
                }
            },
        };
        if digest != entry.sha256 {
            report.integrity.fault(path.clone(), "the file has another SHA-256 than the manifest says");
        }
    }
    Ok(())
}

/// `None`: there is no such file.
fn digest(directory: &Path, path: &str) -> Result<Option<String>, VerifyError> {
    let Ok(mut file) = File::open(directory.join(path)) else { return Ok(None) };
    let mut hash = Sha256::new();
    std::io::copy(&mut file, &mut hash).map_err(|error| VerifyError::Unreadable { path: path.to_owned(), error })?;
    Ok(Some(to_hex(&hash.finalize().into())))
}
