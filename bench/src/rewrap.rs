//! Turning an epoch with a million living keys and their addresses, beside one statement that rewrites the same rows without opening them.

use crate::Options;
use crate::made_up_events::now;
use crate::report::{Report, tell};
use domain::{Class, ManualClock, OrganizationId};
use std::sync::Arc;
use std::time::{Duration, Instant};
use test_support::{Role, TestDatabase};
use uuid::Uuid;
use vault::{RotationPolicy, RotationStep, Vault, VaultConfig};

/// `LETHEMAIL_BENCH_KEYS` takes fewer for a short run.
const KEYS: usize = 1_000_000;
const AT_ONCE: usize = 2_000;

const REWRITE: &str = "UPDATE keyring.key SET wrapped = set_byte(wrapped, 0, 1)";

pub async fn measure(_: &Options, report: &mut Report) -> anyhow::Result<()> {
    let keys = std::env::var("LETHEMAIL_BENCH_KEYS").ok().and_then(|keys| keys.parse().ok()).unwrap_or(KEYS);
    let database = TestDatabase::create().await;
    let directory = tempfile::tempdir()?;
    let clock = Arc::new(ManualClock::new(now()));
    let config = VaultConfig {
        pool: database.pool(Role::Vault, 8),
        key_dir: directory.path().join("keys"),
        providers: vault::ProviderSettings::default(),
        data_dir: None,
        clock,
        cache_keys_max: 1_000,
    };
    let vault = Vault::start(config).await?;
    tell("keys of recipients", 0);
    let organization = OrganizationId(Uuid::new_v4());
    let start = Instant::now();
    for batch in 0..keys.div_ceil(AT_ONCE) {
        let addresses: Vec<String> = (0..AT_ONCE).map(|number| format!("{batch}.{number}@example.com")).collect();
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        vault.recipient_keys(organization, Class::Ops, &addresses).await?;
    }
    report.value("new keys of recipients, 2,000 at once", "keys/s", keys as f64 / start.elapsed().as_secs_f64());
    let client = database.client().await;
    // One by one: VACUUM refuses to run in the transaction that several statements at once are.
    for settle in ["VACUUM ANALYZE keyring.key", "VACUUM ANALYZE keyring.lookup", "CHECKPOINT"] {
        client.batch_execute(settle).await?;
    }
    tell("an epoch's turn", 0);
    let turned = turn(&vault).await?;
    for settle in ["VACUUM keyring.key", "CHECKPOINT"] {
        client.batch_execute(settle).await?;
    }
    tell("a plain rewrite", 0);
    let start = Instant::now();
    client.batch_execute(REWRITE).await?;
    let plain = start.elapsed();
    let per_key = |span: Duration| keys as f64 / span.as_secs_f64();
    report.value_of("an epoch's turn, keys and addresses, opened and checked", "keys/s", per_key(turned), per_key(plain));
    report.value(&format!("an epoch's turn, {keys} people"), "s", turned.as_secs_f64());
    Ok(())
}

/// Until the old key is destroyed.
async fn turn(vault: &Vault) -> anyhow::Result<Duration> {
    let at_once = RotationPolicy { interval: Duration::ZERO, standbys: vec![] };
    let rotation = vault.take_rotation().await?.ok_or_else(|| anyhow::anyhow!("nobody else rotates"))?;
    let start = Instant::now();
    let mut pass = ("", start);
    loop {
        match rotation.step(&at_once).await? {
            RotationStep::Destroyed { .. } => break,
            RotationStep::Progress { pass: name, .. } if name != pass.0 => {
                eprintln!("  {:>6.1} s  {}", pass.1.elapsed().as_secs_f64(), pass.0);
                pass = (name, Instant::now());
            }
            _ => {}
        }
    }
    let span = start.elapsed();
    rotation.release().await?;
    Ok(span)
}
