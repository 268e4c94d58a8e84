//! What was found.

use domain::LossAccepted;
use std::collections::BTreeSet;

/// Faults kept word for word; the rest is counted.
const FAULTS_KEPT: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The file, the line, the event.
    pub place: String,
    pub what: String,
}

/// The answer to one of the three questions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The first ones, in the order in which they were met.
    pub faults: Vec<Fault>,
    pub count: u64,
}

impl Verdict {
    pub fn holds(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn fault(&mut self, place: impl Into<String>, what: impl Into<String>) {
        self.count += 1;
        if self.faults.len() < FAULTS_KEPT {
            self.faults.push(Fault { place: place.into(), what: what.into() });
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Report {
    pub integrity: Verdict,
    pub completeness: Verdict,
    pub erasure: Verdict,
    pub events: u64,
    /// Places in the log of the first event and behind the last.
    pub range: (u64, u64),
    pub tree_size: u64,
    /// The key that the signature was verified with.
    pub key: String,
    /// It came with the bundle, and nobody vouched for it.
    pub key_is_bundled: bool,
    /// Losses that an operator accepted: what was recorded between is not here. The oldest first.
    pub losses: Vec<LossAccepted>,
    /// Names of those that cosigned, by keys that were told some other way, and how many of the platform log's entries each has seen.
    pub witnesses: Vec<(String, u64)>,
    /// Names on lines that nobody told a key for.
    pub unknown_witnesses: BTreeSet<String>,
    pub platform_size: u64,
    pub destroyed_keys: u64,
    /// Of the platform, with proof: what was destroyed before is gone from backups, too.
    pub epochs_destroyed: u64,
    /// Envelopes that were sealed under keys that were destroyed later.
    pub closed_envelopes: u64,
}

impl Report {
    /// 0: all three hold. Otherwise 8, and 1 for integrity, 2 for completeness, 4 for erasure.
    pub fn exit_code(&self) -> u8 {
        let broken = [(&self.integrity, 1), (&self.completeness, 2), (&self.erasure, 4)];
        match broken.iter().filter(|(verdict, _)| !verdict.holds()).map(|(_, bit)| bit).sum() {
            0 => 0,
            bits => 8 + bits,
        }
    }
}
