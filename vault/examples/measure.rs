//! What sealing and finding keys cost: `scripts/with-postgres cargo run --release -p vault --example measure`.
#![allow(clippy::disallowed_methods)] // Measuring needs the real time.

use domain::{Category, Class, Clock, EventId, ManualClock, OrganizationId, PersonalSlot, StreamName, Timestamp};
use std::sync::Arc;
use std::time::{Duration, Instant};
use test_support::{Role, TestDatabase};
use uuid::Uuid;
use vault::{SealRequest, Vault, VaultConfig};
use zeroize::Zeroizing;

const EVENTS: usize = 50_000;

#[tokio::main]
async fn main() {
    let database = TestDatabase::create().await;
    let directory = tempfile::tempdir().unwrap();
    let clock = ManualClock::new(Timestamp::from_micros(1_750_000_000_000_000));
    let config = VaultConfig {
        pool: database.pool(Role::Vault, 8),
        key_dir: directory.path().join("keys"),
        providers: vault::ProviderSettings::default(),
        data_dir: None,
        clock: Arc::new(clock.clone()),
        cache_keys_max: 200_000,
    };
    let vault = Vault::start(config).await.unwrap();
    let organization = OrganizationId(Uuid::new_v4());
    sealing(&vault, organization, &clock, 100).await;
    sealing(&vault, organization, &clock, 1).await;
    new_recipients(&vault, organization, 100).await;
    new_recipients(&vault, organization, 1).await;
    known_recipients(&vault, organization).await;
    bodies(&vault, organization);
}

fn print(what: &str, count: usize, spent: Duration) {
    println!("{what}: {:.2} µs each, {:.0}/s", spent.as_secs_f64() * 1e6 / count as f64, count as f64 / spent.as_secs_f64());
}

/// Events of 400 bytes, `batch` at a time, each for another of 1,000 people.
async fn sealing(vault: &Vault, organization: OrganizationId, clock: &ManualClock, batch: usize) {
    let addresses: Vec<String> = (0..1_000).map(|n| format!("known{n}@example.org")).collect();
    let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
    let keys = vault.recipient_keys(organization, Class::Ops, &addresses).await.unwrap();
    let slot = |key| [PersonalSlot { key: Some(key), class: Class::Ops, plaintext: Zeroizing::new(vec![b'x'; 400]) }];
    let slots: Vec<[PersonalSlot; 1]> = keys.into_iter().map(slot).collect();
    let stream = StreamName::new(Category::Email, organization, Uuid::new_v4());
    let (event_id, occurred_at) = (EventId(Uuid::now_v7()), clock.now());
    let fiscal_year = domain::FiscalYearStart::default();
    let request = |slots| SealRequest { organization, stream, event_id, event_type: "EmailQueued", occurred_at, slots, fiscal_year };
    let requests: Vec<SealRequest<'_>> = slots.iter().map(|slots| request(slots)).collect();
    vault.seal_many(&requests).await.unwrap();
    let start = Instant::now();
    for batch in requests.chunks(batch).cycle().take(EVENTS / batch) {
        vault.seal_many(batch).await.unwrap();
    }
    print(&format!("seal 400 bytes, {batch} a call"), EVENTS, start.elapsed());
}

/// Recipients never seen before, from 64 callers at once.
async fn new_recipients(vault: &Vault, organization: OrganizationId, batch: usize) {
    let each = (200 * batch).min(2_000);
    let start = Instant::now();
    let callers = (0..64).map(|caller| {
        let vault = vault.clone();
        tokio::spawn(async move {
            for n in 0..each / batch {
                let addresses: Vec<String> = (0..batch).map(|k| format!("new{batch}.{caller}.{n}.{k}@example.org")).collect();
                let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
                vault.recipient_keys(organization, Class::Ops, &addresses).await.unwrap();
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    print(&format!("new recipients, 64 callers, {batch} a call"), each * 64, start.elapsed());
}

async fn known_recipients(vault: &Vault, organization: OrganizationId) {
    let start = Instant::now();
    for n in 0..EVENTS {
        vault.recipient_keys(organization, Class::Ops, &[&format!("known{}@example.org", n % 1_000)]).await.unwrap();
    }
    print("known recipient", EVENTS, start.elapsed());
}

fn bodies(vault: &Vault, organization: OrganizationId) {
    let body = vec![b'x'; 2_048];
    let start = Instant::now();
    for n in 0..EVENTS {
        std::hint::black_box(vault.wrap_body(Uuid::from_u128(n as u128), organization, &body));
    }
    print("wrap a body of 2 KiB", EVENTS, start.elapsed());
}
