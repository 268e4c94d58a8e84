//! The system's clock and ids, as the domain is given them.

use domain::{Clock, Ids, Timestamp};
use lethemail::{SystemClock, SystemIds};
use std::time::Duration;

#[tokio::test]
async fn sleeping_ends_when_wall_time_is_there() {
    let clock = SystemClock::new();
    let until = clock.now() + Duration::from_millis(30);
    clock.sleep_until(until).await;
    assert!(clock.now() >= until);
    clock.sleep_until(Timestamp::default()).await;
}

#[test]
fn boot_time_never_goes_back() {
    let clock = SystemClock::new();
    let first = clock.since_boot();
    assert!(first > Duration::ZERO && clock.since_boot() >= first);
    let reported = Timestamp::from_micros(5);
    assert_eq!(clock.database_time(reported), reported, "the database is believed");
}

#[tokio::test]
async fn a_clock_file_moves_all_three_faces_and_wakes_sleepers() {
    let file = tempfile::NamedTempFile::new().unwrap();
    assert!(SystemClock::shifted_by_file(file.path().to_owned()).is_err(), "an empty file is no shift");
    std::fs::write(file.path(), "0").unwrap();
    let clock = SystemClock::shifted_by_file(file.path().to_owned()).unwrap();
    let (now, booted) = (clock.now(), clock.since_boot());
    let day = Duration::from_secs(86_400);
    let sleeper = tokio::spawn({
        let clock = clock.clone();
        async move { clock.sleep_until(now + day).await }
    });
    std::fs::write(file.path(), "86401\n").unwrap();
    tokio::time::timeout(Duration::from_secs(60), sleeper).await.unwrap().unwrap();
    assert!(clock.now() > now + day && clock.since_boot() > booted + day);
    assert!(clock.database_time(now) > now + day);
}

#[test]
fn ids_of_one_time_carry_it_and_differ() {
    let time = Timestamp::from_micros(1_700_000_000_123_456);
    let ids: Vec<_> = (0..1000).map(|_| SystemIds.time_ordered(time)).collect();
    for id in &ids {
        assert_eq!((id.get_version_num(), id.get_variant()), (7, uuid::Variant::RFC4122));
        assert_eq!(id.as_u64_pair().0 >> 16, 1_700_000_000_123);
    }
    assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), ids.len());
    assert!(SystemIds.time_ordered(time + Duration::from_millis(1)) > *ids.iter().max().unwrap(), "ids sort by their time");
    // No random bit stands still.
    let (all, any) = ids.iter().fold((u128::MAX, 0), |(all, any), id| (all & id.as_u128(), any | id.as_u128()));
    let fixed = 0xFFFF_FFFF_FFFF_F000_C000_0000_0000_0000;
    assert_eq!((all & !fixed, any | fixed), (0, u128::MAX));
}
