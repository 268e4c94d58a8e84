//! `lethemail queue`: mail that waits, and holding it back.

use crate::config::Config;
use crate::event_log::open_store;
use crate::operations;
use crate::serve::Foundation;
use anyhow::bail;
use clap::Subcommand;
use deadpool_postgres::ClientWrapper;
use domain::{PauseGround, Timestamp};
use projections::delivery_queue::{pause, paused, resume, waiting};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum QueueCommand {
    /// How much waits, and whether it is held back
    Status,
    /// Send nothing from now on; what is being sent at this moment is finished, and mail is still taken
    Pause {
        /// For whoever asks later; no personal data
        #[arg(long)]
        reason: String,
    },
    /// Send what is due
    Resume {
        /// For whoever asks later; no personal data
        #[arg(long)]
        reason: String,
    },
}

pub(crate) async fn run(config: Config, command: QueueCommand) -> anyhow::Result<()> {
    let foundation = Foundation::beside(config).await?;
    let outcome = answer(&foundation, command).await;
    foundation.stop().await?;
    outcome
}

async fn answer(foundation: &Foundation, command: QueueCommand) -> anyhow::Result<()> {
    let client = foundation.pools.app.get().await?;
    let now = foundation.clock.now();
    match command {
        QueueCommand::Status => {}
        QueueCommand::Pause { reason } => {
            // First of all nothing more is sent; that this was so is recorded as soon as the log can be reached.
            let is_new = pause(&client, now, &reason).await?;
            let store = open_store(foundation).await?;
            let recorded = operations::pause(foundation, &store, PauseGround::Operator).await;
            store.shutdown().await;
            recorded?;
            if !is_new {
                bail!("deliveries are paused already");
            }
        }
        QueueCommand::Resume { reason } => {
            let store = open_store(foundation).await?;
            let recorded = operations::resume(foundation, &store).await;
            store.shutdown().await;
            recorded?;
            if !resume(&client, now, &reason).await? {
                bail!("deliveries are not paused");
            }
        }
    }
    tell(&client, now).await
}

async fn tell(client: &ClientWrapper, now: Timestamp) -> anyhow::Result<()> {
    match paused(client).await? {
        Some(pause) => println!("paused   since {}: {}", pause.since, pause.reason),
        None => println!("running"),
    }
    let waiting = waiting(client, now).await?;
    let since = waiting.oldest_due.map_or_else(String::new, |oldest| format!(", the oldest since {oldest}"));
    println!("waiting  {} messages, {} of them due{since}", waiting.messages, waiting.due);
    Ok(())
}
