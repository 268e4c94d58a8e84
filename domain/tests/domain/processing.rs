//! Restriction and objection.

use super::given::{Given, types};
use domain::*;

#[test]
fn m8_6_a_restriction_is_lifted_only_after_notice() {
    let subject = Given::<Processing>::nothing();
    assert_eq!(subject.state.lift().unwrap_err(), LiftRefusal::NotRestricted);
    let restricted = subject.state.restrict(RestrictionGround::AccuracyContested);
    let subject = subject.then(restricted);
    assert!(subject.state.restrict(RestrictionGround::AccuracyContested).is_empty());
    assert_eq!(subject.state.lift().unwrap_err(), LiftRefusal::NotAnnounced);
    let announced = subject.state.announce_lift(NoticeManner::ByController).unwrap();
    let (announced_at, subject) = (subject.now, subject.then(announced));
    assert!(subject.state.limits().restricted, "the notice alone changes nothing");
    let lifted = subject.state.lift().unwrap();
    assert_eq!(lifted[0].event, RestrictionLifted { announced_at }.into());
    let subject = subject.then(lifted);
    assert_eq!(subject.state.limits(), ProcessingLimits::default());
}

#[test]
fn m8_6_a_notice_counts_for_the_restriction_it_was_given_for_and_for_no_later_one() {
    let subject = Given::<Processing>::nothing();
    let drafts = subject.state.restrict(RestrictionGround::LegalClaim);
    let subject = subject.then(drafts);
    let drafts = subject.state.announce_lift(NoticeManner::ByController).unwrap();
    let subject = subject.then(drafts);
    let drafts = subject.state.restrict(RestrictionGround::LegalClaim);
    assert_eq!(types(&drafts), ["ProcessingRestricted"]);
    assert_eq!(subject.then(drafts).state.lift().unwrap_err(), LiftRefusal::NotAnnounced);
}

#[test]
fn m8_6_restricted_data_opens_for_rights_law_and_signing_in_and_for_nothing_else() {
    let limits = ProcessingLimits { restricted: true, objected: false };
    for class in Class::ALL {
        for purpose in Purpose::ALL {
            let open = matches!(purpose, Purpose::SubjectRights | Purpose::LegalObligation)
                || (*class == Class::Id && *purpose == Purpose::Security);
            assert_eq!(limits.close(*class, *purpose), !open, "{class:?} {purpose:?}");
        }
    }
}

#[test]
fn m8_5_an_objection_closes_what_rests_on_legitimate_interests_and_nothing_else() {
    let subject = Given::<Processing>::nothing();
    let objected = subject.state.object(&[ObjectionScope::LegitimateInterests]);
    let subject = subject.then(objected);
    assert!(subject.state.object(&[ObjectionScope::LegitimateInterests]).is_empty());
    let limits = subject.state.limits();
    assert!(limits.close(Class::Ops, Purpose::Abuse) && limits.close(Class::Ops, Purpose::Security));
    for purpose in [Purpose::Service, Purpose::Deliver, Purpose::Render, Purpose::Support, Purpose::SubjectRights, Purpose::LegalObligation]
    {
        assert!(!limits.close(Class::Ops, purpose), "{purpose:?}");
    }
    let both = subject.state.object(ObjectionScope::ALL);
    assert_eq!(both[0].event, ProcessingObjected { scopes: vec![ObjectionScope::DirectMarketing] }.into());
}

#[test]
fn limits_have_a_number_of_their_own() {
    for number in 0..4 {
        assert_eq!(ProcessingLimits::from_number(number).unwrap().number(), number);
    }
    assert_eq!(ProcessingLimits::from_number(4), None);
    assert_eq!(ProcessingLimits::default().number(), 0, "rows of before");
}
