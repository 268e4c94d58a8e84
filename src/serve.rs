//! `lethemail serve`: what starts in which order, and how it stops in reverse.

use crate::config::{Config, Secret};
use crate::metrics::{self, MetricsServer};
use crate::restore_command::UnfinishedRestore;
use crate::server::Server;
use crate::service::Service;
use crate::{DataDirectory, Database, Pools, PrivatePostgres, SystemClock, SystemIds};
use crate::{event_log, greeting};
use anyhow::Context;
use domain::{Clock, Ids};
use projections::delivery_queue;
use std::net::TcpListener;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What everything else stands on. The vault, the event store, workers and the API are built on it, and are gone before it stops.
pub struct Foundation {
    pub config: Arc<Config>,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub pools: Pools,
    /// The login that may become every role: of the private PostgreSQL, or the one configured.
    pub database: Database,
    postgres: Option<PrivatePostgres>,
}

/// Why a running program stops.
#[derive(Debug)]
enum StopReason {
    /// SIGTERM or Ctrl-C.
    Asked,
    /// The ground is gone; nothing can be drained.
    Fault(anyhow::Error),
}

impl Foundation {
    /// PostgreSQL, then migrations, then pools. Each is there before the next begins.
    pub async fn lay(config: Config) -> anyhow::Result<Self> {
        let clock = clock(&config)?;
        Self::with(config, Arc::new(clock), Arc::new(SystemIds)).await
    }

    /// The same on time and ids of the caller's: stories move the clock by hand.
    pub async fn with(config: Config, clock: Arc<dyn Clock>, ids: Arc<dyn Ids>) -> anyhow::Result<Self> {
        let postgres = match config.database.url {
            Some(_) => None,
            None => {
                let data = DataDirectory::open(&config.data_dir, config.clock_file.is_some())?;
                Some(PrivatePostgres::start(data, config.database.bin_dir.as_deref()).await?)
            }
        };
        let private_url = postgres.as_ref().map(|postgres| Secret::new(postgres.url()));
        let url = config.database.url.clone().or(private_url).context("a database is configured or runs privately")?;
        let database = Database::at(&url)?;
        let vault = config.database.vault_url.as_ref().map(Database::at).transpose()?;
        let mut client = database.connect().await?;
        migrations::migrate(&mut client).await.context("the database cannot be brought to this version")?;
        if client.query_one(backup::UNFINISHED, &[]).await?.get(0) {
            return Err(UnfinishedRestore.into());
        }
        let pools = Pools::open(&database, vault.as_ref())?;
        Ok(Self { config: Arc::new(config), clock, ids, pools, database, postgres })
    }

    /// For a subcommand: on the database of the server that runs on this data, or on one started for it.
    pub(crate) async fn beside(mut config: Config) -> anyhow::Result<Self> {
        let running = crate::private_postgres::running_url(&config.data_dir).filter(|_| config.database.url.is_none());
        let Some(url) = running else { return Self::lay(config).await };
        if config.clock_file.is_some() {
            DataDirectory::check_made_for_tests(&config.data_dir)?;
        }
        let clock = clock(&config)?;
        config.database.url = Some(Secret::new(url));
        Self::with(config, Arc::new(clock), Arc::new(SystemIds)).await
    }

    /// Whether no other process can work on this data: it is under our lock.
    pub fn is_alone(&self) -> bool {
        self.postgres.is_some()
    }

    /// Completes when the private PostgreSQL has ended by itself; never with a database of somebody else.
    pub async fn broken(&mut self) -> anyhow::Error {
        match &mut self.postgres {
            Some(postgres) => postgres.died().await.into(),
            None => std::future::pending().await,
        }
    }

    /// Last of all: nobody uses a connection any more.
    pub async fn stop(self) -> anyhow::Result<()> {
        self.pools.close();
        match self.postgres {
            Some(postgres) => Ok(postgres.stop().await?),
            None => Ok(()),
        }
    }
}

