//! Days that expire.

use crate::support::{DAY, Note, Place, World, note, organization};
use domain::{Clock, ManualClock, Purpose, Sealed, Timestamp};
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use vault::{ClockLook, DueBuckets, ExpiredBucket, Opened, Vault, VaultError};

async fn sweep(vault: &Vault) -> Vec<ExpiredBucket> {
    match vault.look_at_clock().await.unwrap() {
        ClockLook::Steady(now) => vault.destroy_due(&DueBuckets::usual(now)).await.unwrap(),
        jumped => panic!("{jumped:?}"),
    }
}

async fn open(world: &World, sealed: &Sealed<Note>) -> Opened<Note> {
    world.vault.open(Purpose::Service, sealed).await.unwrap()
}

#[tokio::test]
async fn m4_4_after_ninety_one_days_nothing_of_the_first_day_opens_and_the_third_day_does() {
    let world = World::new().await;
    let place = Place::new(organization());
    let key = world.person_key(place.stream.organization).await;
    let mut days = Vec::new();
    for day in 0..91 {
        if day < 3 {
            days.push(world.seal_note(key, &place, "x").await);
        }
        assert_eq!(sweep(&world.vault).await, [], "day {day}");
        world.clock.advance(DAY);
    }
    assert_eq!(sweep(&world.vault).await.len(), 1);
    assert_eq!(open(&world, &days[0]).await, Opened::Expired);
    assert_eq!(open(&world, &days[1]).await, Opened::Readable(note("x")));
    assert_eq!(open(&world, &days[2]).await, Opened::Readable(note("x")));
    let unrecorded = world.vault.unrecorded_buckets(10).await.unwrap();
    assert_eq!(unrecorded.len(), 1);
    world.vault.bucket_is_recorded(unrecorded[0].key).await.unwrap();
    assert_eq!(world.vault.unrecorded_buckets(10).await.unwrap(), []);
}

#[tokio::test]
async fn what_was_left_for_long_expires_two_days_of_an_organisation_at_a_time() {
    let world = World::new().await;
    let places = [Place::new(organization()), Place::new(organization())];
    for _ in 0..5 {
        for place in &places {
            let key = world.person_key(place.stream.organization).await;
            world.seal_note(key, place, "x").await;
        }
        world.clock.advance(DAY);
    }
    world.clock.advance(DAY * 200);
    let counts = [sweep(&world.vault).await.len(), sweep(&world.vault).await.len(), sweep(&world.vault).await.len()];
    assert_eq!(counts, [4, 4, 2]);
    assert_eq!(sweep(&world.vault).await, []);
}

#[tokio::test]
async fn a_clock_that_jumps_by_days_or_years_stops_the_sweeper_until_a_person_has_looked() {
    let world = World::new().await;
    let place = Place::new(organization());
    let key = world.person_key(place.stream.organization).await;
    let sealed = world.seal_note(key, &place, "x").await;
    assert_eq!(sweep(&world.vault).await, []);
    for jump in [DAY * 2 + Duration::from_secs(1), DAY * 100, DAY * 3650] {
        let before = world.clock.now();
        world.clock.advance(jump);
        for vault in [&world.vault, &world.another_vault().await] {
            let look = vault.look_at_clock().await.unwrap();
            assert!(matches!(look, ClockLook::Jumped { last, now } if last <= before && now == world.clock.now()), "{look:?}");
        }
        assert_eq!(open(&world, &sealed).await, Opened::Readable(note("x")));
    }
    world.vault.accept_clock().await.unwrap();
    assert_eq!(sweep(&world.vault).await.len(), 1);
    assert_eq!(open(&world, &sealed).await, Opened::Expired);
}

/// A database whose clock a test sets at will, backwards too.
struct WildClock {
    steady: ManualClock,
    database: Arc<Mutex<Timestamp>>,
}

impl Clock for WildClock {
    fn now(&self) -> Timestamp {
        self.steady.now()
    }
    fn since_boot(&self) -> Duration {
        self.steady.since_boot()
    }
    fn database_time(&self, _: Timestamp) -> Timestamp {
        *self.database.lock().unwrap()
    }
    fn sleep_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.steady.sleep_until(time)
    }
}

#[tokio::test]
async fn no_bucket_dies_early_and_none_comes_back_when_the_databases_clock_goes_back_and_forth() {
    let world = World::new().await;
    let database = Arc::new(Mutex::new(world.clock.now()));
    let clock = WildClock { steady: world.clock.clone(), database: database.clone() };
    let mut config = crate::support::config(&world.database, &world.directory, &world.clock);
    config.clock = Arc::new(clock);
    let vault = Vault::start(config).await.unwrap();
    let place = Place::new(organization());
    let start = world.clock.now();
    let key = world.person_key(place.stream.organization).await;
    let sealed = world.seal_note(key, &place, "x").await;
    let set = |time| *database.lock().unwrap() = time;
    assert_eq!(sweep(&vault).await, []);
    // An hour behind, as another process may be; then days and years.
    set(start - Duration::from_secs(3600));
    assert_eq!(sweep(&vault).await, []);
    for wild in [start - DAY * 400, start + DAY * 400] {
        set(wild);
        assert!(matches!(vault.look_at_clock().await.unwrap(), ClockLook::Jumped { .. }));
    }
    for day in 0..=91 {
        set(start + DAY * day);
        let died = sweep(&vault).await.len();
        assert_eq!(died, usize::from(day == 91), "day {day}");
    }
    set(start);
    let slots = [crate::support::note_slot(Some(key), "y")];
    let refused = vault.seal(place.stream.organization, place.stream, place.event_id, place.event_type, start, &slots);
    assert_eq!(refused.await.unwrap().get(0), Some(&domain::SlotContent::Withheld), "the day does not come back");
    let day = vault.fingerprint(place.stream.organization, start.day(), "tag", &[]).await;
    assert!(matches!(day, Err(VaultError::BucketDestroyed)));
    assert_eq!(vault.open(Purpose::Service, &sealed).await.unwrap(), Opened::Expired);
}
