//! Epochs on every key provider, and from one to another.

use crate::rotation::{at_once, rotate, step};
use crate::support::{Place, World, note, organization};
use domain::{KeyProvider, Purpose};
use std::path::PathBuf;
use std::process::Command;
use test_support::{OpenBao, SoftHsm};
use vault::{EpochState, Opened, Passphrase, ProviderSettings, RotationStep, TokenSettings, TransitSettings, VaultError};

/// What the vault needs of a Transit engine (see SECURITY.md).
pub const POLICY: &str = r#"
    path "transit/keys/lethemail-epoch-*" { capabilities = ["create", "update", "read", "delete"] }
    path "transit/encrypt/lethemail-epoch-*" { capabilities = ["update"] }
    path "transit/decrypt/lethemail-epoch-*" { capabilities = ["update"] }
"#;

pub fn passphrases(current: &str, former: &[&str]) -> ProviderSettings {
    let passphrases = [&[current], former].concat().into_iter().map(Passphrase::new).collect();
    ProviderSettings { current: KeyProvider::PassphraseFile, passphrases, ..ProviderSettings::default() }
}

pub fn transit(bao: &OpenBao) -> ProviderSettings {
    let token = Passphrase::new(bao.token("lethemail", POLICY));
    let settings =
        TransitSettings { address: bao.address.clone(), mount: "transit".into(), token, namespace: None, ca_file: Some(bao.ca_file()) };
    ProviderSettings { current: KeyProvider::Transit, transit: Some(settings), ..ProviderSettings::default() }
}

pub fn token() -> ProviderSettings {
    let module = PathBuf::from(std::env::var_os("CHILD_MODULE").expect("set by the parent process"));
    let token = TokenSettings { module, label: SoftHsm::LABEL.into(), pin: Passphrase::new(SoftHsm::PIN) };
    ProviderSettings { current: KeyProvider::Pkcs11, token: Some(token), ..ProviderSettings::default() }
}

