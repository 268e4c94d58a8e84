//! Providers that are away, refuse, or would not keep what certificates promise; and passphrases that are wrong or change.

use crate::providers::{passphrases, transit};
use crate::real_process::{RealClock, setting, spawn};
use crate::rotation::{at_once, rotate};
use crate::support::{World, organization, person};
use domain::KeyProvider;
use std::fmt::Debug;
use std::os::unix::process::ExitStatusExt;
use std::sync::Arc;
use std::time::Duration;
use test_support::{OpenBao, Role, TestDatabase};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use uuid::Uuid;
use vault::{EpochState, Finding, LivingKey, Obstacle, Passphrase, ProviderSettings, RotationStep, Vault, VaultConfig, VaultError};

#[tokio::test]
async fn a_wrong_passphrase_opens_nothing_and_says_so() {
    let world = World::on(passphrases("correct horse", &[])).await;
    let key = world.person_key(organization()).await;
    assert!(matches!(world.start(&passphrases("Correct horse", &[])).await, Err(VaultError::PassphraseWrong)));
    let missing = world.start(&ProviderSettings::default()).await;
    assert!(matches!(missing, Err(VaultError::ProviderNotConfigured(KeyProvider::PassphraseFile))));
    let again = world.start(&passphrases("correct horse", &[])).await.unwrap();
    assert!(again.subject_of(key).await.unwrap().is_some());
}

#[tokio::test]
async fn a_passphrase_changes_with_the_next_epoch() {
    let world = World::on(passphrases("correct horse", &[])).await;
    world.vault.keys(&[person(organization())]).await.unwrap();
    let changed = world.start(&passphrases("battery staple", &["correct horse"])).await.unwrap();
    rotate(&changed).await;
    assert!(world.start(&passphrases("battery staple", &[])).await.is_ok());
    assert!(matches!(world.start(&passphrases("correct horse", &[])).await, Err(VaultError::PassphraseWrong)));
}

#[tokio::test]
async fn m4_2_a_provider_that_is_away_is_an_obstacle_and_the_rotation_goes_on_when_it_is_back() {
    let bao = OpenBao::start();
    let world = World::on(transit(&bao)).await;
    let rotation = world.vault.take_rotation().await.unwrap().unwrap();
    let away = |step: &RotationStep| {
        let RotationStep::Waiting { epoch: 1, obstacles } = step else { return false };
        matches!(obstacles.as_slice(), [Obstacle::Provider(reason)] if reason.contains("does not answer") && reason.contains("503"))
    };
    // Before the next epoch is opened: nothing is written down, however often it is tried.
    bao.seal();
    for _ in 0..2 {
        assert!(away(&rotation.step(&at_once()).await.unwrap()));
    }
    assert_eq!(world.vault.epochs().await.unwrap().len(), 1);
    assert_eq!(world.vault.provider_obstacles().await.unwrap().len(), 1);
    assert!(matches!(world.start(&world.providers).await, Err(VaultError::ProviderAway { .. })), "a start says what is away");
    bao.unseal();
    assert_eq!(world.vault.provider_obstacles().await.unwrap(), []);
    // Before the old key is destroyed.
    loop {
        let step = rotation.step(&at_once()).await.unwrap();
        assert!(!matches!(step, RotationStep::Waiting { .. } | RotationStep::Destroyed { .. }), "{step:?}");
        if world.vault.epochs().await.unwrap()[0].state == EpochState::Condemned {
            break;
        }
    }
    bao.seal();
    for _ in 0..2 {
        assert!(away(&rotation.step(&at_once()).await.unwrap()));
    }
    assert_eq!(world.vault.epochs().await.unwrap()[0].state, EpochState::Condemned);
    bao.unseal();
    while !matches!(rotation.step(&at_once()).await.unwrap(), RotationStep::Destroyed { epoch: 1 }) {}
}

/// Elsewhere every key looks destroyed.
#[tokio::test]
async fn m4_2_a_server_that_never_had_the_key_does_not_count_as_one_that_destroyed_it() {
    let (bao, other) = (OpenBao::start(), OpenBao::start());
    let world = World::on(transit(&bao)).await;
    let rotation = world.vault.take_rotation().await.unwrap().unwrap();
    while world.vault.epochs().await.unwrap()[0].state != EpochState::Condemned {
        rotation.step(&at_once()).await.unwrap();
    }
    rotation.release().await.unwrap();
    // Under the same path there is another engine by now, as behind an address that leads elsewhere.
    let keys = bao.keys();
    bao.run(&["secrets", "move", "transit", "moved"]);
    bao.run(&["secrets", "enable", "transit"]);
    let rotation = world.vault.take_rotation().await.unwrap().unwrap();
    let step = rotation.step(&at_once()).await.unwrap();
    let RotationStep::Waiting { epoch: 1, obstacles } = &step else { panic!("{step:?}") };
    assert!(matches!(obstacles.as_slice(), [Obstacle::Provider(reason)] if reason.contains("another server, mount")), "{obstacles:?}");
    assert!(matches!(world.start(&transit(&other)).await, Err(VaultError::EpochKeyMissing(2))));
    bao.run(&["secrets", "disable", "transit"]);
    bao.run(&["secrets", "move", "moved", "transit"]);
    assert_eq!(rotation.step(&at_once()).await.unwrap(), RotationStep::Destroyed { epoch: 1 });
    assert_eq!((keys.len(), bao.keys().len()), (2, 1));
}

