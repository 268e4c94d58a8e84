//! Epochs that come and go.

use crate::support::{Place, World, note, organization, person};
use domain::{Class, Clock, KeyId, OrganizationId, Purpose};
use std::time::Duration;
use uuid::Uuid;
use vault::{EpochState, Obstacle, Opened, Rotation, RotationPolicy, RotationStep, SealedBody, Vault, VaultError};

/// As soon as possible.
pub fn at_once() -> RotationPolicy {
    RotationPolicy { interval: Duration::ZERO, standbys: vec![] }
}

/// From one epoch to the next, until the old key is destroyed.
pub async fn rotate(vault: &Vault) -> Vec<RotationStep> {
    let rotation = vault.take_rotation().await.unwrap().expect("nobody else rotates");
    let mut steps = Vec::new();
    while !matches!(steps.last(), Some(RotationStep::Destroyed { .. })) {
        steps.push(step(&rotation).await);
    }
    rotation.release().await.unwrap();
    steps
}

pub async fn step(rotation: &Rotation) -> RotationStep {
    let step = rotation.step(&at_once()).await.unwrap();
    assert!(!matches!(step, RotationStep::Waiting { .. } | RotationStep::Resting { .. }), "{step:?}");
    step
}

async fn spool(world: &World, entry: Uuid, organization: OrganizationId, body: &SealedBody) {
    let insert = "INSERT INTO spool.entry (email, organization, epoch, wrapped_key, body, expires_at_us) VALUES ($1, $2, $3, $4, $5, 0)";
    let client = world.database.client().await;
    client.execute(insert, &[&entry, &organization.0, &body.epoch, &body.wrapped_key, &body.ciphertext]).await.unwrap();
}

async fn spooled(world: &World, entry: Uuid) -> SealedBody {
    let select = "SELECT epoch, wrapped_key, body FROM spool.entry WHERE email = $1";
    let row = world.database.client().await.query_one(select, &[&entry]).await.unwrap();
    SealedBody { epoch: row.get(0), wrapped_key: row.get(1), ciphertext: row.get(2) }
}

fn key_files(world: &World) -> usize {
    let files = world.directory.path().join("keys").read_dir().unwrap();
    files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|end| end == "key")).count()
}

