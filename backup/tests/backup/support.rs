//! A log to be backed up, and places for the backup.

use backup::{Kind, Manifest, Restore, Stored, Until, back_up_keyring, back_up_log};
use deadpool_postgres::{Client, ClientWrapper};
use domain::{Clock, ManualClock, RecordedEvent, Timestamp};
use event_store::{EventStore, ExpectedVersion, PostgresConfig, PostgresStore};
use event_store_contract::sample::{append, events, stream};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use test_support::{Role, TestDatabase};

pub const MIGRATIONS: i64 = 1_000;

pub struct Installation {
    pub database: TestDatabase,
    pub store: EventStore,
    pub clock: Arc<ManualClock>,
    pub directory: TempDir,
}

impl Installation {
    pub async fn new() -> Self {
        let database = TestDatabase::create().await;
        let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_000_000_000)));
        let config = database.url.parse().unwrap();
        let config = PostgresConfig::new(config, database.pool(Role::App, 2), clock.clone());
        let store = EventStore::Postgres(PostgresStore::start(config).await.unwrap());
        Self { database, store, clock, directory: TempDir::new().unwrap() }
    }

    /// As many streams, of three events each; a second later on the clock than what came before.
    pub async fn write(&self, streams: usize) {
        self.clock.advance(Duration::from_secs(1));
        for _ in 0..streams {
            self.store.append(append(stream(), ExpectedVersion::NoStream, events(3))).await.unwrap();
        }
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    pub async fn back_up(&self) -> Result<Manifest, backup::BackupError> {
        let client = client(&self.database, Role::App).await;
        back_up_log(&client, &self.path(), self.clock.now(), MIGRATIONS, |_, _| {}).await
    }

    pub async fn back_up_keyring(&self) -> Manifest {
        let path = self.directory.path().join("keyring");
        let client = client(&self.database, Role::Vault).await;
        back_up_keyring(&client, &path, self.clock.now(), MIGRATIONS).await.unwrap()
    }

    pub fn stored(&self) -> Result<Stored, backup::BackupError> {
        Stored::open(&self.path(), Some(Kind::Log), MIGRATIONS)
    }

    /// Looks the whole backup through.
    pub fn check(&self) -> Result<u64, backup::BackupError> {
        self.stored()?.check(Until::End, |_| {}, |_| {})
    }

    /// Into a database of its own, whose log it returns.
    pub async fn restore(&self, until: Until) -> Result<(TestDatabase, Vec<RecordedEvent>), backup::BackupError> {
        let stored = self.stored()?;
        let end = stored.check(until, |_| {}, |_| {})?;
        let database = TestDatabase::create().await;
        let (app, vault) = (client(&database, Role::App).await, client(&database, Role::Vault).await);
        let restore = Restore::begin(&app, &vault, self.clock.now(), end).await?;
        restore.log(&stored, end, |_| {}).await?;
        restore.check_versions().await?;
        restore.finish(self.clock.now()).await?;
        let config = PostgresConfig::new(database.url.parse().unwrap(), database.pool(Role::App, 2), self.clock.clone());
        let store = EventStore::Postgres(PostgresStore::start(config).await.unwrap());
        let events = store.read_all(domain::Position::START, 100_000).await.unwrap();
        Ok((database, events))
    }
}

pub async fn client(database: &TestDatabase, role: Role) -> ClientWrapper {
    Client::take(database.pool(role, 1).get().await.unwrap())
}
