//! `lethemail restore`: a backup of the log, and of the keyring, into an empty database.

mod read_models;

use crate::backup_command::{connection, migrations};
use crate::config::Config;
use crate::event_log::open_store;
use crate::progress;
use crate::serve::Foundation;
use crate::service::vault_config;
use anyhow::{Context, bail};
use backup::{EventRow, Kind, Restore, Stored, Until};
use clap::Args;
use domain::{KeyId, Timestamp};
use projections::delivery_queue;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use vault::Vault;

#[derive(Args, Clone, Debug)]
pub(crate) struct RestoreArguments {
    /// What `backup log` wrote
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// What `backup keyring` wrote: the newest there is. Without it no personal data opens
    #[arg(long, value_name = "DIR")]
    keyring: Option<PathBuf>,
    /// Only up to the event at this position, or before the first one recorded after this time (RFC 3339)
    #[arg(long, value_name = "TIME|POSITION", value_parser = until)]
    until: Option<Until>,
    /// Also look at the streams' versions, build the read models, and print the SHA-256 of each
    #[arg(long)]
    verify: bool,
    /// Go on although the log ends before something that is known to have happened
    #[arg(long)]
    accept_loss: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("a restore into this database was interrupted: begin it again in an empty one, and drop this one")]
pub(crate) struct UnfinishedRestore;

#[derive(Debug, thiserror::Error)]
#[error(
    "the anchor names {0} destroyed keys of whose destruction this log says nothing: it ends before that happened. Look for a newer backup; \
     --accept-loss restores this one"
)]
pub(crate) struct LossNotAccepted(usize);

/// What was found good to be restored.
struct Chosen {
    log: Stored,
    keyring: Option<Stored>,
    ends_at: u64,
    /// Keys that the anchor names, and the log does not.
    unexplained: usize,
}

pub(crate) async fn run(config: Config, arguments: RestoreArguments) -> anyhow::Result<()> {
    if config.event_store.url.is_some() {
        bail!("the log lies on a KurrentDB: restore it by that server's own means");
    }
    // Everything is read before anything is written.
    let chosen = choose(&config.key_dir, &arguments).await?;
    if chosen.unexplained > 0 && !arguments.accept_loss {
        return Err(LossNotAccepted(chosen.unexplained).into());
    }
    let foundation = Foundation::beside(config).await?;
    let outcome = restore(&foundation, &chosen, arguments.verify).await;
    foundation.stop().await?;
    outcome
}

async fn choose(key_dir: &Path, arguments: &RestoreArguments) -> anyhow::Result<Chosen> {
    let log = Stored::open(&arguments.from, Some(Kind::Log), migrations())?;
    let keyring = arguments.keyring.as_ref().map(|path| Stored::open(path, Some(Kind::Keyring), migrations())).transpose()?;
    let mut explained = HashSet::new();
    let mut bar = progress::bar("checking", log.manifest.head);
    let ends_at = log.check(arguments.until.unwrap_or(Until::End), |event| explained.extend(destroyed_by(event)), |done| bar.at(done))?;
    if let Some(keyring) = &keyring {
        keyring.check(Until::End, |_| {}, |_| {})?;
    }
    let anchored = vault::anchored_keys(key_dir.to_owned()).await?;
    let unexplained = anchored.iter().filter(|key| !explained.contains(*key)).count();
    Ok(Chosen { log, keyring, ends_at, unexplained })
}

/// Events that name keys which are about to be destroyed.
const DOOMS: [&str; 3] = ["ErasureStarted", "ErasureWidened", "ErasureCaseClosed"];

/// The keys that an erasure is about to destroy: they are named in the log before they are named in the anchor.
fn destroyed_by(event: &EventRow<'_>) -> Vec<KeyId> {
    if !DOOMS.contains(&event.event_type) {
        return vec![];
    }
    let facts: serde_json::Value = serde_json::from_slice(event.facts).unwrap_or_default();
    let keys = facts["keys"].as_array().map(Vec::as_slice).unwrap_or_default();
    keys.iter().chain([&facts]).filter_map(|doomed| doomed["key"].as_str()?.parse().ok()).collect()
}

async fn restore(foundation: &Foundation, chosen: &Chosen, verify: bool) -> anyhow::Result<()> {
    let Chosen { log, keyring, ends_at, .. } = chosen;
    let (app, vault) = (connection(&foundation.pools.app).await?, connection(&foundation.pools.vault).await?);
    let restore = Restore::begin(&app, &vault, foundation.clock.now(), *ends_at).await?;
    delivery_queue::pause(&app, foundation.clock.now(), &chosen.reason()).await?;
    let mut bar = progress::bar("restoring", *ends_at);
    restore.log(log, *ends_at, |done| bar.at(done)).await?;
    drop(bar);
    println!("log       up to position {ends_at} of {}, backed up {}", log.manifest.head, log.manifest.made_at);
    if let Some(keyring) = keyring {
        restore.keyring(&vault, keyring).await?;
        // Opens every living epoch, and deletes again what the anchor names.
        Vault::start(vault_config(foundation)).await.context("the restored keyring cannot be opened")?;
        println!("keyring   backed up {}", keyring.manifest.made_at);
        if keyring.manifest.made_at < log.manifest.made_at {
            println!("          older than the log: what was sealed in between under new keys stays closed");
        }
    }
    if verify {
        restore.check_versions().await?;
        println!("versions  each stream's follow on each other");
    }
    restore.finish(foundation.clock.now()).await?;
    if verify {
        let store = open_store(foundation).await?;
        let built = read_models::build(foundation, &store).await;
        store.shutdown().await;
        built?;
    }
    println!("queue     paused; see `lethemail queue status`");
    Ok(())
}

impl Chosen {
    fn reason(&self) -> String {
        let Self { log, ends_at, unexplained, .. } = self;
        let loss = match unexplained {
            0 => String::new(),
            count => format!("; the loss of {count} known destructions of keys was accepted"),
        };
        format!(
            "restored up to position {ends_at} from a backup of {}: what was sent since would be sent again{loss}",
            log.manifest.made_at
        )
    }
}

fn until(text: &str) -> Result<Until, String> {
    if let Ok(position) = text.parse() {
        return Ok(Until::Position(position));
    }
    let time =
        chrono::DateTime::parse_from_rfc3339(text).map_err(|_| "neither a position nor a time as in 2026-09-21T14:13:20Z".to_owned())?;
    Ok(Until::Time(Timestamp::from(time.to_utc())))
}
