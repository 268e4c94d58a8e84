//! The earlier of 30 days and one calendar month, whatever the calendar does.

use domain::*;
use proptest::prelude::*;
use std::time::Duration;

fn at(text: &str) -> Timestamp {
    text.parse::<chrono::DateTime<chrono::Utc>>().unwrap().into()
}

#[test]
fn m8_8_the_ends_of_months_and_leap_years() {
    let cases = [
        ("2026-01-31T10:00:00Z", "2026-02-28T10:00:00Z"),
        ("2028-01-31T10:00:00Z", "2028-02-29T10:00:00Z"),
        ("2027-01-30T10:00:00Z", "2027-02-28T10:00:00Z"),
        ("2028-02-29T23:59:59Z", "2028-03-29T23:59:59Z"),
        ("2026-02-10T00:00:00Z", "2026-03-10T00:00:00Z"),
        ("2026-03-31T12:00:00Z", "2026-04-30T12:00:00Z"),
        ("2026-04-30T12:00:00Z", "2026-05-30T12:00:00Z"),
        ("2026-07-31T12:00:00Z", "2026-08-30T12:00:00Z"),
        ("2026-12-31T23:00:00Z", "2027-01-30T23:00:00Z"),
        ("2100-01-31T00:00:00Z", "2100-02-28T00:00:00Z"),
    ];
    for (requested, due) in cases {
        assert_eq!(erasure_due(at(requested)), at(due), "{requested}");
    }
}

/// Days of a month, counted without the library that the program counts with.
fn days_of(year: i64, month: i64) -> i64 {
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970 of a date.
fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let years: i64 = (1970..year).map(|year| (1..=12).map(|month| days_of(year, month)).sum::<i64>()).sum();
    years + (1..month).map(|month| days_of(year, month)).sum::<i64>() + day - 1
}

proptest! {
    #[test]
    fn m8_8_due_is_the_earlier_of_thirty_days_and_a_month(
        year in 1970i64..2250, month in 1i64..=12, day in 1i64..=31, micros in 0i64..86_400_000_000
    ) {
        let day = day.min(days_of(year, month));
        let time = |days: i64| Timestamp::from_micros(days * 86_400_000_000 + micros);
        let requested = time(day_number(year, month, day));
        let (next_year, next_month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        let a_month = time(day_number(next_year, next_month, day.min(days_of(next_year, next_month))));
        prop_assert_eq!(erasure_due(requested), a_month.min(requested + Duration::from_secs(30 * 86_400)));
        prop_assert!(erasure_due(requested) >= requested + Duration::from_secs(28 * 86_400));
    }

    #[test]
    fn m8_9_urgency_only_grows_and_ends_with_the_date(passed in 0u64..100_000_000, whole in 1u64..50_000_000) {
        let requested = at("2026-01-31T10:00:00Z");
        let urgency = |seconds: u64| Urgency::of(requested, requested + Duration::from_secs(whole), requested + Duration::from_secs(seconds));
        prop_assert!(urgency(passed) <= urgency(passed + 1));
        prop_assert_eq!(urgency(passed) == Urgency::Overdue, passed >= whole);
        prop_assert_eq!(urgency(whole.div_ceil(2)) >= Urgency::HalfGone, true);
    }
}
