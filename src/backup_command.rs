//! `lethemail backup`: the log and the keyring, each to a directory of its own. Together with the key directory they open everything, so no two of the
//! three belong in one place.

use crate::config::{Config, resolved};
use crate::progress;
use crate::serve::Foundation;
use anyhow::{Context, bail};
use backup::{Manifest, Stored, Until, back_up_keyring, back_up_log};
use clap::Subcommand;
use deadpool_postgres::{Client, ClientWrapper, Pool};
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum BackupCommand {
    /// The log, and what waits for delivery. To the same directory again: only what has come since
    Log {
        /// A new directory, or one that holds a backup of this log
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// The keyring, its keys wrapped as they are. It replaces the one in the directory, and dies with its epoch
    Keyring {
        /// A new directory, or one that holds a backup of a keyring
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Read a backup from beginning to end, and say whether it is whole; needs no database
    Check { directory: PathBuf },
}

pub(crate) async fn run(config: Config, command: BackupCommand) -> anyhow::Result<()> {
    match command {
        BackupCommand::Check { directory } => check(&directory),
        BackupCommand::Log { to } if config.event_store.url.is_some() => {
            bail!("the log lies on a KurrentDB: back it up by that server's own means, not to {}", to.display())
        }
        BackupCommand::Log { to } | BackupCommand::Keyring { to } if is_near(&config, &to) => {
            bail!(
                "{} and the key or data directory lie in one another: a backup that goes with them, or with the keys, is none",
                to.display()
            )
        }
        command => {
            let foundation = Foundation::beside(config).await?;
            let outcome = back_up(&foundation, command).await;
            foundation.stop().await?;
            outcome
        }
    }
}

async fn back_up(foundation: &Foundation, command: BackupCommand) -> anyhow::Result<()> {
    let now = foundation.clock.now();
    let manifest = match command {
        BackupCommand::Log { to } => {
            let client = connection(&foundation.pools.app).await?;
            let mut bar = None;
            let progress = |done, total| bar.get_or_insert_with(|| progress::bar("backing up", total)).at(done);
            back_up_log(&client, &to, now, migrations(), progress).await?
        }
        BackupCommand::Keyring { to } => {
            let client = connection(&foundation.pools.vault).await?;
            back_up_keyring(&client, &to, now, migrations()).await?
        }
        BackupCommand::Check { .. } => unreachable!("answered without a database"),
    };
    tell(&manifest);
    Ok(())
}

fn check(directory: &Path) -> anyhow::Result<()> {
    let stored = Stored::open(directory, None, migrations())?;
    let mut bar = progress::bar("checking", stored.manifest.head);
    stored.check(Until::End, |_| {}, |done| bar.at(done))?;
    drop(bar);
    tell(&stored.manifest);
    Ok(())
}

/// The last line, kept elsewhere, tells later whether this is still the same backup.
fn tell(manifest: &Manifest) {
    println!("{}  as of {}", manifest.kind, manifest.made_at);
    if let Some(event) = manifest.head_event {
        println!("events  {}, the last one {event}", manifest.head);
    }
    for table in &manifest.tables {
        println!("{}  {} rows", table.table, table.rows);
    }
    println!("sha256  {}", manifest.sha256());
}

/// Whether one of them would be copied with the other.
fn is_near(config: &Config, to: &Path) -> bool {
    let Ok(to) = std::path::absolute(to).map(|to| resolved(&to)) else { return true };
    [&config.key_dir, &config.data_dir].map(|path| resolved(path)).iter().any(|path| path.starts_with(&to) || to.starts_with(path))
}

pub(crate) fn migrations() -> i64 {
    i64::try_from(migrations::known()).expect("there are not that many migrations")
}

/// With the pool's role, and its own settings from here on.
pub(crate) async fn connection(pool: &Pool) -> anyhow::Result<ClientWrapper> {
    Ok(Client::take(pool.get().await.context("the database does not answer")?))
}
