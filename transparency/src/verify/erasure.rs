//! Keys: which were destroyed, whether anything was sealed under one afterwards, and whether every missing key is accounted for.

use super::Report;
use crate::bundle::Manifest;
use domain::{EnvelopeKeys, KeyId, SealedSlots, SlotContent};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};

/// Events after which nothing can be sealed under the keys that they name.
const DESTRUCTIONS: [&str; 2] = ["SubjectKeyDestroyed", "BucketKeyDestroyed"];
/// From here on keys are being destroyed; processes that hold them still use them for two leases.
pub const BEGINNINGS: [&str; 3] = ["ErasureStarted", "ErasureWidened", "ErasureCaseClosed"];
/// The platform's: what was destroyed before it is gone from every backup, too.
pub(crate) const END_OF_EPOCH: &str = "KeyEpochDestroyed";
/// The event that accounts for envelopes which were taken out of closed events.
const COMPACTION: &str = "SealedDataCompacted";

/// The facts of these events, as far as they name keys.
#[derive(Deserialize)]
struct Destruction {
    key: Option<KeyId>,
    #[serde(default)]
    keys: Vec<Doomed>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Doomed {
    Key(KeyId),
    Described { key: KeyId },
}

/// Whether events of this type say that keys are gone or about to go.
pub fn explains_keys(event_type: &str) -> bool {
    BEGINNINGS.contains(&event_type) || DESTRUCTIONS.contains(&event_type)
}

/// The keys whose end an event explains; `None` when it is of another type.
pub(crate) fn explained_by(event_type: &str, facts: &[u8]) -> Option<Vec<KeyId>> {
    if !explains_keys(event_type) {
        return None;
    }
    let Destruction { key, keys } = serde_json::from_slice(facts).ok()?;
    let keys = keys.into_iter().map(|doomed| match doomed {
        Doomed::Key(key) | Doomed::Described { key } => key,
    });
    Some(keys.chain(key).collect())
}

#[derive(Default)]
pub(super) struct Erasures {
    /// Which event did it.
    destroyed: HashMap<KeyId, u64>,
    /// Envelopes by their keys, so that those which a later event closes can be counted.
    envelopes: HashMap<[KeyId; 2], u64>,
    /// Doomed here, or destroyed by the platform, whose log's order says nothing about this one's.
    explained: HashSet<KeyId>,
    first_removed: Option<u64>,
    compacted: bool,
}

impl Erasures {
    pub fn see(&mut self, index: u64, event_type: &str, facts: &[u8], slots: &SealedSlots, report: &mut Report) {
        for (number, slot) in slots.iter().enumerate() {
            match slot {
                SlotContent::Envelope(envelope) => self.see_envelope(index, number, envelope, report),
                SlotContent::Removed(_) => self.first_removed = self.first_removed.or(Some(index)),
                SlotContent::Withheld => {}
            }
        }
        self.compacted |= event_type == COMPACTION;
        let keys = explained_by(event_type, facts).unwrap_or_default();
        if DESTRUCTIONS.contains(&event_type) {
            for key in &keys {
                self.destroyed.entry(*key).or_insert(index);
            }
        }
        self.explained.extend(keys);
    }

    fn see_envelope(&mut self, index: u64, slot: usize, envelope: &[u8], report: &mut Report) {
        let Some(keys) = EnvelopeKeys::of(envelope) else {
            report.integrity.fault(format!("event {index}"), format!("slot {slot} holds no envelope"));
            return;
        };
        for key in [keys.subject_key, keys.bucket_key] {
            if let Some(destruction) = self.destroyed.get(&key) {
                let what = format!("slot {slot} is sealed under key {key}, which event {destruction} had destroyed");
                report.erasure.fault(format!("event {index}"), what);
            }
        }
        *self.envelopes.entry([keys.subject_key, keys.bucket_key]).or_default() += 1;
    }

    /// By an event of the platform's log.
    pub fn explained(&mut self, keys: Vec<KeyId>) {
        self.explained.extend(keys);
    }

    pub fn conclude(self, manifest: &Manifest, report: &mut Report) {
        let unreadable: HashSet<&KeyId> = manifest.unreadable_keys.iter().collect();
        for key in manifest.unreadable_keys.iter().filter(|key| !self.explained.contains(key)) {
            report.erasure.fault("manifest.json", format!("key {key} is gone, and no event here destroyed it"));
        }
        let used: HashSet<&KeyId> = self.envelopes.keys().flatten().collect();
        for (key, index) in self.destroyed.iter().filter(|(key, _)| used.contains(key) && !unreadable.contains(key)) {
            report.erasure.fault(format!("event {index}"), format!("it destroyed key {key}, which the installation says it still has"));
        }
        if let (Some(index), false) = (self.first_removed, self.compacted) {
            report.erasure.fault(format!("event {index}"), "an envelope was taken out, and no event accounts for it");
        }
        let closed = self.envelopes.iter().filter(|(keys, _)| keys.iter().any(|key| self.destroyed.contains_key(key)));
        report.destroyed_keys = self.destroyed.len() as u64;
        report.closed_envelopes = closed.map(|(_, count)| count).sum();
    }
}