#[tokio::test]
async fn a_token_that_may_not_delete_is_refused_before_a_key_is_made() {
    let bao = OpenBao::start();
    let mut settings = transit(&bao);
    let policy = r#"path "transit/*" { capabilities = ["create", "update", "read"] }"#;
    settings.transit.as_mut().unwrap().token = Passphrase::new(bao.token("careless", policy));
    let directory = tempfile::tempdir().unwrap();
    let database = TestDatabase::create().await;
    let clock = domain::ManualClock::new(crate::support::NOON);
    let config = VaultConfig { providers: settings, ..crate::support::config(&database, &directory, &clock) };
    let Err(refused) = Vault::start(config).await else { panic!("it started") };
    assert!(matches!(refused, VaultError::ProviderRefused { .. }));
    assert!(refused.to_string().contains("delete on transit/keys/lethemail-epoch-*"), "{refused}");
    assert!(bao.keys().is_empty());
}

#[tokio::test]
async fn the_doctor_finds_a_key_that_cannot_be_deleted_and_a_token_that_ends_too_soon() {
    let bao = OpenBao::start();
    let world = World::on(transit(&bao)).await;
    let row = world.database.client().await.query_one("SELECT epoch, provider, provider_key FROM keyring.epoch", &[]).await.unwrap();
    let living = LivingKey { epoch: row.get(0), provider: row.get(1), name: row.get(2) };
    let examine = async |days: u64| {
        let needed_for = Duration::from_secs(days * 86_400);
        let mut found = vault::examine(world.providers.clone(), world.directory.path(), vec![living], needed_for).await.unwrap();
        assert_eq!(found.len(), 1);
        found.remove(0).1.unwrap()
    };
    assert!(matches!(examine(9).await.as_slice(), [Finding::Well(_)]));
    assert!(matches!(examine(33).await.as_slice(), [Finding::Wrong(text)] if text.contains("period of 792 hours")));
    let path = format!("transit/keys/lethemail-epoch-{}/config", living.name.simple());
    bao.run(&["write", &path, "deletion_allowed=false"]);
    assert!(matches!(examine(9).await.as_slice(), [Finding::Wrong(text)] if text.contains("deletion_allowed=true")));
    bao.run(&["write", &path, "deletion_allowed=true", "exportable=true"]);
    assert!(matches!(examine(9).await.as_slice(), [Finding::Wrong(text)] if text.contains("exported")));
}

/// Ends the process at a boundary of a rotation.
struct KillAt(String);

impl Visit for KillAt {
    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}

    fn record_str(&mut self, _: &Field, boundary: &str) {
        if boundary == self.0 {
            // SAFETY: the call ends this process, which is what is wanted.
            unsafe { libc::kill(libc::getpid(), libc::SIGKILL) };
        }
    }
}

impl Subscriber for KillAt {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "vault::rotation"
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut KillAt(self.0.clone()));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

async fn in_real_time(database: &TestDatabase, directory: &std::path::Path, providers: ProviderSettings) -> Vault {
    let config = VaultConfig {
        pool: database.pool(Role::Vault, 4),
        key_dir: directory.join("keys"),
        providers,
        data_dir: None,
        clock: Arc::new(RealClock::new()),
        cache_keys_max: 100,
    };
    Vault::start(config).await.unwrap()
}

#[tokio::test]
#[ignore = "a process that another test starts"]
async fn child_is_killed() {
    tracing::subscriber::set_global_default(KillAt(setting("CHILD_BOUNDARY"))).unwrap();
    let database = TestDatabase { url: setting("CHILD_URL") };
    let transit = vault::TransitSettings {
        address: setting("CHILD_ADDRESS"),
        mount: "transit".into(),
        token: Passphrase::new(setting("CHILD_TOKEN")),
        namespace: None,
        ca_file: Some(setting("CHILD_CA").into()),
    };
    let providers = ProviderSettings { current: KeyProvider::Transit, transit: Some(transit), ..ProviderSettings::default() };
    let vault = in_real_time(&database, setting("CHILD_DIRECTORY").as_ref(), providers).await;
    rotate(&vault).await;
}

#[tokio::test]
async fn m4_2_a_rotation_killed_around_its_providers_part_leaves_no_key_behind() {
    let bao = OpenBao::start();
    let database = TestDatabase::create().await;
    let directory = tempfile::tempdir().unwrap();
    let providers = transit(&bao);
    let token = bao.token("child", crate::providers::POLICY);
    let vault = in_real_time(&database, directory.path(), providers).await;
    let key = vault.keys(&[person(organization())]).await.unwrap()[0];
    for boundary in ["planned", "made", "look-up made", "condemned", "destroyed", "anchor let go"] {
        let settings = [
            ("CHILD_BOUNDARY", boundary.to_owned()),
            ("CHILD_ADDRESS", bao.address.clone()),
            ("CHILD_TOKEN", token.clone()),
            ("CHILD_CA", bao.ca_file().to_str().unwrap().to_owned()),
        ];
        let status = spawn("provider_faults::child_is_killed", &database, directory.path(), &settings).wait().unwrap();
        assert_eq!(status.signal(), Some(libc::SIGKILL), "at {boundary}");
        database.client().await.batch_execute("UPDATE keyring.rotation SET expires_at_us = 0").await.unwrap();
        rotate(&vault).await;
        assert!(vault.subject_of(key).await.unwrap().is_some(), "killed at {boundary}");
        let open = "SELECT provider_key FROM keyring.epoch WHERE state = 1";
        let open: Uuid = database.client().await.query_one(open, &[]).await.unwrap().get(0);
        assert_eq!(bao.keys(), [format!("lethemail-epoch-{}", open.simple())], "killed at {boundary}");
    }
}
