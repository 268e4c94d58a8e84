//! What comes back is what was there.

use crate::support::{Installation, client};
use backup::{BackupError, Restore, Until};
use domain::{Clock, Position};
use event_store::{EventStore, ExpectedVersion, PostgresConfig, PostgresStore};
use event_store_contract::sample::{append, events, stream};
use std::time::Duration;
use test_support::{Role, TestDatabase};

#[tokio::test]
async fn a_restored_log_is_the_same_byte_for_byte_and_takes_new_events() {
    let installation = Installation::new().await;
    installation.write(20).await;
    installation.back_up().await.unwrap();
    let (database, restored) = installation.restore(Until::End).await.unwrap();
    assert_eq!(restored, installation.store.read_all(Position::START, 1000).await.unwrap());
    let streams = "SELECT string_agg(s::text, ';' ORDER BY stream_id) FROM log.stream s";
    let of = async |database: &TestDatabase| database.client().await.query_one(streams, &[]).await.unwrap().get::<_, String>(0);
    assert_eq!(of(&database).await, of(&installation.database).await);
    let config = PostgresConfig::new(database.url.parse().unwrap(), database.pool(Role::App, 2), installation.clock.clone());
    let store = EventStore::Postgres(PostgresStore::start(config).await.unwrap());
    let first = restored[0].header.stream;
    store.append(append(first, ExpectedVersion::Exact(2), events(1))).await.unwrap();
    assert_eq!(store.append(append(stream(), ExpectedVersion::NoStream, events(1))).await.unwrap().position.commit, 62);
}

#[tokio::test]
async fn a_second_backup_adds_what_came_since_and_touches_no_file_of_events() {
    let installation = Installation::new().await;
    installation.write(3).await;
    let first = installation.back_up().await.unwrap();
    let file = installation.path().join(&first.events[0].content.file);
    let written = file.metadata().unwrap().modified().unwrap();
    installation.write(2).await;
    let second = installation.back_up().await.unwrap();
    assert_eq!(second.events.iter().map(|file| (file.first, file.last)).collect::<Vec<_>>(), [(1, 9), (10, 15)]);
    assert_eq!(file.metadata().unwrap().modified().unwrap(), written);
    assert_eq!(installation.back_up().await.unwrap().events.len(), 2, "nothing new, no new file");
    assert_eq!(installation.restore(Until::End).await.unwrap().1.len(), 15);
    assert!(installation.path().read_dir().unwrap().all(|entry| !entry.unwrap().file_name().to_string_lossy().contains("unfinished")));
}

#[tokio::test]
async fn a_log_comes_back_as_it_was_at_a_position_or_at_a_time() {
    let installation = Installation::new().await;
    installation.write(2).await;
    let between = installation.clock.now() + Duration::from_millis(500);
    installation.write(2).await;
    installation.back_up().await.unwrap();
    let all = installation.store.read_all(Position::START, 100).await.unwrap();
    assert_eq!(installation.restore(Until::Time(between)).await.unwrap().1, all[..6]);
    assert_eq!(installation.restore(Until::Position(7)).await.unwrap().1, all[..7]);
    assert!(matches!(installation.restore(Until::Position(13)).await, Err(BackupError::NoSuchPosition(13, 12))));
    assert!(matches!(installation.restore(Until::Position(0)).await, Err(BackupError::NoSuchPosition(0, 12))));
    let before = between - Duration::from_secs(3600);
    assert!(matches!(installation.restore(Until::Time(before)).await, Err(BackupError::NothingByThen)));
}

#[tokio::test]
async fn a_directory_goes_on_with_its_own_log_only() {
    let (one, mut other) = (Installation::new().await, Installation::new().await);
    one.write(2).await;
    one.back_up().await.unwrap();
    other.write(1).await;
    std::mem::swap(&mut other.directory, &mut { one }.directory);
    assert!(matches!(other.back_up().await, Err(BackupError::LogLost { head: 3, backed_up: 6, .. })));
    other.write(3).await;
    assert!(matches!(other.back_up().await, Err(BackupError::OtherLog { position: 6, .. })));
    assert_eq!(other.check().unwrap(), 6, "what was there is untouched");
    std::fs::write(other.path().join("notes.txt"), "somebody's").unwrap();
    assert!(matches!(other.back_up().await, Err(BackupError::NotOurs(_))));
}

#[tokio::test]
async fn log_and_keyring_do_not_share_a_directory_and_an_empty_log_can_be_backed_up() {
    let installation = Installation::new().await;
    assert_eq!(installation.back_up().await.unwrap().head, 0);
    assert_eq!(installation.restore(Until::End).await.unwrap().1, []);
    let keyring = installation.back_up_keyring().await;
    assert_eq!(keyring.tables.len(), 6);
    let vault = client(&installation.database, Role::Vault).await;
    let mixed = backup::back_up_keyring(&vault, &installation.path(), installation.clock.now(), 1).await;
    assert!(matches!(mixed, Err(BackupError::OtherKind { .. })));
}

#[tokio::test]
async fn a_database_that_anybody_has_worked_on_is_refused_and_stays_as_it_is() {
    let installation = Installation::new().await;
    let (app, vault) = (client(&installation.database, Role::App).await, client(&installation.database, Role::Vault).await);
    installation.write(1).await;
    let refused = Restore::begin(&app, &vault, installation.clock.now(), 1).await;
    assert!(matches!(refused, Err(BackupError::NotEmpty(table)) if table == "log.event"));
    let began: bool = app.query_one(backup::UNFINISHED, &[]).await.unwrap().get(0);
    assert!(!began);
}
