//! Who else has seen the platform log, and how far.

use super::{Report, VerifyOptions, read};
use crate::checkpoint::Checkpoint;
use crate::hash::Hash;
use crate::note::Note;
use crate::proof::verify_consistency;
use crate::verifier_key::VerifierKey;
use base64::prelude::{BASE64_STANDARD, Engine};
use std::path::Path;

const COSIGNED: &str = "platform/cosigned";

/// A witness that must have signed has signed this checkpoint, or an earlier one that this one goes on from.
pub(super) fn seen(directory: &Path, platform: &Checkpoint, note: &Note, options: &VerifyOptions, report: &mut Report) {
    let earlier = match earlier(directory, platform, options, report) {
        Ok(earlier) => earlier,
        Err(what) => {
            report.integrity.fault(COSIGNED, what);
            None
        }
    };
    let notes = [Some((platform.size, note)), earlier.as_ref().map(|(size, note)| (*size, note))];
    report.platform_size = platform.size;
    for witness in &options.witnesses {
        match notes.iter().flatten().find(|(_, note)| witness.signed(note, options.verify)) {
            Some((size, _)) => report.witnesses.push((witness.name.clone(), *size)),
            None => {
                report.integrity.fault("platform/checkpoint", format!("the witness {} has not signed it, nor an earlier one", witness.name))
            }
        }
    }
    let lines = notes.iter().flatten().flat_map(|(_, note)| &note.signatures);
    let strangers = lines.filter(|line| line.name != platform.origin && !options.witnesses.iter().any(|witness| witness.name == line.name));
    report.unknown_witnesses = strangers.map(|line| line.name.clone()).collect();
}

/// The checkpoint that was cosigned: signed by this log's key, and the beginning of this one.
fn earlier(directory: &Path, platform: &Checkpoint, options: &VerifyOptions, report: &Report) -> Result<Option<(u64, Note)>, &'static str> {
    let Ok(text) = read(directory, COSIGNED) else { return Ok(None) };
    let note = String::from_utf8(text).ok().and_then(|text| text.parse::<Note>().ok()).ok_or("this is no signed note")?;
    let checkpoint: Checkpoint = note.text.parse().map_err(|_| "this is no checkpoint")?;
    let key = report.key.parse::<VerifierKey>().ok().map(|key| VerifierKey::ed25519(platform.origin.clone(), key.public));
    if checkpoint.origin != platform.origin || !key.is_some_and(|key| key.signed(&note, options.verify)) {
        return Err("it is not signed by this log's key");
    }
    let path = read(directory, "platform/consistency")
        .ok()
        .and_then(|text| hashes(&text))
        .ok_or("there is no proof that the log goes on from it")?;
    verify_consistency((checkpoint.size, &checkpoint.root), (platform.size, &platform.root), &path)
        .map_err(|_| "the platform log does not go on from it")?;
    Ok(Some((checkpoint.size, note)))
}

fn hashes(text: &[u8]) -> Option<Vec<Hash>> {
    let hash = |line: &str| Hash::try_from(BASE64_STANDARD.decode(line).ok()?).ok();
    std::str::from_utf8(text).ok()?.lines().map(hash).collect()
}
