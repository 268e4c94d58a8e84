//! Stores on a test's own database.

use domain::{ManualClock, Position, RecordedEvent, Timestamp};
use event_store::{Appended, PostgresConfig, PostgresStore, Subscription, SubscriptionEvent};
pub use event_store_contract::sample::{append, event, event_of_size, events, stream};
use std::sync::Arc;
use std::time::Duration;
use test_support::{Role, TestDatabase};

pub fn appended(first_version: u64, last_version: u64, position: u64) -> Appended {
    Appended { first_version, last_version, position: position_of(position), already: false }
}

pub fn position_of(position: u64) -> Position {
    Position { commit: position, prepare: position }
}

pub async fn open(database: &TestDatabase) -> PostgresStore {
    start(database.url.as_str(), database.pool(Role::App, 4)).await
}

pub async fn start(url: &str, pool: deadpool_postgres::Pool) -> PostgresStore {
    let config = url.parse().expect("the test server's address is valid");
    let clock = Arc::new(ManualClock::new(Timestamp::from_micros(1_700_000_001_000_000)));
    let poll_interval = Duration::from_millis(100);
    PostgresStore::start(PostgresConfig { poll_interval, ..PostgresConfig::new(config, pool, clock) })
        .await
        .expect("the database is migrated")
}

/// The whole log, as a subscriber gets it.
pub async fn read_up_to(subscription: &mut Subscription, count: usize) -> Vec<RecordedEvent> {
    let mut read = Vec::new();
    while read.len() < count {
        if let SubscriptionEvent::Events(events) = subscription.next().await.expect("the log can be read") {
            read.extend(events);
        }
    }
    read
}

/// Waits at most a minute: long enough for a crowded machine, short enough to see that something hangs.
pub async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it should not take a minute")
}
