//! Connection pools, one for each role of the database.

use crate::config::{DatabaseSettings, Secret};
use anyhow::Context;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use std::time::Duration;
use tokio_postgres::{Client, NoTls};

/// A pool's connections act as one role and see what it sees. With one login the separation is nominal (`SET ROLE`);
/// `database.vault_url` makes it real.
#[derive(Clone)]
pub struct Pools {
    pub app: Pool,
    pub vault: Pool,
    pub projector: Pool,
    pub analyst: Pool,
}

/// The private PostgreSQL allows 100 connections; the event log's own ones, maintenance and `doctor` need some too.
const APP_CONNECTIONS: usize = 24;
const VAULT_CONNECTIONS: usize = 12;
const PROJECTOR_CONNECTIONS: usize = 16;
const ANALYST_CONNECTIONS: usize = 4;
/// Waiting longer than this for a connection helps nobody: the caller has given up.
const CONNECTION_PATIENCE: Duration = Duration::from_secs(15);

impl Pools {
    /// `url` is the login that may become every role.
    pub fn open(url: &Secret, settings: &DatabaseSettings) -> anyhow::Result<Self> {
        let vault_url = settings.vault_url.as_ref().unwrap_or(url);
        Ok(Self {
            app: pool(url, "lethemail_app", APP_CONNECTIONS)?,
            vault: pool(vault_url, "lethemail_vault", VAULT_CONNECTIONS)?,
            projector: pool(url, "lethemail_projector", PROJECTOR_CONNECTIONS)?,
            analyst: pool(url, "lethemail_analyst", ANALYST_CONNECTIONS)?,
        })
    }

    pub fn close(&self) {
        for pool in [&self.app, &self.vault, &self.projector, &self.analyst] {
            pool.close();
        }
    }
}

/// One connection with the login's own rights, for migrations.
pub(crate) async fn connect(url: &Secret) -> anyhow::Result<Client> {
    let (client, connection) = tokio_postgres::connect(url.expose(), NoTls).await.context("the database does not answer")?;
    tokio::spawn(connection);
    Ok(client)
}

fn pool(url: &Secret, role: &'static str, size: usize) -> anyhow::Result<Pool> {
    // The parser's error could quote the address.
    let config: tokio_postgres::Config = url.expose().parse().map_err(|_| anyhow::anyhow!("a database address cannot be understood"))?;
    let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
    let set_role = Hook::async_fn(move |connection, _| {
        Box::pin(async move { connection.batch_execute(&format!("SET ROLE {role}")).await.map_err(HookError::Backend) })
    });
    let builder = Pool::builder(manager).max_size(size).runtime(Runtime::Tokio1).post_create(set_role);
    let patient = builder.wait_timeout(Some(CONNECTION_PATIENCE)).create_timeout(Some(CONNECTION_PATIENCE));
    patient.build().with_context(|| format!("the connection pool of {role} cannot be made"))
}
