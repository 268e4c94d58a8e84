//! Where a log lies, as it is named on the command line.

use crate::config::{Config, Secret};
use crate::event_log::{in_database, on_kurrentdb};
use crate::serve::Foundation;
use crate::{Database, Pools, SystemClock};
use anyhow::{Context, anyhow, bail};
use event_store::{Connector, EventStore, PostgresConfig, PostgresStore};
use std::convert::Infallible;
use std::str::FromStr;
use std::sync::Arc;

/// Gives the application the right to append again, where a log was moved away.
const OPEN: &str = "SET LOCAL ROLE lethemail_owner; GRANT INSERT ON log.event TO lethemail_app; RESET ROLE";

#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// This installation's database.
    Database,
    /// What `event_store.url` names.
    EventStore,
    Address(Secret),
}

impl FromStr for Place {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "database" => Self::Database,
            "event_store" => Self::EventStore,
            address => Self::Address(Secret::new(address)),
        })
    }
}

impl Place {
    /// Reads only.
    pub async fn source(&self, config: &Config, foundation: Option<&Foundation>) -> anyhow::Result<EventStore> {
        match self {
            Self::Database => in_database(foundation.context("the database was opened")?).await,
            Self::EventStore => on_kurrentdb(configured(config)?.expose()).await,
            Self::Address(address) if is_postgres(address) => elsewhere(&Database::at(address)?).await,
            Self::Address(address) => on_kurrentdb(address.expose()).await,
        }
    }

    /// Ready to be written.
    pub async fn target(&self, config: &Config, foundation: Option<&Foundation>) -> anyhow::Result<EventStore> {
        match self {
            Self::Database => open_again(&foundation.context("the database was opened")?.database).await?,
            Self::Address(address) if is_postgres(address) => {
                let database = Database::at(address)?;
                migrations::migrate(&mut database.connect().await?).await.context("the target cannot be brought to this version")?;
                open_again(&database).await?;
            }
            Self::EventStore | Self::Address(_) => {}
        }
        self.source(config, foundation).await
    }
}

fn is_postgres(address: &Secret) -> bool {
    ["postgresql://", "postgres://"].iter().any(|scheme| address.expose().starts_with(scheme))
}

fn configured(config: &Config) -> anyhow::Result<&Secret> {
    config.event_store.url.as_ref().ok_or_else(|| anyhow!("event_store.url is not set"))
}

async fn open_again(database: &Database) -> anyhow::Result<()> {
    let mut client = database.connect().await?;
    let transaction = client.transaction().await?;
    transaction.batch_execute(OPEN).await.context("the log of the database cannot be opened for writing")?;
    Ok(transaction.commit().await?)
}

/// In a database that is not this installation's.
async fn elsewhere(database: &Database) -> anyhow::Result<EventStore> {
    let pools = Pools::open(database, None)?;
    let config = PostgresConfig {
        connector: Connector::new(database.tls()),
        ..PostgresConfig::new(database.config().clone(), pools.app, Arc::new(SystemClock::new()))
    };
    match PostgresStore::start(config).await {
        Ok(store) => Ok(EventStore::Postgres(store)),
        Err(fault) => bail!("the log at the PostgreSQL address cannot be opened: {fault}"),
    }
}
