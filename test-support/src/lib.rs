//! What tests of every crate need: a database of their own on the real PostgreSQL that `make test` starts, and a mail server.

use deadpool_postgres::{Config, Hook, HookError, ManagerConfig, Pool, PoolConfig, RecyclingMethod, Runtime};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

mod key_providers;
mod pair;
mod smtp_sink;

pub use key_providers::{OpenBao, SoftHsm};
pub use pair::ReplicatedPair;
pub use smtp_sink::{Pace, SmtpSink};

/// A migrated database that no other test sees. It goes with the server, which lives as long as the test run.
pub struct TestDatabase {
    /// Connection string of this database, as the server's superuser.
    pub url: String,
}

/// The roles that the migrations make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Owner,
    App,
    Vault,
    Projector,
    Analyst,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Owner => "lethemail_owner",
            Role::App => "lethemail_app",
            Role::Vault => "lethemail_vault",
            Role::Projector => "lethemail_projector",
            Role::Analyst => "lethemail_analyst",
        }
    }
}

impl TestDatabase {
    /// # Panics
    /// Without `TEST_DATABASE_URL` (a `postgresql://` address of a server where databases and roles may be created): run tests by `make test`,
    /// or by `scripts/with-postgres COMMAND`.
    pub async fn create() -> Self {
        let base = std::env::var("TEST_DATABASE_URL")
            .expect("TEST_DATABASE_URL is not set: run tests by `make test` or `scripts/with-postgres COMMAND`");
        Self::create_on(&base).await
    }

    async fn create_on(base: &str) -> Self {
        #[expect(clippy::disallowed_methods, reason = "a database name of a test run, which need not repeat")]
        let name = format!("test_{}", Uuid::new_v4().simple());
        connect(base).await.batch_execute(&format!("CREATE DATABASE {name}")).await.expect("the test server lets us create databases");
        let url = with_database(base, &name);
        migrations::migrate(&mut connect(&url).await).await.expect("migrations run on an empty database");
        Self { url }
    }

    /// The database as it is now, under another name. Nobody may be connected to it.
    pub async fn copy(&self) -> Self {
        let (base, name) = (with_database(&self.url, "postgres"), name_of(&self.url));
        #[expect(clippy::disallowed_methods, reason = "a database name of a test run, which need not repeat")]
        let copy = format!("test_{}", Uuid::new_v4().simple());
        let statement = format!("CREATE DATABASE {copy} TEMPLATE {name}");
        connect(&base).await.batch_execute(&statement).await.expect("nobody is connected to the database");
        Self { url: with_database(&self.url, &copy) }
    }

    /// A single connection as the server's superuser.
    pub async fn client(&self) -> Client {
        connect(&self.url).await
    }

    /// A pool of up to `size` connections that act as `role`.
    pub fn pool(&self, role: Role, size: usize) -> Pool {
        let config = Config {
            url: Some(self.url.clone()),
            manager: Some(ManagerConfig { recycling_method: RecyclingMethod::Fast }),
            pool: Some(PoolConfig::new(size)),
            ..Config::default()
        };
        let set_role = Hook::async_fn(move |connection, _| {
            Box::pin(async move { connection.batch_execute(&format!("SET ROLE {}", role.as_str())).await.map_err(HookError::Backend) })
        });
        let builder = config.builder(NoTls).expect("the test server's address is valid");
        builder.runtime(Runtime::Tokio1).post_create(set_role).build().expect("the pool's settings are valid")
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the test server answers");
    tokio::spawn(connection);
    client
}

/// `postgresql://…/NAME?…` with another NAME.
fn with_database(url: &str, name: &str) -> String {
    let (address, options) = url.split_once('?').map_or((url, None), |(address, options)| (address, Some(options)));
    let (server, _) = address.rsplit_once('/').expect("a postgresql:// address ends in /NAME");
    match options {
        Some(options) => format!("{server}/{name}?{options}"),
        None => format!("{server}/{name}"),
    }
}

fn name_of(url: &str) -> &str {
    let address = url.split_once('?').map_or(url, |(address, _)| address);
    address.rsplit_once('/').expect("a postgresql:// address ends in /NAME").1
}
