//! `lethemail log`: looking at the log itself, and taking it elsewhere.

mod copy;
mod place;
mod switch;

use crate::config::Config;
use crate::event_log::open_store;
use crate::projections_command::behind;
use crate::serve::Foundation;
use clap::Subcommand;
use event_store::EventStore;
use place::Place;
use projections::lags;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Where it ends, how fast it grows, its partitions, and how far each reader is behind
    Status,
    /// Copy the whole log into another store, byte for byte, and compare; goes on where an earlier copy ended
    Copy {
        /// `database` (this installation's), `event_store` (what event_store.url names), or a postgresql:// or esdb:// address
        from: Place,
        /// The same; a database is migrated first, and must hold nothing else
        to: Place,
        /// Then let this installation go on with the copy; every process must be stopped
        #[arg(long)]
        switch: bool,
    },
}

pub(crate) async fn run(config: Config, command: LogCommand) -> anyhow::Result<()> {
    match command {
        LogCommand::Status => {
            let foundation = Foundation::beside(config).await?;
            let store = open_store(&foundation).await?;
            let outcome = status(&foundation, &store).await;
            store.shutdown().await;
            foundation.stop().await?;
            outcome
        }
        LogCommand::Copy { from, to, switch } => copy::run(config, &from, &to, switch).await,
    }
}

async fn status(foundation: &Foundation, store: &EventStore) -> anyhow::Result<()> {
    let now = foundation.clock.now();
    println!("head       {}", store.head().await?);
    if let Some(storage) = store.storage(now).await? {
        println!("growth     {} events in the last minute, {} in the last hour", storage.last_minute, storage.last_hour);
        for partition in storage.partitions {
            println!("partition  {}  {}  {} KiB", partition.name, partition.bounds, partition.bytes / 1024);
        }
    }
    let client = foundation.pools.projector.get().await?;
    for (name, lag) in lags(&client, store).await? {
        println!("reader     {name:<18} {}", behind(&lag, now));
    }
    Ok(())
}
