//! A log on the double.

use event_store::{EventStore, KurrentdbConfig, KurrentdbStore};
use event_store_contract::{Fixture, Log};
use futures::future::BoxFuture;
use kurrentdb_double::Double;
use std::sync::Arc;
use std::time::Duration;

struct Server(Double);

impl Fixture for Server {
    fn open(&self) -> BoxFuture<'_, EventStore> {
        Box::pin(async { EventStore::Kurrentdb(open(&self.0.url()).await) })
    }
}

pub async fn log() -> Log {
    Arc::new(Server(Double::start().await))
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
