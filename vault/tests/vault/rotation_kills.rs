//! A process that rotates is killed at every place where a crash must do no harm, and amid others that create and destroy keys.

use crate::real_process::{self, RealClock, setting, spawn};
use crate::rotation::at_once;
use crate::support::organization;
use domain::{Class, KeyId, OrganizationId};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use test_support::{Role, TestDatabase};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use uuid::Uuid;
use vault::{EpochState, RotationStep, Vault, VaultConfig};

/// Kills the process at the n-th boundary that rotation reports.
struct Killer {
    at: usize,
    seen: AtomicUsize,
}

impl Subscriber for Killer {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "vault::rotation"
    }

    fn event(&self, _: &Event<'_>) {
        if self.seen.fetch_add(1, Ordering::SeqCst) + 1 == self.at {
            // SAFETY: the call ends this process, which is what is wanted.
            unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// Rotates `CHILD_ROTATIONS` times.
#[tokio::test]
#[ignore = "a process that others start"]
async fn child_rotates() {
    let at = setting("CHILD_KILL_AT").parse().unwrap();
    tracing::subscriber::set_global_default(Killer { at, seen: AtomicUsize::new(0) }).unwrap();
    let vault = real_process::vault().await;
    for _ in 0..setting("CHILD_ROTATIONS").parse().unwrap() {
        let rotation = vault.take_rotation().await.unwrap().expect("the lease is free");
        while !matches!(rotation.step(&at_once()).await.unwrap(), RotationStep::Destroyed { .. }) {}
        rotation.release().await.unwrap();
    }
}

async fn in_real_time(database: &TestDatabase, directory: &Path) -> Vault {
    let config = VaultConfig {
        pool: database.pool(Role::Vault, 6),
        key_dir: directory.join("keys"),
        providers: vault::ProviderSettings::default(),
        data_dir: None,
        clock: Arc::new(RealClock::new()),
        cache_keys_max: 10_000,
    };
    Vault::start(config).await.unwrap()
}

/// The dead hold their lease for a minute, which a test need not wait.
async fn end_leases(database: &TestDatabase) {
    database.client().await.batch_execute("UPDATE keyring.rotation SET expires_at_us = 0").await.unwrap();
}

#[tokio::test]
async fn a_rotation_killed_at_any_boundary_is_carried_on_to_the_same_end() {
    let database = TestDatabase::create().await;
    let directory = tempfile::tempdir().unwrap();
    let vault = in_real_time(&database, directory.path()).await;
    let org = organization();
    let addresses: Vec<String> = (0..50).map(|n| format!("person{n}@example.org")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let keys = vault.recipient_keys(org, Class::Ops, &addresses).await.unwrap();
    let mut killed = 0;
    for at in 1.. {
        let settings = [("CHILD_KILL_AT", at.to_string()), ("CHILD_ROTATIONS", "1".into())];
        let status = spawn("rotation_kills::child_rotates", &database, directory.path(), &settings).wait().unwrap();
        end_leases(&database).await;
        if status.success() {
            break;
        }
        assert_eq!(status.signal(), Some(libc::SIGKILL));
        killed = at;
        // Whoever comes next finds everything, in whatever state it was left, and ends what was begun.
        let heir = in_real_time(&database, directory.path()).await;
        assert_eq!(heir.recipient_keys(org, Class::Ops, &addresses).await.unwrap(), keys, "killed at boundary {at}");
        let rotation = heir.take_rotation().await.unwrap().unwrap();
        let under_way =
            |epochs: &[vault::EpochRecord]| epochs.iter().any(|epoch| !matches!(epoch.state, EpochState::Open | EpochState::Destroyed));
        while under_way(&heir.epochs().await.unwrap()) {
            rotation.step(&at_once()).await.unwrap();
        }
        rotation.release().await.unwrap();
        let fresh = in_real_time(&database, directory.path()).await;
        assert_eq!(fresh.recipient_keys(org, Class::Ops, &addresses).await.unwrap(), keys, "killed at boundary {at}");
        let states = fresh.epochs().await.unwrap();
        assert_eq!(states.iter().filter(|epoch| epoch.state == EpochState::Open).count(), 1);
        let open = states.last().unwrap().epoch.cast_signed();
        let rows = "SELECT (SELECT count(*) FROM keyring.key WHERE epoch <> $1) + (SELECT count(*) FROM keyring.lookup WHERE epoch <> $1),
            (SELECT count(*) FROM keyring.lookup)";
        let row = database.client().await.query_one(rows, &[&open]).await.unwrap();
        assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (0, 50), "killed at boundary {at}");
    }
    assert!(killed >= 15, "only {killed} boundaries were met");
}

/// Creates and destroys keys, and writes down what it did: `c KEY ADDRESS` when a key was there, `d KEY` before it is destroyed, `D KEY` after.
#[tokio::test]
#[ignore = "a process that others start"]
async fn child_creates_and_destroys() {
    let vault = real_process::vault().await;
    let org = OrganizationId(setting("CHILD_ORGANIZATION").parse().unwrap());
    let (name, rounds): (String, usize) = (setting("CHILD_NAME"), setting("CHILD_ROUNDS").parse().unwrap());
    let path = Path::new(&setting("CHILD_DIRECTORY")).join(format!("{name}.diary"));
    let mut diary = std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    for round in 0..rounds {
        let address = format!("{name}-{round}@example.org");
        let key = vault.recipient_keys(org, Class::Ops, &[&address]).await.unwrap()[0];
        writeln!(diary, "c {key} {address}").unwrap();
        if round % 2 == 1 {
            writeln!(diary, "d {key}").unwrap();
            vault.destroy(&[key]).await.unwrap();
            writeln!(diary, "D {key}").unwrap();
        }
    }
}

/// Keys by what must have become of them.
#[derive(Default)]
struct Diaries {
    living: BTreeMap<Uuid, String>,
    destroyed: BTreeSet<Uuid>,
}

fn read_diaries(directory: &Path) -> Diaries {
    let mut diaries = Diaries::default();
    for file in
        directory.read_dir().unwrap().map(|file| file.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "diary"))
    {
        let text = std::fs::read_to_string(file).unwrap();
        for line in text.split_inclusive('\n').filter(|line| line.ends_with('\n')) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let key: Uuid = words[1].parse().unwrap();
            match words[0] {
                "c" => drop(diaries.living.insert(key, words[2].to_owned())),
                "d" => drop(diaries.living.remove(&key)),
                _ => drop(diaries.destroyed.insert(key)),
            }
        }
    }
    diaries
}

