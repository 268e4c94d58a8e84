//! Connection pools, one for each role of the database.

use crate::Database;
use anyhow::Context;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, QueueMode, RecyclingMethod, Runtime};
use std::time::Duration;

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

/// Application and vault ask for few rows at a time by their keys. A plan that was made while a table was small would read all of it when it is
/// large, so theirs go by index from the first row on, and are made once. Keys and texts are on the disk before an event speaks of them, and
/// that is not left to the server's default: the log may lie elsewhere.
const BY_INDEX: &str = "SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
    SET plan_cache_mode = force_generic_plan; SET jit = off; SET statement_timeout = '30s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')";

impl Pools {
    /// `database` is the login that may become every role; `vault`, where there is one, the vault's own.
    pub fn open(database: &Database, vault: Option<&Database>) -> anyhow::Result<Self> {
        Ok(Self {
            app: pool(database, "lethemail_app", BY_INDEX, APP_CONNECTIONS)?,
            vault: pool(vault.unwrap_or(database), "lethemail_vault", BY_INDEX, VAULT_CONNECTIONS)?,
            projector: pool(database, "lethemail_projector", "", PROJECTOR_CONNECTIONS)?,
            analyst: pool(database, "lethemail_analyst", "", ANALYST_CONNECTIONS)?,
        })
    }

    pub fn close(&self) {
        for pool in [&self.app, &self.vault, &self.projector, &self.analyst] {
            pool.close();
        }
    }
}

fn pool(database: &Database, role: &'static str, settings: &'static str, size: usize) -> anyhow::Result<Pool> {
    let recycle = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(database.config().clone(), database.tls(), recycle);
    let set_role = Hook::async_fn(move |connection, _| {
        Box::pin(async move { connection.batch_execute(&format!("SET ROLE {role}; {settings}")).await.map_err(HookError::Backend) })
    });
    // The one used last: few connections keep what they have prepared at hand, and the others rest.
    let builder = Pool::builder(manager).max_size(size).queue_mode(QueueMode::Lifo).runtime(Runtime::Tokio1).post_create(set_role);
    let patient = builder.wait_timeout(Some(CONNECTION_PATIENCE)).create_timeout(Some(CONNECTION_PATIENCE));
    patient.build().with_context(|| format!("the connection pool of {role} cannot be made"))
}
