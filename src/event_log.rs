//! Where the event log lies: in the database with everything else, or on a KurrentDB (`event_store.url`); and that it is the one that the rest
//! of this installation belongs to.

use crate::anchored_log::{self, LossNotAccepted};
use crate::config::Config;
use crate::serve::Foundation;
use anyhow::{Context, anyhow, bail};
use deadpool_postgres::Pool;
use domain::{Clock, EventId, Position};
use event_store::{
    Connector, EventStore, Filter, KurrentdbConfig, KurrentdbStore, LogName, PostgresConfig, PostgresStore, SubscriptionEvent,
};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::Client;

/// Read models that have come further than the beginning of a log.
const ANYTHING_READ: &str = "SELECT EXISTS (SELECT FROM ops.bookmark WHERE position > decode(repeat('00', 16), 'hex'))";
/// Whether the database holds a log, and one that goes on there.
const LOGGED: &str = "SELECT EXISTS (SELECT FROM log.event), has_table_privilege('lethemail_app', 'log.event', 'INSERT')";
const REMEMBERED: &str = "SELECT id, first_event FROM ops.log_name";
const REMEMBER: &str = "INSERT INTO ops.log_name (id, first_event) VALUES ($1, $2) ON CONFLICT DO NOTHING";
/// How often it is looked whether the log is still the same one.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// For the server and its subcommands alike. A log that lacks what was signed of it stays closed.
pub(crate) async fn open_store(foundation: &Foundation) -> anyhow::Result<EventStore> {
    let store = open_whatever_is_missing(foundation).await?;
    match anchored_log::check(&foundation.config, &store).await {
        Ok(()) => Ok(store),
        Err(error) => {
            store.shutdown().await;
            Err(error)
        }
    }
}

/// For whoever records that something is missing.
pub(crate) async fn open_whatever_is_missing(foundation: &Foundation) -> anyhow::Result<EventStore> {
    check_place(foundation).await?;
    let store = match &foundation.config.event_store.url {
        None => in_database(foundation).await?,
        Some(url) => on_kurrentdb(url.expose()).await?,
    };
    match check_name(&foundation.pools.app, &store).await {
        Ok(()) => Ok(store),
        Err(error) => {
            store.shutdown().await;
            Err(error)
        }
    }
}

/// In the database of the installation, which is reached as by everything else.
pub(crate) async fn in_database(foundation: &Foundation) -> anyhow::Result<EventStore> {
    let connector = Connector::new(foundation.database.tls());
    let config = PostgresConfig {
        connector,
        ..PostgresConfig::new(foundation.database.config().clone(), foundation.pools.app.clone(), foundation.clock.clone())
    };
    let opened = PostgresStore::start(config).await;
    opened.map(EventStore::Postgres).map_err(|fault| anyhow!("the event log cannot be opened: {fault}"))
}

pub(crate) async fn on_kurrentdb(url: &str) -> anyhow::Result<EventStore> {
    let opened = KurrentdbStore::start(KurrentdbConfig::new(url)?).await;
    opened.map(EventStore::Kurrentdb).map_err(|fault| anyhow!("the event log on KurrentDB cannot be opened: {fault}"))
}

/// A log does not move by a setting. On another one keys and read models would belong to events that are not there, and new events would be
/// passed over, because positions of one log mean nothing in another.
async fn check_place(foundation: &Foundation) -> anyhow::Result<()> {
    let client = foundation.pools.app.get().await.context("the database does not answer")?;
    let row = client.query_one(LOGGED, &[]).await?;
    let (logged, is_open): (bool, bool) = (row.get(0), row.get(1));
    let is_known = remembered(&client).await?.is_some();
    match &foundation.config.event_store.url {
        None if !is_open => bail!("this installation's log was moved out of the database: set event_store.url to where it lies"),
        // What is remembered tells better than what can be guessed.
        _ if is_known => Ok(()),
        Some(_) if logged && is_open => bail!(
            "event_store.url names a KurrentDB, but this installation's log lies in its database: leave the setting out, or move the log \
             by `lethemail log copy database event_store --switch`"
        ),
        None if !logged && client.query_one(ANYTHING_READ, &[]).await?.get(0) => {
            bail!("the log is not in the database, and read models have been made of one: set event_store.url to where it lies")
        }
        _ => Ok(()),
    }
}

/// That this is the log which the installation remembers; one that it sees for the first time is remembered.
async fn check_name(pool: &Pool, store: &EventStore) -> anyhow::Result<()> {
    let name = store.name().await?;
    judge(name, known_beside(pool, name).await?)
}

pub(crate) fn judge(name: Option<LogName>, known: Option<LogName>) -> anyhow::Result<()> {
    match (name, known) {
        (_, None) => Ok(()),
        (Some(name), Some(known)) if name == known => Ok(()),
        (Some(name), Some(known)) if name.is_copy_of(&known) => bail!(
            "this installation uses log {known}, and this is a copy of it (log {name}): to go on with the copy, stop every process and run \
             `lethemail log copy FROM TO --switch`"
        ),
        (Some(name), Some(known)) => {
            bail!(
                "this installation belongs to log {known}, and this is another one ({name}): is event_store.url right, and the server the same?"
            )
        }
        (None, Some(known)) => {
            bail!("this installation belongs to log {known}, and this one is empty: is event_store.url right, and the server the same?")
        }
    }
}

/// The log that read models and bookmarks belong to.
pub(crate) async fn remembered(client: &Client) -> anyhow::Result<Option<LogName>> {
    let Some(row) = client.query_opt(REMEMBERED, &[]).await? else { return Ok(None) };
    let id = row.get::<_, &[u8]>(0).try_into().context("ops.log_name holds an id of another length")?;
    Ok(Some(LogName { id, first_event: EventId(row.get(1)) }))
}

/// Completes when the log is no longer the one that this process began with: moved elsewhere, another server in the place of its own, or one that
/// went back behind what was signed. A log that is empty at the start is remembered as soon as it has an event.
pub(crate) async fn replaced(config: Arc<Config>, pool: Pool, store: EventStore, clock: Arc<dyn Clock>) -> anyhow::Error {
    let mut news = store.subscribe(Position::START, Filter::default());
    loop {
        match news.next().await {
            Ok(SubscriptionEvent::Events(_)) => break,
            Ok(SubscriptionEvent::CaughtUp(_)) => {}
            Err(_) => clock.sleep_until(clock.now() + LOOK_EVERY).await,
        }
    }
    drop(news);
    loop {
        // What cannot be looked at now is looked at again.
        if let Ok(name) = store.name().await
            && let Ok(known) = known_beside(&pool, name).await
            && let Err(error) = judge(name, known)
        {
            return error;
        }
        if let Ok(Some((_, end))) = anchored_log::missing(&config, &store).await {
            return LossNotAccepted::Signed(end.at).into();
        }
        clock.sleep_until(clock.now() + LOOK_EVERY).await;
    }
}

/// The log that this installation remembers: this one, if it remembers none yet.
async fn known_beside(pool: &Pool, name: Option<LogName>) -> anyhow::Result<Option<LogName>> {
    let client = pool.get().await.context("the database does not answer")?;
    if let Some(name) = &name {
        client.execute(REMEMBER, &[&&name.id[..], &name.first_event.0]).await?;
    }
    remembered(&client).await
}