/// `RACES` says how many keys; ten thousand take some minutes.
#[tokio::test]
async fn amid_kills_no_destroyed_key_lives_and_no_new_key_is_lost() {
    let races: usize = std::env::var("RACES").map_or(1_000, |count| count.parse().unwrap());
    let database = TestDatabase::create().await;
    let directory = tempfile::tempdir().unwrap();
    let org = organization();
    let vault = in_real_time(&database, directory.path()).await;
    let worker = |name: String, rounds: usize| {
        let settings = [("CHILD_NAME", name), ("CHILD_ROUNDS", rounds.to_string()), ("CHILD_ORGANIZATION", org.to_string())];
        spawn("rotation_kills::child_creates_and_destroys", &database, directory.path(), &settings)
    };
    const WAVE: usize = 250;
    let mut rotations = 0;
    for wave in 0..races.div_ceil(WAVE) {
        let mut workers: Vec<_> = (0..3).map(|number| worker(format!("w{wave}-{number}"), WAVE / 2)).collect();
        // Killed after a number of boundaries that differs from wave to wave, over and over while the others work.
        let mut at = 3 + wave * 7 % 23;
        while workers[..2].iter_mut().any(|worker| worker.try_wait().unwrap().is_none()) {
            let settings = [("CHILD_KILL_AT", at.to_string()), ("CHILD_ROTATIONS", "2".into())];
            let mut rotating = spawn("rotation_kills::child_rotates", &database, directory.path(), &settings);
            rotations += usize::from(rotating.wait().unwrap().success());
            end_leases(&database).await;
            at = at * 5 % 61 + 1;
            if wave % 2 == 0 {
                // One that creates and destroys dies too, wherever it is.
                let _ = workers[2].kill();
            }
        }
        assert!(workers[..2].iter_mut().all(|worker| worker.wait().unwrap().success()));
        let _ = workers[2].kill();
        workers[2].wait().unwrap();
    }
    let rotation = vault.take_rotation().await.unwrap().unwrap();
    while !matches!(rotation.step(&at_once()).await.unwrap(), RotationStep::Destroyed { .. }) {}
    rotation.release().await.unwrap();
    check(&in_real_time(&database, directory.path()).await, &database, org, &read_diaries(directory.path())).await;
    let epochs = vault.epochs().await.unwrap().len();
    println!("{races} keys, {epochs} epochs, {rotations} rotations not killed");
    assert!(epochs > 2);
}

async fn check(vault: &Vault, database: &TestDatabase, org: OrganizationId, diaries: &Diaries) {
    assert!(!diaries.living.is_empty() && !diaries.destroyed.is_empty());
    for (key, address) in &diaries.living {
        assert_eq!(vault.find_recipient(org, Class::Ops, address).await.unwrap(), Some(KeyId(*key)), "lost");
        assert!(vault.subject_of(KeyId(*key)).await.unwrap().is_some(), "{key} does not open");
    }
    let destroyed: Vec<Uuid> = diaries.destroyed.iter().copied().collect();
    let revived =
        "SELECT (SELECT count(*) FROM keyring.key WHERE id = ANY($1)) + (SELECT count(*) FROM keyring.lookup WHERE key = ANY($1)),
        (SELECT count(*) FROM keyring.destroyed WHERE id = ANY($1)),
        (SELECT count(*) FROM keyring.lookup l LEFT JOIN keyring.key k ON k.id = l.key WHERE k.id IS NULL)";
    let row = database.client().await.query_one(revived, &[&destroyed]).await.unwrap();
    let counted = (row.get::<_, i64>(0), row.get::<_, i64>(1), row.get::<_, i64>(2));
    assert_eq!(counted, (0, i64::try_from(destroyed.len()).unwrap(), 0), "alive, tombstones, addresses without a key");
}
