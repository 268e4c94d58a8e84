//! A log on the double, or on the server that the environment names.

use event_store::{EventStore, KurrentdbConfig, KurrentdbStore};
use event_store_contract::{Fixture, Log};
use futures::future::BoxFuture;
use kurrentdb_double::Double;
use std::sync::Arc;
use std::time::Duration;

pub const URL: &str = "KURRENTDB_URL";

struct Server {
    url: String,
    /// Ends with the fixture.
    _double: Option<Double>,
}

impl Fixture for Server {
    fn open(&self) -> BoxFuture<'_, EventStore> {
        Box::pin(async { EventStore::Kurrentdb(open(&self.url).await) })
    }
}

pub async fn log() -> Log {
    match std::env::var(URL) {
        Ok(url) => Arc::new(Server { url, _double: None }),
        Err(_) => {
            let double = Double::start().await;
            Arc::new(Server { url: double.url(), _double: Some(double) })
        }
    }
}

pub async fn open(url: &str) -> KurrentdbStore {
    KurrentdbStore::start(KurrentdbConfig::new(url).expect("the address is understood")).await.expect("the server is there")
}

/// With short waits, for faults that last.
pub fn hasty(url: &str) -> KurrentdbConfig {
    let mut config = KurrentdbConfig::new(url).expect("the address is understood");
    (config.deadline, config.patience) = (Duration::from_millis(500), Duration::from_secs(10));
    config
}