/// The whole life of the process. A signal during the start ends it too: what was begun is dropped, which stops it.
pub(crate) async fn run(mut config: Config) -> anyhow::Result<()> {
    let mut signals = Signals::listen()?;
    let listener = config.role.serves_api().then(|| bind(&mut config)).transpose()?;
    let metrics = bind_metrics(&mut config)?;
    let mut running = tokio::select! {
        running = Running::start(config, listener, metrics) => running?,
        () = signals.asked() => return Ok(()),
    };
    let replaced = {
        let Foundation { config, pools, clock, .. } = &running.foundation;
        event_log::replaced(config.clone(), pools.app.clone(), running.service.store.clone(), clock.clone())
    };
    let reason = tokio::select! {
        () = signals.asked() => StopReason::Asked,
        error = running.foundation.broken() => StopReason::Fault(error),
        error = replaced => StopReason::Fault(error),
    };
    tracing::info!("stopping");
    running.stop(reason).await
}

/// Bound first of all: port 0 becomes a real one before any link is written.
fn bind(config: &mut Config) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(config.listen).with_context(|| format!("{} cannot be listened to", config.listen))?;
    let address = listener.local_addr()?;
    if config.public_url == format!("http://{}", config.listen) {
        config.public_url = format!("http://{address}");
    }
    config.listen = address;
    Ok(listener)
}

fn bind_metrics(config: &mut Config) -> anyhow::Result<Option<TcpListener>> {
    let Some(address) = config.metrics.listen else { return Ok(None) };
    let listener = TcpListener::bind(address).with_context(|| format!("{address} cannot be listened to"))?;
    config.metrics.listen = Some(listener.local_addr()?);
    Ok(Some(listener))
}

struct Running {
    foundation: Foundation,
    service: Service,
    server: Option<Server>,
    metrics: Option<MetricsServer>,
}

impl Running {
    async fn start(config: Config, listener: Option<TcpListener>, metrics: Option<TcpListener>) -> anyhow::Result<Self> {
        // Before anything happens that is counted.
        let metrics = metrics.map(|listener| Ok::<_, anyhow::Error>((metrics::count()?, listener))).transpose()?;
        let foundation = Foundation::lay(config).await?;
        let service = Service::start(&foundation).await?;
        let server = listener.map(|listener| Server::start(&foundation, &service, listener)).transpose()?;
        let metrics = metrics.map(|(counted, listener)| MetricsServer::start(&foundation, &service, counted, listener)).transpose()?;
        let pause = delivery_queue::paused(&*foundation.pools.app.get().await?).await?;
        if let Some(pause) = &pause {
            tracing::warn!(since = %pause.since, reason = pause.reason, "deliveries are paused: `lethemail queue resume` lets them go on");
        }
        if let Some(server) = &server {
            server.set_ready();
            greeting::print(&service, &server.api, &foundation.config.public_url, pause.as_ref()).await?;
        }
        let listen = server.is_some().then(|| foundation.config.listen.to_string());
        let metrics_listen = foundation.config.metrics.listen.map(|address| address.to_string());
        tracing::info!(private_postgresql = foundation.postgres.is_some(), listen, metrics_listen, "ready");
        Ok(Self { foundation, service, server, metrics })
    }

    /// In reverse. When the database is gone there is nothing to drain into.
    async fn stop(self, reason: StopReason) -> anyhow::Result<()> {
        if let StopReason::Fault(error) = reason {
            // What PostgreSQL left behind is cleared at the next start.
            drop(self.foundation.stop().await);
            return Err(error);
        }
        if let Some(server) = self.server {
            server.stop().await;
        }
        self.service.stop().await;
        if let Some(metrics) = self.metrics {
            metrics.stop().await;
        }
        self.foundation.stop().await
    }
}

/// A moved clock destroys keys whose time has come, so only data that was made for it may see one.
fn clock(config: &Config) -> anyhow::Result<SystemClock> {
    match &config.clock_file {
        None => Ok(SystemClock::new()),
        Some(_) if config.database.url.is_some() => {
            Err(crate::ConfigError::Wrong("clock_file".into(), "left out when database.url is set: a moved clock would destroy keys there")
                .into())
        }
        Some(path) => {
            tracing::warn!("the clock is moved by a file; this installation is a test");
            Ok(SystemClock::shifted_by_file(path.clone())?)
        }
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn listen() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be listened to");
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
