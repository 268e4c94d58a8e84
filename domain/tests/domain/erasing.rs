//! The erasure's steps.

use super::given::{Given, NOON, key, types};
use domain::*;
use std::time::Duration;

fn request(target: ErasureTarget, child: bool, now: Timestamp) -> RequestErasure {
    let case = Personal::new(ErasureCase { address: "ada@example.com".into(), note: None });
    let (link, decision) = (TokenHash([7; 32]), ErasureDecision::Pending);
    RequestErasure { target, user: None, case, key: key(1), keep_suppressed: true, link, child, decision, now }
}

fn requested(target: ErasureTarget) -> Given<Erasure> {
    let erasure = Given::<Erasure>::nothing();
    let drafts = erasure.state.request(&request(target, false, erasure.now));
    erasure.then(drafts)
}

fn approved(target: ErasureTarget) -> Given<Erasure> {
    let erasure = requested(target);
    let drafts = erasure.state.approve(IdentityMeans::ControllerConfirmed, ApprovalGround::ControllerInstruction).unwrap();
    erasure.then(drafts)
}

fn doomed(number: u128) -> DoomedKey {
    DoomedKey { key: key(number), organization: OrganizationId::PLATFORM, class: Class::Ops, newest_epoch: 1 }
}

#[test]
fn m8_3_a_request_waits_for_a_decision_and_is_due_within_thirty_days() {
    let erasure = requested(ErasureTarget::Recipient);
    assert_eq!(erasure.state.due_at, Some(NOON + ERASURE_DUE));
    assert!(erasure.state.request(&request(ErasureTarget::Recipient, false, NOON)).is_empty());
    assert!(erasure.state.start(vec![doomed(2)], vec![]).is_empty(), "nobody has approved it");
    let drafts = erasure.state.approve(IdentityMeans::ControllerConfirmed, ApprovalGround::ControllerInstruction).unwrap();
    assert_eq!(types(&drafts), ["ErasureIdentityConfirmed", "ErasureApproved"]);
    let erasure = erasure.then(drafts);
    assert!(erasure.state.approve(IdentityMeans::Password, ApprovalGround::HolderRequest).unwrap().is_empty());
}

#[test]
fn m8_3_a_refusal_has_a_ground_and_ends_the_case_unless_keys_were_destroyed() {
    for ground in RefusalGround::ALL {
        let erasure = approved(ErasureTarget::Recipient);
        let drafts = erasure.state.refuse(*ground).unwrap();
        let erasure = erasure.then(drafts);
        assert_eq!(erasure.state.refused, Some(*ground));
        assert!(erasure.state.start(vec![doomed(2)], vec![]).is_empty());
        let again = erasure.state.approve(IdentityMeans::Password, ApprovalGround::HolderRequest);
        assert_eq!(again.unwrap_err(), ErasureDecisionRefusal::Refused);
        assert!(erasure.state.refuse(*ground).unwrap().is_empty());
    }
    let erasure = approved(ErasureTarget::Recipient);
    let started = erasure.state.start(vec![doomed(2)], vec![]);
    assert_eq!(erasure.then(started).state.refuse(RefusalGround::LegalHold).unwrap_err(), ErasureDecisionRefusal::Started);
    let nothing = Erasure::default();
    assert_eq!(nothing.refuse(RefusalGround::LegalHold).unwrap_err(), ErasureDecisionRefusal::Unknown);
    let nobody = nothing.approve(IdentityMeans::Password, ApprovalGround::HolderRequest);
    assert_eq!(nobody.unwrap_err(), ErasureDecisionRefusal::Unknown);
}

#[test]
fn m8_3_what_is_decided_at_once_stands_beside_the_request() {
    let decision = ErasureDecision::Approved(IdentityMeans::Password, ApprovalGround::HolderRequest);
    let decided = RequestErasure { decision, ..request(ErasureTarget::Account, false, NOON) };
    let drafts = Erasure::default().request(&decided);
    assert_eq!(types(&drafts), ["ErasureRequested", "CertificateLinkIssued", "ErasureIdentityConfirmed", "ErasureApproved"]);
    let decision = ErasureDecision::Refused(RefusalGround::IdentityNotShown);
    let refused = RequestErasure { decision, ..request(ErasureTarget::Account, false, NOON) };
    assert_eq!(types(&Erasure::default().request(&refused)), ["ErasureRequested", "CertificateLinkIssued", "ErasureRefused"]);
}

