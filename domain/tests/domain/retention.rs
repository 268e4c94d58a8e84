//! When buckets end: what an organisation decides about its retention, and what is held.

use super::given::{Given, NOON, id, key, origin, types};
use domain::*;
use proptest::prelude::*;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(86_400);
const CHOICE: RetentionChangeGround = RetentionChangeGround::OwnChoice;

fn open() -> Given<Organization> {
    let details = Personal::new(OrganizationDetails { name: "Engines".into() });
    let origin = origin();
    let traced = Traced { key: Some(key(1)), origin: &origin };
    let drafts = Organization::default().create(UserId(id(3)), &details, key(2), traced);
    Given::nothing().then(drafts)
}

fn set(given: Given<Organization>, days: u16) -> Given<Organization> {
    let drafts = decided(&given, days).unwrap();
    given.then(drafts)
}

fn decided(given: &Given<Organization>, days: u16) -> Result<Vec<Draft<OrganizationEvent>>, OrganizationRefusal> {
    given.state.set_retention(days, CHOICE, given.now, Traced { key: Some(key(1)), origin: &origin() })
}

fn later(mut given: Given<Organization>, span: Duration) -> Given<Organization> {
    given.now = given.now + span;
    given
}

#[test]
fn without_a_decision_a_day_is_kept_for_ninety_days_after_it_has_closed() {
    let retention = open().state.retention;
    let end = retention.end_of(NOON.day(), NOON);
    assert_eq!(end, BucketEnd { at: Day(NOON.day().0 + 91).start(), ground: EndGround::Default });
    assert!(retention.last_day_due(end.at) == NOON.day() && retention.last_day_due(end.at - DAY) < NOON.day());
}

#[test]
fn m4_5_more_days_count_at_once_and_fewer_after_seven_days() {
    let given = set(open(), 365);
    assert_eq!((given.state.retention.days_at(given.now), given.state.retention.upcoming_at(given.now)), (365, None));
    let given = set(later(given, DAY), 30);
    let shortened_at = given.now - Duration::from_secs(1);
    let retention = given.state.retention;
    assert_eq!((retention.days_at(given.now), retention.upcoming_at(given.now).unwrap().days), (365, 30));
    let effective_at = shortened_at + DAY * 7;
    assert_eq!(retention.days_at(effective_at - Duration::from_micros(1)), 365);
    assert_eq!(retention.days_at(effective_at), 30);
    let old = Day(NOON.day().0 - 200);
    assert_eq!(retention.end_of(old, given.now), BucketEnd { at: effective_at, ground: EndGround::Shortening });
}

#[test]
fn a_shortening_can_be_withdrawn_while_its_notice_runs() {
    let given = set(set(open(), 30), 90);
    assert_eq!((given.state.retention.days_at(given.now), given.state.retention.upcoming_at(given.now)), (90, None));
    let given = later(set(open(), 30), DAY * 8);
    let given = set(given, 90);
    assert_eq!(given.state.retention.days_at(given.now), 90, "afterwards it is an extension");
}

#[test]
fn what_holds_already_or_was_announced_is_not_decided_again() {
    assert_eq!(types(&decided(&open(), 90).unwrap()), [""; 0]);
    assert_eq!(types(&decided(&set(open(), 30), 30).unwrap()), [""; 0]);
    assert_eq!(types(&decided(&set(open(), 30), 60).unwrap()), ["RetentionShortened"], "with a notice of its own");
    for days in [0, 3651, u16::MAX] {
        assert_eq!(decided(&open(), days).unwrap_err(), OrganizationRefusal::RetentionOutOfRange);
    }
    assert_eq!(decided(&Given::nothing(), 30).unwrap_err(), OrganizationRefusal::NotOpen);
}

proptest! {
    /// The date that is shown is the date at which the sweeper takes a day, whatever was decided.
    #[test]
    fn a_day_is_due_exactly_from_its_end_on(changes in prop::collection::vec((1u16..=3650, 0u64..40), 0..4), age in 0i32..4000, wait in 0u64..4000) {
        let mut given = open();
        for (days, wait) in changes {
            given = set(later(given, DAY * u32::try_from(wait).unwrap()), days);
        }
        let day = Day(given.now.day().0 - age);
        let retention = given.state.retention;
        let end = retention.end_of(day, given.now).at;
        let then = given.now + Duration::from_secs(wait * 3600);
        prop_assert_eq!(retention.last_day_due(then) >= day, end <= then);
    }
}

#[test]
fn m4_3_a_fiscal_year_is_named_by_its_last_month_and_ends_seven_years_later() {
    let day = |text: &str| {
        let date = text.parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        Timestamp::from(date).day()
    };
    let starts = |month: u8| FiscalYearStart::try_from(month).unwrap();
    for (first_month, date, year) in [
        (1, "2026-01-01T00:00:00Z", 202_612),
        (1, "2026-12-31T23:59:59Z", 202_612),
        (4, "2026-03-31T00:00:00Z", 202_603),
        (4, "2026-04-01T00:00:00Z", 202_703),
        (12, "2026-11-30T00:00:00Z", 202_611),
        (12, "2026-12-01T00:00:00Z", 202_711),
        (2, "2024-02-29T00:00:00Z", 202_501),
    ] {
        assert_eq!(starts(first_month).year_of(day(date)), FiscalYear(year), "{first_month} {date}");
    }
    let year = FiscalYear(202_703);
    assert_eq!((year.beginning().to_string(), year.end().to_string()), ("2026-04-01".into(), "2027-04-01".into()));
    assert_eq!(year.records_end_at().to_string(), "2034-04-01T00:00:00.000000Z");
    assert_eq!(FiscalYear::last_due(day("2034-03-31T00:00:00Z")), FiscalYear(202_702));
    assert_eq!(FiscalYear::last_due(day("2034-04-01T00:00:00Z")), year);
    assert_eq!(FiscalYear::touching(day("2026-05-02T00:00:00Z"), day("2026-07-01T00:00:00Z")), (FiscalYear(202_605), FiscalYear(202_706)));
    assert_eq!((FiscalYearStart::try_from(0), FiscalYearStart::try_from(13)), (Err(MonthError), Err(MonthError)));
}
