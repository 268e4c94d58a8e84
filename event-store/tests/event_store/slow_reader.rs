//! What a reader far behind the log costs in memory, measured in a process of its own.

use crate::support::{append, in_time, open, stream};
use domain::Position;
use event_store::{EventStore, ExpectedVersion, Filter};
use event_store_contract::sample::event_of_size;
use std::process::Command;
use test_support::TestDatabase;

const DATABASE: &str = "EVENT_STORE_READER_DATABASE";
const EVENTS: usize = 120;
const EVENT_BYTES: usize = 1_000_000;
/// It takes 21 MB; the events that it reads are 120.
const PEAK_MB_MAX: usize = 50;

/// Not a test by itself: what the reading process runs.
#[tokio::test]
async fn reader_process() {
    let Ok(url) = std::env::var(DATABASE) else { return };
    let store = EventStore::Postgres(open(&TestDatabase { url }).await);
    // Many that have begun and then read no more, and one that reads it all.
    let mut subscriptions: Vec<_> = (0..20).map(|_| store.subscribe(Position::START, Filter::default())).collect();
    for subscription in &mut subscriptions {
        subscription.next().await.unwrap();
    }
    let mut reader = store.subscribe(Position::START, Filter::default());
    for _ in 0..EVENTS.div_ceil(9) {
        let before = reader.checkpoint();
        reader.next().await.unwrap();
        assert!(reader.checkpoint() > before);
    }
    println!("\nread up to {}, at most {} MB\n", reader.checkpoint(), peak_mb());
}

/// The most memory that this process ever had.
fn peak_mb() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1_024
}

#[tokio::test(flavor = "multi_thread")]
async fn readers_far_behind_the_log_hold_little_of_it_in_memory() {
    let database = TestDatabase::create().await;
    let store = EventStore::Postgres(open(&database).await);
    for _ in 0..EVENTS {
        let large = append(stream(), ExpectedVersion::NoStream, vec![event_of_size(EVENT_BYTES)]);
        in_time(store.append(large)).await.unwrap();
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "slow_reader::reader_process", "--nocapture"])
        .env(DATABASE, &database.url)
        .output()
        .unwrap();
    assert!(child.status.success());
    let output = String::from_utf8(child.stdout).unwrap();
    let peak = output.lines().find_map(|line| line.strip_prefix(&format!("read up to {EVENTS}, at most "))).unwrap();
    let peak: usize = peak.trim_end_matches(" MB").parse().unwrap();
    assert!(peak <= PEAK_MB_MAX, "a reader of {EVENTS} MB held {peak} MB");
}
