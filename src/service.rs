//! What runs on the foundation: the vault, the event log, the write side, read models and workers, in that order; stopped in reverse.

use crate::config::{Config, EPOCH_MINUTES_USUAL};
use crate::event_log::open_store;
use crate::serve::Foundation;
use crate::{ConfigError, DataDirectory};
use anyhow::Context;
use commands::{Commands, Spool};
use egress::{Egress, EgressPolicy};
use event_store::EventStore;
use mail::{TimeOuts, TlsTrust};
use projections::{Freshness, Projector, delivery_queue};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use transparency::Logs;
use vault::{Vault, VaultConfig};
use workers::Workers;

/// Keys that the vault keeps unwrapped in memory for a lease, at most.
const CACHED_KEYS_MAX: u64 = 100_000;
/// The privacy policy that people accept when they sign up.
const PRIVACY_POLICY_VERSION: u32 = 1;

/// The parts, for whoever serves them.
pub struct Service {
    pub vault: Vault,
    pub store: EventStore,
    pub commands: Commands,
    pub freshness: Freshness,
    pub logs: Logs,
    projecting: Option<(watch::Sender<bool>, JoinHandle<()>)>,
    workers: Option<Workers>,
}

impl Service {
    pub async fn start(foundation: &Foundation) -> anyhow::Result<Self> {
        let config = &foundation.config;
        check_epochs(config)?;
        vault::harden_process();
        let vault = Vault::start(vault_config(foundation)).await.context("the vault cannot be opened")?;
        let store = open_store(foundation).await?;
        let commands = Commands::new(commands::Parts {
            store: store.clone(),
            vault: vault.clone(),
            spool: Spool::new(foundation.pools.app.clone(), vault.clone()),
            egress: egress(config)?,
            trust: TlsTrust::system(None).context("the system's certificate authorities cannot be read")?,
            clock: foundation.clock.clone(),
            ids: foundation.ids.clone(),
            settings: settings(config)?,
        });
        let logs = logs(foundation, &store);
        let freshness = Freshness::new(foundation.pools.app.clone(), foundation.clock.clone());
        let mut service = Self { vault, store, commands, freshness, logs, projecting: None, workers: None };
        if config.role.projects() {
            service.projecting = Some(service.project(foundation));
        }
        if config.role.works() {
            if foundation.is_alone() {
                delivery_queue::release_everything(&*foundation.pools.app.get().await?).await?;
            }
            service.workers = Some(service.work(foundation));
        }
        Ok(service)
    }

    fn project(&self, foundation: &Foundation) -> (watch::Sender<bool>, JoinHandle<()>) {
        let projector = Projector::new(projections::Parts {
            store: self.store.clone(),
            pool: foundation.pools.projector.clone(),
            clock: foundation.clock.clone(),
            ids: foundation.ids.clone(),
            freshness: self.freshness.clone(),
        });
        let (stop, stopping) = watch::channel(false);
        let task = tokio::spawn(async move {
            if let Err(error) = projector.run(projections::all(), stopping).await {
                tracing::error!(%error, "the read models stand still");
            }
        });
        (stop, task)
    }

    fn work(&self, foundation: &Foundation) -> Workers {
        let smtp = &foundation.config.smtp;
        Workers::start(&workers::Parts {
            commands: self.commands.clone(),
            vault: self.vault.clone(),
            pool: foundation.pools.app.clone(),
            clock: foundation.clock.clone(),
            ids: foundation.ids.clone(),
            logs: self.logs.clone(),
            settings: workers::Settings {
                connections_per_server_max: smtp.concurrency_per_server.into(),
                delivery_age_max: smtp.delivery_age_max(),
                rotation: foundation.config.keys.rotation(),
                checkpoint_interval: Duration::from_secs(foundation.config.transparency.checkpoint_interval_s.into()),
                ..workers::Settings::default()
            },
        })
    }

    /// Finishes what was begun. The API takes no more requests by now.
    pub async fn stop(self) {
        if let Some(workers) = self.workers {
            workers.drain().await;
        }
        if let Some((stop, task)) = self.projecting {
            // The receiver is gone only when the task has ended by itself.
            let _ = stop.send(true);
            if task.await.is_err() {
                tracing::error!("the read models ended without a word");
            }
        }
        if let Err(fault) = self.commands.reads().flush().await {
            tracing::warn!(%fault, "the last counts of reads could not be written");
        }
        self.store.shutdown().await;
    }
}

pub(crate) fn vault_config(foundation: &Foundation) -> VaultConfig {
    let config = &foundation.config;
    VaultConfig {
        pool: foundation.pools.vault.clone(),
        key_dir: config.key_dir.clone(),
        providers: config.keys.providers(),
        data_dir: Some(config.data_dir.clone()),
        clock: foundation.clock.clone(),
        cache_keys_max: CACHED_KEYS_MAX,
    }
}

/// Epochs of minutes would end before a standby or a backup is made; only data that was made for it may see them.
fn check_epochs(config: &Config) -> anyhow::Result<()> {
    let usual = config.keys.epoch_minutes >= EPOCH_MINUTES_USUAL;
    if usual || DataDirectory::check_made_for_tests(&config.data_dir).is_ok() {
        return Ok(());
    }
    Err(ConfigError::Wrong("keys.epoch_minutes".into(), "at least 1440 (a day) on a data directory that was not made for tests").into())
}

/// The Merkle logs beside this event log.
pub(crate) fn logs(foundation: &Foundation, store: &EventStore) -> Logs {
    Logs::new(transparency::Parts {
        store: store.clone(),
        pool: foundation.pools.app.clone(),
        clock: foundation.clock.clone(),
        ids: foundation.ids.clone(),
    })
}

fn egress(config: &Config) -> anyhow::Result<Egress> {
    let networks = config.egress.allowed_networks.iter().map(|network| network.parse());
    let allowed_networks = networks.collect::<Result<Vec<_>, _>>().context("egress.allowed_networks holds something that is no network")?;
    Ok(Egress::new(EgressPolicy { allowed_networks, connect_timeout: config.smtp.connect_timeout() }))
}

fn settings(config: &Config) -> anyhow::Result<commands::Settings> {
    let host = host_of(&config.public_url);
    // A name with a dot, so that it makes an address; the reserved domain serves where the installation has none.
    let domain = if host.contains('.') && host.parse::<std::net::IpAddr>().is_err() { host } else { domain::SANDBOX_DOMAIN };
    Ok(commands::Settings {
        public_url: config.public_url.clone(),
        privacy_policy_version: PRIVACY_POLICY_VERSION,
        notice_from: format!("Lethemail <notices@{domain}>").parse().context("public_url does not name a host that can send mail")?,
        message_id_domain: domain.to_owned(),
        client_name: domain.to_owned(),
        smtp_time_outs: TimeOuts {
            greeting: config.smtp.connect_timeout(),
            outcome: config.smtp.data_timeout(),
            command: Duration::from_secs(120).max(config.smtp.connect_timeout()),
            ..TimeOuts::default()
        },
    })
}

fn host_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or(rest);
    authority.rsplit_once(':').map_or(authority, |(host, _)| host)
}
