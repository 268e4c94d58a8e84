//! This test binary as a process of its own that can be killed: it starts itself again and runs one ignored test.

use domain::{Clock, Timestamp};
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use test_support::{Role, TestDatabase};
use vault::{Vault, VaultConfig};

/// Time as it passes, with a shift that a parent process gives.
pub struct RealClock {
    start: Instant,
}

impl RealClock {
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for RealClock {
    fn now(&self) -> Timestamp {
        Timestamp::default() + SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
    }

    fn since_boot(&self) -> Duration {
        self.start.elapsed()
    }

    fn database_time(&self, reported: Timestamp) -> Timestamp {
        reported
    }

    fn sleep_until(&self, time: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move { tokio::time::sleep(time.since(self.now())).await })
    }
}

/// Starts the ignored test `name` as a process.
pub fn spawn(name: &str, database: &TestDatabase, directory: &Path, settings: &[(&str, String)]) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, "--exact", "--ignored", "--nocapture"]).env("CHILD_URL", &database.url).env("CHILD_DIRECTORY", directory);
    command.envs(settings.iter().map(|(name, value)| (*name, value)));
    command.stdout(Stdio::null()).stderr(Stdio::inherit()).spawn().unwrap()
}

/// In the child: its vault.
pub async fn vault() -> Vault {
    let database = TestDatabase { url: setting("CHILD_URL") };
    let config = VaultConfig {
        pool: database.pool(Role::Vault, 6),
        key_dir: Path::new(&setting("CHILD_DIRECTORY")).join("keys"),
        providers: vault::ProviderSettings::default(),
        data_dir: None,
        clock: Arc::new(RealClock::new()),
        cache_keys_max: 10_000,
    };
    Vault::start(config).await.unwrap()
}

pub fn setting(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is set by the parent process"))
}
