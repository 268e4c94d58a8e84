//! A log that was written when every event had its first version: header, facts and envelopes as they lay in the database. What was recorded once is
//! read for ever, so this file is never written anew; a new version of an event comes with a log of its own.

use domain::*;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};

const STORED: &str = include_str!("stored_log_v1.jsonl");

/// Types of the first version that this log happens not to hold: nobody refused an erasure in it, no process died, nothing waited for its
/// end, no epoch changed, no checkpoint was signed, nobody changed a retention, held anything or opened anything at the command line, and nothing was
/// paused, restored or lost. Their stored forms are among the golden ones.
const NOT_IN_IT: &[&str] = &[
    "BucketKeyDestroyed",
    "CertificateLinkIssued",
    "CheckpointsRecorded",
    "DataOpened",
    "DeliveriesPaused",
    "DeliveriesResumed",
    "DeliveryAbandoned",
    "DeliveryInDoubt",
    "ErasureCaseClosed",
    "ErasureCertified",
    "ErasureDeadlineMissed",
    "ErasureHastened",
    "ErasureIdentityConfirmed",
    "ErasureRefused",
    "ErasureWidened",
    "FiscalYearChosen",
    "HistoryExported",
    "HoldApproved",
    "HoldExpired",
    "HoldReleased",
    "HoldRequested",
    "KeyEpochClosed",
    "KeyEpochDestroyed",
    "KeyEpochOpened",
    "KeyEpochRewrapped",
    "KeyEpochWrapped",
    "LogRestored",
    "LossAccepted",
    "ProcessingObjected",
    "ProcessingRestricted",
    "PurposeRefused",
    "RestrictionLiftAnnounced",
    "RestrictionLifted",
    "RetentionExtended",
    "RetentionShortened",
    "SubjectKeyDestroyed",
];

pub fn stored() -> Vec<RecordedEvent> {
    STORED.lines().map(event).collect()
}

fn event(line: &str) -> RecordedEvent {
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    let text = |name: &str| line[name].as_str().unwrap().to_owned();
    let position = line["position"].as_u64().unwrap();
    let header: EventHeader = serde_json::from_str(&text("header")).unwrap();
    RecordedEvent {
        position: Position { commit: position, prepare: position },
        recorded_at: header.occurred_at,
        header,
        header_bytes: text("header").into_bytes(),
        facts: text("facts").into_bytes(),
        slots: SealedSlots::decode(&bytes(&text("sealed"))).unwrap(),
        salt: bytes(&text("salt")).try_into().unwrap(),
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks_exact(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

#[test]
fn every_byte_is_understood_and_would_be_written_the_same() {
    let mut all = Sha256::new();
    for event in stored() {
        assert_eq!(event.header.to_bytes(), event.header_bytes);
        assert_eq!(event.header.schema_version, 1);
        assert_eq!(current_facts(&event).unwrap(), event.facts, "it is today's form still");
        all.update(leaf_hash(&event.salt, &event.header_bytes, &event.facts, &event.slots));
    }
    let leaves: String = all.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    insta::assert_snapshot!(leaves);
}

#[test]
fn it_holds_every_type_that_a_short_life_brings() {
    let held: BTreeSet<String> = stored().iter().map(|event| event.header.event_type.to_string()).collect();
    let known: BTreeSet<String> =
        event_schemas().iter().filter(|known| known.schema_version == 1).map(|known| known.event_type.to_owned()).collect();
    let missing: Vec<&String> = known.difference(&held).collect();
    assert_eq!(missing, NOT_IN_IT);
    assert!(held.is_subset(&known));
}

/// Every stream of an aggregate, folded.
fn folded<A: Aggregate + std::fmt::Debug>(told: &mut String) {
    let mut streams: BTreeMap<StreamName, Vec<RecordedEvent>> = BTreeMap::new();
    for event in stored().into_iter().filter(|event| event.header.stream.category == A::CATEGORY) {
        streams.entry(event.header.stream).or_default().push(event);
    }
    assert!(!streams.is_empty(), "{:?}", A::CATEGORY);
    for (stream, events) in streams {
        let folded: Folded<A> = fold(stream, &events).unwrap();
        assert_eq!(folded.version, Some(events.len() as u64 - 1));
        told.push_str(&format!("{stream}\n{:#?}\n", folded.state));
    }
}

#[test]
fn every_aggregate_folds_to_the_state_that_it_had() {
    let mut told = String::new();
    folded::<User>(&mut told);
    folded::<Organization>(&mut told);
    folded::<ApiKey>(&mut told);
    folded::<SmtpServer>(&mut told);
    folded::<Email>(&mut told);
    folded::<Suppression>(&mut told);
    folded::<Erasure>(&mut told);
    insta::assert_snapshot!(told);
}
