//! What was signed before events were lost: another key's log, whose last checkpoint is the first entry of this one's platform log.

use super::{Report, read};
use crate::checkpoint::{Checkpoint, former_entry};
use crate::hash::leaf_hash;
use crate::proof::verify_inclusion;
use crate::tlog_proof::Proof;
use domain::{FormerLog, LossAccepted};
use std::path::Path;

/// The platform's event that says what was lost, and that somebody accepted it.
pub(crate) const LOSS: &str = "LossAccepted";
const FILE: &str = "platform/former";

/// Of a loss that changed no key nothing is to be seen in the platform log.
pub(super) fn is_first(directory: &Path, platform: Option<&(Checkpoint, String)>, report: &mut Report) {
    let formers: Vec<&FormerLog> = report.losses.iter().filter_map(|loss: &LossAccepted| loss.former.as_ref()).collect();
    let proof = read(directory, FILE).ok().and_then(|text| String::from_utf8(text).ok());
    let what = match (formers.last(), &proof) {
        (None, None) => return,
        (Some(_), None) => {
            "events were lost, and it is not shown that the log which was signed before is the first entry of the platform log"
        }
        (None, Some(_)) => "it is about a former log, and no event says that one was lost",
        (Some(former), Some(proof)) if shows(proof, former, platform) => return,
        (Some(_), Some(_)) => "it does not show that the former log is the first entry of the platform log",
    };
    report.integrity.fault(FILE, what);
}

fn shows(proof: &str, former: &FormerLog, platform: Option<&(Checkpoint, String)>) -> bool {
    let (Some(proof), Some((checkpoint, note))) = (Proof::parse(proof), platform) else { return false };
    let leaf = leaf_hash(former_entry(former).as_bytes());
    proof.checkpoint == *note && proof.index == 0 && verify_inclusion(&leaf, 0, checkpoint.size, &proof.path, &checkpoint.root).is_ok()
}
