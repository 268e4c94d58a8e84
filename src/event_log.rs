//! Where the event log lies: in the database with everything else, or on a KurrentDB (`event_store.url`).

use crate::serve::Foundation;
use anyhow::{Context, anyhow, bail};
use event_store::{Connector, EventStore, KurrentdbConfig, KurrentdbStore, PostgresConfig, PostgresStore};

/// Read models that have come further than the beginning of a log.
const ANYTHING_READ: &str = "SELECT EXISTS (SELECT FROM ops.bookmark WHERE position > decode(repeat('00', 16), 'hex'))";
const ANYTHING_LOGGED: &str = "SELECT EXISTS (SELECT FROM log.event)";

/// For the server and its subcommands alike.
pub(crate) async fn open_store(foundation: &Foundation) -> anyhow::Result<EventStore> {
    check_place(foundation).await?;
    let opened = match &foundation.config.event_store.url {
        None => PostgresStore::start(in_database(foundation)).await.map(EventStore::Postgres),
        Some(url) => KurrentdbStore::start(KurrentdbConfig::new(url.expose())?).await.map(EventStore::Kurrentdb),
    };
    opened.map_err(|fault| anyhow!("the event log cannot be opened: {fault}"))
}

/// The database is reached as by everything else.
fn in_database(foundation: &Foundation) -> PostgresConfig {
    let connector = Connector::new(foundation.database.tls());
    PostgresConfig {
        connector,
        ..PostgresConfig::new(foundation.database.config().clone(), foundation.pools.app.clone(), foundation.clock.clone())
    }
}

/// A log does not move by a setting. On another one keys and read models would belong to events that are not there, and new events would be
/// passed over, because positions of one log mean nothing in another.
async fn check_place(foundation: &Foundation) -> anyhow::Result<()> {
    let client = foundation.pools.app.get().await.context("the database does not answer")?;
    let logged: bool = client.query_one(ANYTHING_LOGGED, &[]).await?.get(0);
    match &foundation.config.event_store.url {
        Some(_) if logged => {
            bail!("event_store.url names a KurrentDB, but this installation's log lies in its database: leave the setting out")
        }
        None if !logged && client.query_one(ANYTHING_READ, &[]).await?.get(0) => {
            bail!("the log is not in the database, and read models have been made of one: set event_store.url to where it lies")
        }
        _ => Ok(()),
    }
}
