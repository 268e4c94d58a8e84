//! `lethemail audit replay`: the read models as they were, made anew in a database that nothing else uses.

use crate::backup_command::{connection, migrations};
use crate::config::{Config, Secret};
use crate::event_log::{in_database, open_store};
use crate::progress;
use crate::restore_command::{read_models, until};
use crate::serve::Foundation;
use anyhow::{Context, bail};
use backup::{Kind, Restore, Stored, Until};
use clap::Args;
use domain::{Position, Timestamp};
use event_store::EventStore;
use std::path::PathBuf;

/// Events read at a time to find where a time lies in the log.
const PAGE: usize = 1_000;

#[derive(Args, Clone, Debug)]
pub(crate) struct ReplayArguments {
    /// Up to the event at this position, or before the first one recorded after this time (RFC 3339); all of it without
    #[arg(long, value_name = "TIME|POSITION", value_parser = until)]
    until: Option<Until>,
    /// The URL of an empty PostgreSQL database. No server works on it afterwards: it is there to be looked at
    #[arg(long, value_name = "URL")]
    into: String,
    /// Out of what `backup log` wrote, and not of this installation's log
    #[arg(long, value_name = "DIR")]
    from: Option<PathBuf>,
}

/// Where the events come from, and up to where.
enum Source {
    Log(EventStore, Position),
    Backup(Box<Stored>, u64),
}

pub(crate) async fn run(config: Config, arguments: ReplayArguments) -> anyhow::Result<()> {
    let until = arguments.until.unwrap_or(Until::End);
    if let Some(from) = &arguments.from {
        let stored = Stored::open(from, Some(Kind::Log), migrations())?;
        let mut bar = progress::bar("checking", stored.manifest.head);
        let end = stored.check(until, |_| {}, |done| bar.at(done))?;
        drop(bar);
        return replay(&config, &arguments.into, Source::Backup(Box::new(stored), end)).await;
    }
    let foundation = Foundation::beside(config.clone()).await?;
    let store = open_store(&foundation).await?;
    let outcome = match end_of(&store, until).await {
        Ok(end) => replay(&config, &arguments.into, Source::Log(store.clone(), end)).await,
        Err(error) => Err(error),
    };
    store.shutdown().await;
    foundation.stop().await?;
    outcome
}

/// The position of the last event that is wanted.
async fn end_of(store: &EventStore, until: Until) -> anyhow::Result<Position> {
    let head = store.head().await?;
    match until {
        Until::End => Ok(head),
        Until::Position(number) if number <= head.commit && number > 0 => Ok(Position { commit: number, prepare: number }),
        Until::Position(number) => bail!("the log ends at {head}, and has no position {number}"),
        Until::Time(time) => before(store, time).await,
    }
}

async fn before(store: &EventStore, time: Timestamp) -> anyhow::Result<Position> {
    let mut end = Position::START;
    loop {
        let events = store.read_all(end, PAGE).await?;
        let wanted = events.iter().take_while(|event| event.recorded_at <= time).count();
        if let Some(last) = events[..wanted].last() {
            end = last.position;
        }
        match wanted < PAGE {
            true if end == Position::START => bail!("nothing was recorded by then"),
            true => return Ok(end),
            false => {}
        }
    }
}

async fn replay(config: &Config, into: &str, source: Source) -> anyhow::Result<()> {
    let mut config = config.clone();
    config.database.url = Some(Secret::new(into.to_owned()));
    (config.database.vault_url, config.event_store.url, config.clock_file) = (None, None, None);
    let target = Foundation::lay(config).await.context("the database that the replay goes into")?;
    let outcome = fill(&target, &source).await;
    target.stop().await?;
    outcome
}

/// The restore is never finished: every process refuses a database whose restore is under way, and nobody sends from this one.
async fn fill(target: &Foundation, source: &Source) -> anyhow::Result<()> {
    let (app, vault) = (connection(&target.pools.app).await?, connection(&target.pools.vault).await?);
    let end = match source {
        Source::Log(_, end) => end.commit,
        Source::Backup(_, end) => *end,
    };
    let restore = Restore::begin(&app, &vault, target.clock.now(), end).await?;
    let mut bar = progress::bar("replaying", end);
    if let Source::Backup(stored, end) = source {
        restore.events(stored, *end, |done| bar.at(done)).await?;
    }
    let store = in_database(target).await?;
    let outcome = async {
        if let Source::Log(log, end) = source {
            event_store::copy_up_to(log, &store, *end, |event| bar.at(event.source.commit)).await?;
        }
        drop(bar);
        println!("log                up to position {end}");
        read_models::build(target, &store).await
    };
    let outcome = outcome.await;
    store.shutdown().await;
    outcome
}
