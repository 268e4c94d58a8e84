//! `lethemail restore`: a backup of the log, and of the keyring, into an empty database.

mod loss;
pub(crate) mod read_models;

use crate::backup_command::{connection, migrations};
use crate::config::Config;
use crate::event_log::open_whatever_is_missing;
use crate::operations;
use crate::progress;
use crate::serve::Foundation;
use crate::service::vault_config;
use anyhow::{Context, bail};
use backup::{EventRow, Kind, Restore, Stored, Until};
use clap::Args;
use domain::{EventId, LogRestored, Operations, Timestamp};
use event_store::EventStore;
use loss::{Known, Loss, accept_what_is_there};
use projections::delivery_queue;
use std::path::{Path, PathBuf};
use vault::Vault;

#[derive(Args, Clone, Debug)]
pub(crate) struct RestoreArguments {
    /// What `backup log` wrote. Without it, and with --accept-loss: the database was put back by other means, and its log is to be gone on with
    #[arg(long, value_name = "DIR", required_unless_present = "accept_loss")]
    from: Option<PathBuf>,
    /// What `backup keyring` wrote: the newest there is. Without it no personal data opens
    #[arg(long, value_name = "DIR", requires = "from")]
    keyring: Option<PathBuf>,
    /// Only up to the event at this position, or before the first one recorded after this time (RFC 3339)
    #[arg(long, value_name = "TIME|POSITION", value_parser = until, requires = "from")]
    until: Option<Until>,
    /// Also look at the streams' versions, build the read models, and print the SHA-256 of each
    #[arg(long, requires = "from")]
    verify: bool,
    /// Go on although the log ends before something that is known to have happened. The gap is recorded, and a new key signs from here on
    #[arg(long)]
    accept_loss: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("a restore into this database was interrupted, or `audit replay` made it: begin again in an empty one, and drop this one")]
pub(crate) struct UnfinishedRestore;

/// What was found good to be restored.
struct Chosen {
    log: Stored,
    keyring: Option<Stored>,
    ends_at: u64,
    last_event: EventId,
    loss: Option<Loss>,
}

pub(crate) async fn run(config: Config, arguments: RestoreArguments) -> anyhow::Result<()> {
    let Some(from) = &arguments.from else { return accept_what_is_there(config).await };
    if config.event_store.url.is_some() {
        bail!("the log lies on a KurrentDB: restore it by that server's own means");
    }
    // Everything is read before anything is written.
    let chosen = choose(&config, from, &arguments).await?;
    if let Some(loss) = chosen.loss.as_ref().filter(|_| !arguments.accept_loss) {
        return Err(loss.refusal().into());
    }
    let foundation = Foundation::beside(config).await?;
    let outcome = restore(&foundation, &chosen, arguments.verify).await;
    foundation.stop().await?;
    outcome
}

async fn choose(config: &Config, from: &Path, arguments: &RestoreArguments) -> anyhow::Result<Chosen> {
    let log = Stored::open(from, Some(Kind::Log), migrations())?;
    let keyring = arguments.keyring.as_ref().map(|path| Stored::open(path, Some(Kind::Keyring), migrations())).transpose()?;
    let mut known = Known::read(config).await?;
    let (mut bar, mut last_event) = (progress::bar("checking", log.manifest.head), None);
    let observe = |event: &EventRow<'_>| {
        last_event = Some(EventId(event.event_id));
        known.see(event);
    };
    let ends_at = log.check(arguments.until.unwrap_or(Until::End), observe, |done| bar.at(done))?;
    if let Some(keyring) = &keyring {
        keyring.check(Until::End, |_| {}, |_| {})?;
    }
    let last_event = last_event.context("there is no event in this backup")?;
    Ok(Chosen { log, keyring, ends_at, last_event, loss: known.loss() })
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
    let store = open_whatever_is_missing(foundation).await?;
    let told = tell_the_log(foundation, &store, chosen, verify).await;
    store.shutdown().await;
    told?;
    restore.finish(foundation.clock.now()).await?;
    println!("queue     paused; see `lethemail queue status`");
    Ok(())
}

/// Read models are made of what came from the backup; what was done here follows it.
async fn tell_the_log(foundation: &Foundation, store: &EventStore, chosen: &Chosen, verify: bool) -> anyhow::Result<()> {
    if verify {
        read_models::build(foundation, store).await?;
    }
    let restored = LogRestored {
        last_event: chosen.last_event,
        backed_up_at: chosen.log.manifest.made_at,
        keyring_backed_up_at: chosen.keyring.as_ref().map(|keyring| keyring.manifest.made_at),
    };
    operations::record(foundation, store, Operations::stream(), |operations: &Operations| operations.restore(restored.clone())).await?;
    match &chosen.loss {
        Some(loss) => loss.accept(foundation, store).await,
        None => Ok(()),
    }
}

impl Chosen {
    fn reason(&self) -> String {
        let Self { log, ends_at, loss, .. } = self;
        let loss = loss.as_ref().map_or_else(String::new, |loss| format!("; {loss}"));
        format!(
            "restored up to position {ends_at} from a backup of {}: what was sent since would be sent again{loss}",
            log.manifest.made_at
        )
    }
}

pub(crate) fn until(text: &str) -> Result<Until, String> {
    if let Ok(position) = text.parse() {
        return Ok(Until::Position(position));
    }
    let time =
        chrono::DateTime::parse_from_rfc3339(text).map_err(|_| "neither a position nor a time as in 2026-09-21T14:13:20Z".to_owned())?;
    Ok(Until::Time(Timestamp::from(time.to_utc())))
}
