//! The first start, later starts, and starts that must be refused.

use crate::support::{World, config, organization, person};
use domain::ManualClock;
use std::os::unix::fs::PermissionsExt;
use test_support::TestDatabase;
use vault::{Vault, VaultError};

fn mode(path: &std::path::Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

#[tokio::test]
async fn key_files_are_for_their_owner_alone() {
    let world = World::new().await;
    world.vault.destroy(&[world.person_key(organization()).await]).await.unwrap();
    let keys = world.directory.path().join("keys");
    assert_eq!(mode(&keys), 0o700);
    let files: Vec<_> = keys.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len(), 2, "one epoch key and the anchor");
    assert!(files.iter().all(|file| mode(file) == 0o600));
}

#[tokio::test]
async fn a_key_directory_inside_the_data_directory_is_refused_and_not_made() {
    let world = World::new().await;
    let root = world.directory.path();
    let data = root.join("data");
    std::fs::create_dir(&data).unwrap();
    std::os::unix::fs::symlink(&data, root.join("link")).unwrap();
    for (key_dir, data_dir) in [
        (data.join("keys"), data.clone()),
        (root.join("link/keys"), data.clone()),
        (data.clone(), data.clone()),
        (root.into(), data.clone()),
    ] {
        let mut config = config(&world.database, &world.directory, &world.clock);
        (config.key_dir, config.data_dir) = (key_dir, Some(data_dir));
        assert!(matches!(Vault::start(config).await, Err(VaultError::KeyDirectoryInsideData)));
    }
    assert_eq!(data.read_dir().unwrap().count(), 0);
}

#[tokio::test]
async fn a_key_directory_that_others_can_read_is_refused() {
    let world = World::new().await;
    std::fs::set_permissions(world.directory.path().join("keys"), PermissionsExt::from_mode(0o750)).unwrap();
    let refused = Vault::start(config(&world.database, &world.directory, &world.clock)).await;
    assert!(matches!(refused, Err(VaultError::KeyDirectoryExposed)));
}

#[tokio::test]
async fn another_key_directory_is_refused_and_a_changed_key_too() {
    let world = World::new().await;
    let elsewhere = tempfile::tempdir().unwrap();
    let refused = Vault::start(config(&world.database, &elsewhere, &world.clock)).await;
    assert!(matches!(refused, Err(VaultError::EpochKeyMissing(1))));

    let mut files = world.directory.path().join("keys").read_dir().unwrap();
    let file = files.find(|file| file.as_ref().unwrap().path().extension().is_some()).unwrap().unwrap().path();
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    let refused = Vault::start(config(&world.database, &world.directory, &world.clock)).await;
    assert!(matches!(refused, Err(VaultError::EpochKeyWrong(1))));
}

#[tokio::test]
async fn of_processes_that_start_at_once_one_makes_the_epoch() {
    let database = TestDatabase::create().await;
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(crate::support::NOON);
    let starts = (0..6).map(|_| tokio::spawn(Vault::start(config(&database, &directory, &clock))));
    let mut vaults = Vec::new();
    for start in starts.collect::<Vec<_>>() {
        vaults.push(start.await.unwrap().unwrap());
    }
    assert_eq!(
        directory.path().join("keys").read_dir().unwrap().filter(|file| file.as_ref().unwrap().path().extension().is_some()).count(),
        1
    );
    let name = person(organization());
    let key = vaults[0].keys(&[name]).await.unwrap();
    for vault in &vaults {
        assert_eq!(vault.keys(&[name]).await.unwrap(), key);
    }
}