#[test]
fn m9_3_a_childs_data_is_due_within_seventy_two_hours() {
    let erasure = Given::<Erasure>::nothing();
    let drafts = erasure.state.request(&request(ErasureTarget::Recipient, true, erasure.now));
    assert_eq!(types(&drafts), ["ErasureRequested", "CertificateLinkIssued", "ErasureHastened"]);
    assert_eq!(erasure.then(drafts).state.due_at, Some(NOON + Duration::from_secs(72 * 3600)));
}

#[test]
fn nothing_starts_without_approval_and_nothing_starts_twice() {
    assert!(Erasure::default().start(vec![doomed(2)], vec![]).is_empty());
    let erasure = approved(ErasureTarget::Account);
    let started = erasure.state.start(vec![doomed(2)], vec![]);
    let erasure = erasure.then(started);
    assert!(erasure.state.start(vec![doomed(2)], vec![]).is_empty());
}

#[test]
fn a_key_that_was_made_meanwhile_is_destroyed_with_the_others_and_named_with_them() {
    let erasure = approved(ErasureTarget::Recipient);
    assert!(erasure.state.widen(vec![doomed(3)]).is_empty(), "nothing has begun");
    let started = erasure.state.start(vec![doomed(2)], vec![]);
    let erasure = erasure.then(started);
    let widened = erasure.state.widen(vec![doomed(2), doomed(3)]);
    let erasure = erasure.then(widened);
    assert!(erasure.state.widen(vec![doomed(2), doomed(3)]).is_empty());
    let concluded = erasure.state.conclude();
    assert_eq!(concluded[0].event, SubjectKeyDestroyed { keys: vec![key(2), key(3)] }.into());
    let erasure = erasure.then(concluded);
    assert!(erasure.state.widen(vec![doomed(4)]).is_empty(), "the certificate was issued");
}

#[test]
fn the_live_certificate_follows_the_destruction_and_comes_once() {
    let erasure = approved(ErasureTarget::Recipient);
    assert!(erasure.state.conclude().is_empty());
    let started = erasure.state.start(vec![doomed(2)], vec![]);
    let erasure = erasure.then(started);
    let concluded = erasure.state.conclude();
    assert_eq!(types(&concluded), ["SubjectKeyDestroyed", "ErasureCertified"]);
    let erasure = erasure.then(concluded);
    assert_eq!(erasure.state.certified, Some(CertificateStage::Live));
    assert!(erasure.state.conclude().is_empty());
}

#[test]
fn m8_8_a_missed_date_is_recorded_once_and_only_where_nobody_was_answered() {
    let erasure = approved(ErasureTarget::Recipient);
    let due = erasure.state.due_at.unwrap();
    assert!(erasure.state.miss_deadline(due - Duration::from_micros(1)).is_empty());
    let missed = erasure.state.miss_deadline(due);
    assert_eq!(types(&missed), ["ErasureDeadlineMissed"]);
    let erasure = erasure.then(missed);
    assert!(erasure.state.miss_deadline(due).is_empty());
    let refused = requested(ErasureTarget::Recipient);
    let drafts = refused.state.refuse(RefusalGround::NotTheController).unwrap();
    assert!(refused.then(drafts).state.miss_deadline(due).is_empty());
}

#[test]
fn the_record_of_a_case_ends_thirty_days_after_its_last_certificate() {
    let erasure = approved(ErasureTarget::Recipient);
    let started = erasure.state.start(vec![doomed(2)], vec![]);
    let erasure = erasure.then(started);
    let concluded = erasure.state.conclude();
    let erasure = erasure.then(concluded);
    assert_eq!(erasure.state.case_ends_at(), None, "backups may still have the keys");
    let everywhere = erasure.state.conclude_everywhere();
    let (certified_at, erasure) = (erasure.now, erasure.then(everywhere));
    let ends_at = certified_at + CASE_KEPT;
    assert!(erasure.state.close_case(ends_at - Duration::from_micros(1)).is_empty());
    let closed = erasure.state.close_case(ends_at);
    assert_eq!(closed[0].event, ErasureCaseClosed { key: key(1) }.into());
    assert!(erasure.then(closed).state.close_case(ends_at).is_empty());
}