async fn count(world: &World, query: &str) -> i64 {
    world.database.client().await.query_one(query, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn what_lives_opens_in_the_next_epoch_and_the_old_key_is_gone() {
    let world = World::new().await;
    let place = Place::new(organization());
    let org = place.stream.organization;
    let people: Vec<String> = (0..300).map(|n| format!("person{n}@example.org")).collect();
    let people: Vec<&str> = people.iter().map(String::as_str).collect();
    let keys = world.vault.recipient_keys(org, Class::Ops, &people).await.unwrap();
    let sealed = world.seal_note(keys[0], &place, "Ada").await;
    let entry = Uuid::new_v4();
    spool(&world, entry, org, &world.vault.wrap_body(entry, org, b"Dear Ada")).await;
    let steps = rotate(&world.vault).await;
    assert_eq!(steps[0], RotationStep::Opened { epoch: 2, closed: 1 });
    assert!(steps.contains(&RotationStep::Rewrapped { epoch: 1 }));
    assert_eq!(steps.last(), Some(&RotationStep::Destroyed { epoch: 1 }));
    for vault in [&world.vault, &world.another_vault().await] {
        assert_eq!(vault.open(Purpose::Service, &sealed).await.unwrap(), Opened::Readable(note("Ada")));
        assert_eq!(vault.recipient_keys(org, Class::Ops, &people).await.unwrap(), keys);
        assert_eq!(&**vault.open_body(Purpose::Deliver, entry, org, &spooled(&world, entry).await).await.unwrap(), b"Dear Ada");
        assert_eq!(vault.subject_keys_of(org, people[7]).await.unwrap()[0].epoch, 2);
    }
    let states: Vec<EpochState> = world.vault.epochs().await.unwrap().iter().map(|epoch| epoch.state).collect();
    assert_eq!(states, [EpochState::Destroyed, EpochState::Open]);
    assert_eq!(key_files(&world), 1);
    assert_eq!(count(&world, "SELECT count(*) FROM keyring.lookup WHERE epoch = 1").await, 0);
    assert_eq!(count(&world, "SELECT count(*) FROM pg_tables WHERE tablename = 'lookup_1'").await, 0);
}

#[tokio::test]
async fn wrapping_again_stays_on_the_page() {
    let world = World::new().await;
    let names: Vec<_> = (0..500).map(|_| person(organization())).collect();
    world.vault.keys(&names).await.unwrap();
    rotate(&world.vault).await;
    let client = world.database.client().await;
    client.batch_execute("SELECT pg_stat_force_next_flush()").await.unwrap();
    let select = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_all_tables WHERE schemaname = 'keyring' AND relname = 'key'";
    // Another session's counters come when that session is idle.
    let mut seen = (0, 0);
    for _ in 0..200 {
        let row = client.query_one(select, &[]).await.unwrap();
        seen = (row.get::<_, i64>(0), row.get::<_, i64>(1));
        if seen.0 >= 500 {
            break;
        }
        client.batch_execute("SELECT pg_sleep(0.05); SELECT pg_stat_clear_snapshot()").await.unwrap();
    }
    assert_eq!(seen, (500, 500), "every update is heap-only");
}

/// The stolen copy: all of the keyring as it was, and the key directory as it is.
#[tokio::test]
async fn a_copy_from_before_opens_nothing_once_the_epochs_have_passed() {
    let world = World::new().await;
    let place = Place::new(organization());
    let key = world.person_key(place.stream.organization).await;
    let sealed = world.seal_note(key, &place, "Ada").await;
    let client = world.database.client().await;
    for table in ["epoch", "key", "bucket", "destroyed"] {
        client.batch_execute(&format!("CREATE TABLE public.saved_{table} AS TABLE keyring.{table}")).await.unwrap();
    }
    world.vault.destroy(&[key]).await.unwrap();
    let anchor = || std::fs::read_to_string(world.directory.path().join("keys/anchor")).unwrap();
    assert_eq!(anchor().lines().count(), 1);
    assert_eq!(world.vault.newest_epoch_of(&[key]).await.unwrap(), Some(1));
    rotate(&world.vault).await;
    assert_eq!(anchor(), "", "no restore can bring the key back any more");
    assert_eq!(world.vault.open(Purpose::Service, &sealed).await.unwrap(), Opened::Erased);
    for table in ["epoch", "key", "bucket", "destroyed"] {
        let restore = format!("TRUNCATE keyring.{table}; INSERT INTO keyring.{table} TABLE public.saved_{table}");
        // The first epoch's row has fewer columns' worth to say; what it said then is the same today.
        client.batch_execute(&restore).await.unwrap();
    }
    let refused = Vault::start(crate::support::config(&world.database, &world.directory, &world.clock)).await;
    assert!(matches!(refused, Err(VaultError::EpochKeyMissing(1))));
}

#[tokio::test]
async fn other_processes_go_on_through_every_step_of_a_rotation() {
    let world = World::new().await;
    let org = organization();
    let sleeper = world.another_vault().await;
    let place = Place::new(org);
    let old = sleeper.recipient_keys(org, Class::Ops, &["old@example.org", "doomed@example.org"]).await.unwrap();
    let sealed = world.seal_note(old[0], &place, "Ada").await;
    let mut living: Vec<(String, KeyId)> = vec![("old@example.org".into(), old[0])];
    let mut doomed = vec![old[1]];
    for round in 0..3 {
        let rotation = world.vault.take_rotation().await.unwrap().unwrap();
        for number in 0.. {
            let done = matches!(step(&rotation).await, RotationStep::Destroyed { .. });
            // One that knows nothing of the step yet, and one that has just started.
            for (who, vault) in [("stale", &sleeper), ("new", &world.another_vault().await)] {
                let address = format!("{who}-{round}-{number}@example.org");
                let key = vault.recipient_keys(org, Class::Ops, &[&address]).await.unwrap()[0];
                assert_eq!(world.vault.find_recipient(org, Class::Ops, &address).await.unwrap(), Some(key));
                assert_eq!(world.another_vault().await.recipient_keys(org, Class::Ops, &[&address]).await.unwrap(), [key]);
                if number % 2 == 0 { living.push((address, key)) } else { doomed.push(key) }
            }
            sleeper.destroy(&[*doomed.last().unwrap()]).await.unwrap();
            if done {
                break;
            }
        }
        rotation.release().await.unwrap();
        let entry = Uuid::new_v4();
        let mut body = sleeper.wrap_body(entry, org, b"Dear Ada");
        sleeper.rewrap_body(entry, org, &mut body).await.unwrap();
        assert_eq!(&**world.vault.open_body(Purpose::Deliver, entry, org, &body).await.unwrap(), b"Dear Ada");
    }
    world.vault.destroy(&doomed).await.unwrap();
    let fresh = world.another_vault().await;
    assert_eq!(sleeper.open(Purpose::Service, &sealed).await.unwrap(), Opened::Readable(note("Ada")));
    for (address, key) in &living {
        assert_eq!(fresh.find_recipient(org, Class::Ops, address).await.unwrap(), Some(*key));
        assert_eq!(fresh.subject_of(*key).await.unwrap().unwrap().0, org);
    }
    assert!(fresh.are_destroyed(&doomed).await.unwrap());
    assert_eq!(count(&world, "SELECT count(*) FROM keyring.key WHERE class = 2").await, i64::try_from(living.len()).unwrap());
    assert_eq!(count(&world, "SELECT count(*) FROM keyring.lookup").await, i64::try_from(living.len()).unwrap());
}

#[tokio::test]
async fn one_process_rotates_and_another_carries_on_when_it_died() {
    let world = World::new().await;
    let other = world.another_vault().await;
    let dying = world.vault.take_rotation().await.unwrap().unwrap();
    assert!(other.take_rotation().await.unwrap().is_none());
    step(&dying).await;
    world.clock.advance(Duration::from_secs(61));
    let heir = other.take_rotation().await.unwrap().expect("the lease has run out");
    assert!(matches!(dying.step(&at_once()).await, Err(VaultError::LeaseLost)));
    while !matches!(step(&heir).await, RotationStep::Destroyed { .. }) {}
    heir.release().await.unwrap();
    assert_eq!(rotate(&world.vault).await.last(), Some(&RotationStep::Destroyed { epoch: 2 }));
}

#[tokio::test]
async fn an_epoch_rests_until_its_time_and_its_key_waits_for_the_standby() {
    let world = World::new().await;
    let policy = RotationPolicy { interval: Duration::from_secs(7 * 86_400), standbys: vec!["replica".into()] };
    let rotation = world.vault.take_rotation().await.unwrap().unwrap();
    let until = world.clock.now() + policy.interval;
    assert_eq!(rotation.step(&policy).await.unwrap(), RotationStep::Resting { until });
    world.clock.advance(policy.interval);
    let rotation = world.another_vault().await.take_rotation().await.unwrap().expect("the lease has run out");
    let mut steps = vec![rotation.step(&policy).await.unwrap()];
    assert_eq!(steps[0], RotationStep::Opened { epoch: 2, closed: 1 });
    while !matches!(steps.last(), Some(RotationStep::Waiting { .. })) {
        steps.push(rotation.step(&policy).await.unwrap());
    }
    let missing = vec![Obstacle::StandbyMissing("replica".into())];
    assert_eq!(steps.last(), Some(&RotationStep::Waiting { epoch: 1, obstacles: missing.clone() }));
    assert_eq!(world.vault.rotation(&policy).await.unwrap().unwrap().obstacles, missing);
    assert_eq!(key_files(&world), 2, "both keys live");
    let without = RotationPolicy { standbys: vec![], ..policy };
    while !matches!(rotation.step(&without).await.unwrap(), RotationStep::Destroyed { epoch: 1 }) {}
    assert_eq!(world.vault.rotation(&without).await.unwrap(), None);
}

#[tokio::test]
async fn a_row_that_does_not_open_keeps_the_old_key_alive() {
    let world = World::new().await;
    let key = world.person_key(organization()).await;
    let change = format!("UPDATE keyring.key SET wrapped = set_byte(wrapped, 20, 255 - get_byte(wrapped, 20)) WHERE id = '{key}'");
    world.database.client().await.batch_execute(&change).await.unwrap();
    let rotation = world.vault.take_rotation().await.unwrap().unwrap();
    let mut outcome = rotation.step(&at_once()).await;
    while outcome.is_ok() {
        outcome = rotation.step(&at_once()).await;
    }
    assert!(matches!(outcome, Err(VaultError::RowTampered(tampered)) if tampered == key));
    assert_eq!(key_files(&world), 2);
}

#[tokio::test]
async fn what_the_anchor_names_is_not_carried_into_a_new_epoch() {
    let world = World::new().await;
    let key = world.vault.recipient_keys(organization(), Class::Ops, &["ada@example.org"]).await.unwrap()[0];
    let client = world.database.client().await;
    for table in ["key", "lookup", "destroyed"] {
        client.batch_execute(&format!("CREATE TABLE public.saved_{table} AS TABLE keyring.{table}")).await.unwrap();
    }
    world.vault.destroy(&[key]).await.unwrap();
    for table in ["key", "lookup", "destroyed"] {
        let restore = format!("TRUNCATE keyring.{table}; INSERT INTO keyring.{table} TABLE public.saved_{table}");
        client.batch_execute(&restore).await.unwrap();
    }
    rotate(&world.vault).await;
    assert!(world.vault.are_destroyed(&[key]).await.unwrap());
    assert_eq!(count(&world, "SELECT count(*) FROM keyring.key WHERE class = 2").await, 0);
}