/// Runs an ignored test of this binary in a process that finds the token: its library reads the environment.
pub fn with_a_token(test: &str) {
    let hsm = SoftHsm::new();
    let (name, value) = hsm.variable();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args([test, "--exact", "--ignored", "--nocapture"]).env(name, value).env("CHILD_MODULE", &hsm.module);
    let output = child.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// Erased in epoch 1, gone from a copy of the keyring when epoch 1's key is destroyed in its provider.
async fn forgets_for_good(providers: ProviderSettings) {
    let world = World::on(providers.clone()).await;
    let place = Place::new(organization());
    let (erased, kept) = (world.person_key(place.stream.organization).await, world.person_key(place.stream.organization).await);
    let (of_erased, other) = (world.seal_note(erased, &place, "Ada").await, Place::new(place.stream.organization));
    let of_kept = world.seal_note(kept, &other, "Bob").await;
    let client = world.database.client().await;
    for table in ["epoch", "key", "bucket", "destroyed"] {
        client.batch_execute(&format!("CREATE TABLE public.saved_{table} AS TABLE keyring.{table}")).await.unwrap();
    }
    world.vault.destroy(&[erased]).await.unwrap();
    assert_eq!(rotate(&world.vault).await.last(), Some(&RotationStep::Destroyed { epoch: 1 }));
    let epochs = world.vault.epochs().await.unwrap();
    assert!(epochs.iter().all(|epoch| epoch.provider == providers.current));
    assert_eq!(epochs.iter().map(|epoch| epoch.state).collect::<Vec<_>>(), [EpochState::Destroyed, EpochState::Open]);
    let fresh = world.start(&providers).await.unwrap();
    assert_eq!(fresh.open(Purpose::Service, &of_erased).await.unwrap(), Opened::Erased);
    assert_eq!(fresh.open(Purpose::Service, &of_kept).await.unwrap(), Opened::Readable(note("Bob")));
    assert_eq!(world.vault.provider_obstacles().await.unwrap(), []);
    for table in ["epoch", "key", "bucket", "destroyed"] {
        let restore = format!("TRUNCATE keyring.{table}; INSERT INTO keyring.{table} TABLE public.saved_{table}");
        client.batch_execute(&restore).await.unwrap();
    }
    assert!(matches!(world.start(&providers).await, Err(VaultError::EpochKeyMissing(1))), "the copy from before opens nothing");
}

#[tokio::test]
async fn m4_2_with_a_passphrase_an_old_epoch_ends_with_its_file() {
    forgets_for_good(passphrases("correct horse", &[])).await;
}

#[tokio::test]
async fn m4_2_in_a_transit_engine_an_old_epoch_ends_with_its_named_key() {
    let bao = OpenBao::start();
    forgets_for_good(transit(&bao)).await;
    assert_eq!(bao.keys().len(), 1, "the living one");
}

#[test]
fn m4_2_in_a_pkcs11_token_an_old_epoch_ends_with_its_object() {
    with_a_token("providers::child_rotates_in_a_token");
}

#[tokio::test]
#[ignore = "a process that another test starts"]
async fn child_rotates_in_a_token() {
    forgets_for_good(token()).await;
}

#[test]
fn m4_2_an_installation_changes_its_provider_with_the_next_epoch() {
    with_a_token("providers::child_changes_providers");
}

#[tokio::test]
#[ignore = "a process that another test starts"]
async fn child_changes_providers() {
    let bao = OpenBao::start();
    let configured = |current| ProviderSettings { current, token: token().token, ..with_passphrase(transit(&bao)) };
    let world = World::new().await;
    let place = Place::new(organization());
    let sealed = world.seal_note(world.person_key(place.stream.organization).await, &place, "Ada").await;
    let path = [KeyProvider::PassphraseFile, KeyProvider::Transit, KeyProvider::Pkcs11, KeyProvider::SealedFile];
    let mut former = KeyProvider::SealedFile;
    for next in path {
        let vault = world.start(&configured(next)).await.unwrap();
        let rotation = vault.take_rotation().await.unwrap().unwrap();
        assert!(matches!(step(&rotation).await, RotationStep::Opened { .. }));
        // Two epochs live, each with its own provider.
        let living: Vec<KeyProvider> = vault.epochs().await.unwrap().iter().rev().take(2).map(|epoch| epoch.provider).collect();
        assert_eq!(living, [next, former]);
        let fresh = world.start(&configured(next)).await.unwrap();
        assert_eq!(fresh.open(Purpose::Service, &sealed).await.unwrap(), Opened::Readable(note("Ada")));
        // Without the older epoch's provider nothing is opened, and it is said which one is missing.
        if former != KeyProvider::SealedFile {
            let refused = world.start(&without(configured(next), former)).await;
            assert!(matches!(refused, Err(VaultError::ProviderNotConfigured(missing)) if missing == former));
        }
        while !matches!(rotation.step(&at_once()).await.unwrap(), RotationStep::Destroyed { .. }) {}
        rotation.release().await.unwrap();
        let alone = world.start(&without(configured(next), former)).await.unwrap();
        assert_eq!(
            alone.open(Purpose::Service, &sealed).await.unwrap(),
            Opened::Readable(note("Ada")),
            "the former is not needed any more"
        );
        former = next;
    }
    assert!(bao.keys().is_empty());
}

fn with_passphrase(settings: ProviderSettings) -> ProviderSettings {
    ProviderSettings { passphrases: passphrases("correct horse", &[]).passphrases, ..settings }
}

fn without(settings: ProviderSettings, former: KeyProvider) -> ProviderSettings {
    match former {
        KeyProvider::SealedFile => settings,
        KeyProvider::PassphraseFile => ProviderSettings { passphrases: vec![], ..settings },
        KeyProvider::Pkcs11 => ProviderSettings { token: None, ..settings },
        KeyProvider::Transit => ProviderSettings { transit: None, ..settings },
    }
}
