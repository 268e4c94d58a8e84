//! A database with a log, and projectors on it.

use domain::{Clock, ManualClock, Position, SeededIds, Timestamp};
use event_store::{EventStore, PostgresConfig, PostgresStore, StreamAppend};
use projections::{Freshness, Parts, Projector, all, content_hash};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use test_support::{Role, TestDatabase};
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const PATIENCE: Duration = Duration::from_secs(3600);

pub struct Site {
    pub database: TestDatabase,
    pub store: EventStore,
    pub clock: ManualClock,
    /// As the API has it.
    pub app: deadpool_postgres::Pool,
    /// What the projectors of this site go by.
    time: Arc<dyn Clock>,
    pump: Option<JoinHandle<()>>,
}

/// A running projector, as one process has it.
pub struct Running {
    pub freshness: Freshness,
    shutdown: watch::Sender<bool>,
    pub task: JoinHandle<Result<(), projections::ProjectionError>>,
}

impl Site {
    pub async fn open() -> Self {
        let clock = ManualClock::new(START);
        Self::at(TestDatabase::create().await, clock.clone(), Arc::new(clock)).await
    }

    /// In a process of its own on another's database: time is the one that all processes share.
    pub async fn in_real_time(url: String) -> Self {
        Self::at(TestDatabase { url }, ManualClock::new(START), Arc::new(RealClock)).await
    }

    async fn at(database: TestDatabase, clock: ManualClock, time: Arc<dyn Clock>) -> Self {
        let config = database.url.parse().expect("the test server's address is valid");
        let settings = PostgresConfig::new(config, database.pool(Role::App, 4), time.clone());
        let settings = PostgresConfig { poll_interval: Duration::from_millis(100), ..settings };
        let store = EventStore::Postgres(PostgresStore::start(settings).await.expect("the database is migrated"));
        let app = database.pool(Role::App, 4);
        Self { database, store, clock, app, time, pump: None }
    }

    /// Lets time run, twenty times as fast as outside.
    pub fn let_time_run(&mut self) {
        let clock = self.clock.clone();
        self.pump = Some(tokio::spawn(async move {
            loop {
                #[expect(clippy::disallowed_methods, reason = "it drives the clock that everything else waits for")]
                tokio::time::sleep(Duration::from_millis(5)).await;
                clock.advance(Duration::from_millis(100));
            }
        }));
    }

    pub fn freshness(&self) -> Freshness {
        Freshness::new(self.app.clone(), self.time.clone())
    }

    pub fn projector(&self, seed: u64) -> (Projector, Freshness) {
        let freshness = self.freshness();
        let projector = Projector::new(Parts {
            store: self.store.clone(),
            pool: self.database.pool(Role::Projector, 12),
            clock: self.time.clone(),
            ids: Arc::new(SeededIds::new(seed)),
            freshness: freshness.clone(),
        });
        (projector, freshness)
    }

    /// All projections, as one process runs them.
    pub fn start(&self, seed: u64) -> Running {
        let (projector, freshness) = self.projector(seed);
        let (shutdown, told) = watch::channel(false);
        let task = tokio::spawn(async move { projector.run(all(), told).await });
        Running { freshness, shutdown, task }
    }

    pub async fn append(&self, appends: Vec<StreamAppend>) -> Position {
        let mut position = Position::START;
        for outcome in self.store.append_batch(appends).await {
            position = position.max(outcome.expect("the story appends in order").position);
        }
        position
    }

    pub async fn client(&self) -> deadpool_postgres::Client {
        self.app.get().await.expect("the test server answers")
    }

    pub async fn hashes(&self) -> BTreeMap<&'static str, String> {
        let client = self.client().await;
        let mut hashes = BTreeMap::new();
        for projection in all() {
            let hash = content_hash(projection, &client).await.expect("the content can be read");
            hashes.insert(projection.name, hash.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        hashes
    }

    pub async fn rebuild_all(&self) {
        let (projector, _) = self.projector(99);
        for projection in all() {
            projector.rebuild(projection, |_| {}).await.expect("the log can be replayed");
        }
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        if let Some(pump) = &self.pump {
            pump.abort();
        }
    }
}

impl Running {
    pub async fn reach(&self, position: Position) {
        assert!(in_time(self.freshness.at_least(&names(), position, PATIENCE)).await, "the projections do not come to {position}");
    }

    pub async fn stop(self) {
        self.shutdown.send_replace(true);
        in_time(self.task).await.expect("the projector does not panic").expect("the projector ends well");
    }

    /// As a killed process: nothing is given back.
    pub async fn crash(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}

pub fn names() -> Vec<&'static str> {
    all().iter().map(|projection| projection.name).collect()
}

/// Waits at most two minutes: long enough for a crowded machine, short enough to see that something hangs.
pub async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(120), future).await.expect("it should not take two minutes")
}

/// The time that passes outside.
struct RealClock;

#[expect(clippy::disallowed_methods, reason = "processes share no other clock")]
pub fn real_time() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("it is later than 1970");
    Timestamp::from_micros(i64::try_from(since.as_micros()).expect("it is not that late"))
}

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        real_time()
    }

    fn since_boot(&self) -> Duration {
        real_time().since(START)
    }

    fn database_time(&self, reported: Timestamp) -> Timestamp {
        reported
    }

    fn sleep_until(&self, time: Timestamp) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        #[expect(clippy::disallowed_methods, reason = "processes share no other clock")]
        let sleep = tokio::time::sleep(time.since(real_time()));
        Box::pin(sleep)
    }
}
