//! `lethemail log`: looking at the log itself.

use crate::config::Config;
use crate::event_log::open_store;
use crate::projections_command::behind;
use crate::serve::Foundation;
use clap::Subcommand;
use event_store::EventStore;
use projections::lags;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum LogCommand {
    /// Where it ends, how fast it grows, its partitions, and how far each reader is behind
    Status,
}

pub(crate) async fn run(config: Config, command: LogCommand) -> anyhow::Result<()> {
    let LogCommand::Status = command;
    let foundation = Foundation::beside(config).await?;
    let store = open_store(&foundation).await?;
    let outcome = status(&foundation, &store).await;
    store.shutdown().await;
    foundation.stop().await?;
    outcome
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
