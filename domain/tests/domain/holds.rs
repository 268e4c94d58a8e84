//! Who may hold what, for how long.

use super::given::{Given, NOON, id, key, origin, types};
use domain::*;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);

fn days() -> HoldTarget {
    HoldTarget::Days { from: Day(20_000), until: Day(20_010) }
}

fn asked(target: HoldTarget, span: Duration) -> Result<Vec<Draft<HoldEvent>>, HoldRefusal> {
    let origin = origin();
    let traced = Traced { key: Some(key(1)), origin: &origin };
    Hold::default().request(&target, HoldGround::LegalClaim, NOON + span, NOON, traced)
}

fn requested() -> Given<Hold> {
    Given::nothing().then(asked(days(), DAY * 100).unwrap())
}

fn approve(given: Given<Hold>, approver: u128) -> Given<Hold> {
    let drafts = given.state.approve(UserId(id(approver)), given.now, Traced { key: None, origin: &origin() }).unwrap();
    given.then(drafts)
}

fn release(given: &Given<Hold>) -> Result<Vec<Draft<HoldEvent>>, HoldRefusal> {
    given.state.release(given.now, Traced { key: None, origin: &origin() })
}

#[test]
fn c5_7a_a_hold_begins_with_the_approval_of_a_second_person() {
    let given = requested();
    assert_eq!(given.state.stage_at(given.now), Some(HoldStage::Requested));
    let given = approve(approve(given, 7), 7);
    assert_eq!((given.version, given.state.is_active_at(given.now)), (2, false), "one person is one, however often he approves");
    let given = approve(given, 8);
    assert!(given.state.is_active_at(given.now));
    let given = approve(given, 9);
    assert_eq!(given.version, 3, "a third changes nothing");
}

#[test]
fn a_hold_ends_by_release_or_in_time_and_does_not_come_back() {
    let given = approve(approve(requested(), 7), 8);
    let expires_at = given.state.expires_at.unwrap();
    assert!(given.state.is_active_at(expires_at - Duration::from_micros(1)) && !given.state.is_active_at(expires_at));
    assert_eq!(types(&given.state.expire(given.now)), [""; 0]);
    assert_eq!(types(&given.state.expire(expires_at)), ["HoldExpired"]);
    let drafts = release(&given).unwrap();
    let released = given.then(drafts);
    assert_eq!(released.state.stage_at(released.now), Some(HoldStage::Released));
    assert_eq!(types(&release(&released).unwrap()), [""; 0]);
    assert_eq!(types(&released.state.expire(expires_at)), [""; 0]);
    let again = released.state.approve(UserId(id(9)), released.now, Traced { key: None, origin: &origin() });
    assert_eq!(again.unwrap_err(), HoldRefusal::Ended);
}

#[test]
fn a_hold_has_an_end_and_something_to_hold() {
    for span in [Duration::ZERO, HOLD_DURATION_MAX + Duration::from_micros(1)] {
        assert_eq!(asked(days(), span).unwrap_err(), HoldRefusal::ExpiryInvalid);
    }
    for (from, until) in [(1, 0), (0, 3654)] {
        let target = HoldTarget::Days { from: Day(from), until: Day(until) };
        assert_eq!(asked(target, DAY).unwrap_err(), HoldRefusal::DaysInvalid);
    }
    assert_eq!(asked(HoldTarget::Person { keys: vec![] }, DAY).unwrap_err(), HoldRefusal::NothingToHold);
    assert_eq!(types(&asked(HoldTarget::Person { keys: vec![key(1)] }, DAY).unwrap()), ["HoldRequested"]);
    assert_eq!(release(&Given::nothing()).unwrap_err(), HoldRefusal::NotFound);
}

#[test]
fn a_hold_postpones_the_ends_of_its_days_and_never_brings_one_forward() {
    let given = approve(approve(requested(), 7), 8);
    let (now, expires_at) = (given.now, given.state.expires_at.unwrap());
    let end = |at| BucketEnd { at, ground: EndGround::Default };
    let postponed = |day, at| given.state.postpone((Day(day), Day(day)), end(at), now);
    for day in [20_000, 20_010] {
        assert_eq!(postponed(day, now), BucketEnd { at: expires_at, ground: EndGround::Hold });
    }
    for day in [19_999, 20_011] {
        assert_eq!(postponed(day, now), end(now));
    }
    assert_eq!(postponed(20_000, expires_at + DAY), end(expires_at + DAY));
    assert_eq!(given.state.postpone((Day(19_900), Day(20_005)), end(now), now).ground, EndGround::Hold, "part of a year");
}
