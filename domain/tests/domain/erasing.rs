//! The erasure's steps.

use super::given::{Given, key, types};
use domain::*;

fn requested(target: ErasureTarget) -> Given<Erasure> {
    let case = Personal::new(ErasureCase { address: "ada@example.com".into(), note: None });
    let erasure = Given::<Erasure>::nothing();
    let drafts = erasure.state.request(target, None, &case, key(1), true, erasure.now);
    erasure.then(drafts)
}

fn doomed() -> Vec<DoomedKey> {
    vec![DoomedKey { key: key(2), organization: OrganizationId::PLATFORM, class: Class::Ops, newest_epoch: 1 }]
}

#[test]
fn m8_3_a_controllers_instruction_is_approved_and_due_within_thirty_days() {
    let case = Personal::new(ErasureCase { address: "ada@example.com".into(), note: None });
    let erasure = Given::<Erasure>::nothing();
    let drafts = erasure.state.request(ErasureTarget::Recipient, None, &case, key(1), true, erasure.now);
    assert_eq!(types(&drafts), ["ErasureRequested", "ErasureApproved"]);
    let requested_at = erasure.now;
    let erasure = erasure.then(drafts);
    assert_eq!(erasure.state.due_at, Some(requested_at + ERASURE_DUE));
    assert!(erasure.state.request(ErasureTarget::Recipient, None, &case, key(1), true, requested_at).is_empty());
}

#[test]
fn nothing_starts_without_approval_and_nothing_starts_twice() {
    assert!(Erasure::default().start(doomed(), vec![]).is_empty());
    let erasure = requested(ErasureTarget::Account);
    let started = erasure.state.start(doomed(), vec![]);
    let erasure = erasure.then(started);
    assert!(erasure.state.start(doomed(), vec![]).is_empty());
}

#[test]
fn the_live_certificate_follows_the_destruction_and_comes_once() {
    let erasure = requested(ErasureTarget::Recipient);
    assert!(erasure.state.conclude().is_empty());
    let started = erasure.state.start(doomed(), vec![]);
    let erasure = erasure.then(started);
    let concluded = erasure.state.conclude();
    assert_eq!(types(&concluded), ["SubjectKeyDestroyed", "ErasureCertified"]);
    let erasure = erasure.then(concluded);
    assert_eq!(erasure.state.certified, Some(CertificateStage::Live));
    assert!(erasure.state.conclude().is_empty());
}
