//! `lethemail doctor`: what is well and what is not, without changing anything.

mod key_providers;
mod promises;

use crate::Database;
use crate::config::{Config, Secret};
use crate::event_log::{judge, on_kurrentdb, remembered};
use crate::exit::Exit;
use crate::private_postgres::{Account, Binaries, Cluster, running_url};
use event_store::{APPEND_BYTES_MAX, KurrentdbConfig, KurrentdbReport};
use std::os::unix::fs::MetadataExt;
use tokio_postgres::Client;

enum Finding {
    Well(String),
    /// Works, but promises less than it could.
    Note(String),
    Wrong(String),
}

use Finding::{Note, Well, Wrong};

/// Prints a line a finding. Fails when one is wrong.
pub(crate) async fn run(config: &Config) -> Exit {
    let mut findings = vec![keys(config)];
    match &config.database.url {
        Some(url) => findings.extend(database(config, url).await),
        None => findings.extend(private(config).await),
    }
    findings.extend(event_store(config).await);
    for finding in &findings {
        match finding {
            Well(text) => println!("ok     {text}"),
            Note(text) => println!("note   {text}"),
            Wrong(text) => println!("wrong  {text}"),
        }
    }
    if findings.iter().any(|finding| matches!(finding, Wrong(_))) { Exit::Failed } else { Exit::Done }
}

fn keys(config: &Config) -> Finding {
    let place = config.key_dir.display();
    match std::fs::metadata(&config.key_dir) {
        Err(_) => Note(format!("key directory {place}: not there yet; the first start makes it")),
        Ok(metadata) if metadata.mode() & 0o077 != 0 => Wrong(format!("key directory {place}: others may enter it; chmod 700")),
        Ok(_) => Well(format!("key directory {place}: ours alone, outside the data directory")),
    }
}

async fn private(config: &Config) -> Vec<Finding> {
    let directory = Cluster::directory(&config.data_dir);
    let mut findings = Vec::new();
    let major = match Account::for_data(&directory) {
        Ok(account) => {
            findings.push(Well(format!("private PostgreSQL runs as {}", account.name)));
            Cluster::new(&config.data_dir, account).major()
        }
        Err(error) => return vec![Wrong(error.to_string())],
    };
    match major.and_then(|major| Binaries::find(config.database.bin_dir.as_deref(), major)) {
        Ok(binaries) => findings.push(Well(binaries.describe())),
        Err(error) => findings.push(Wrong(error.to_string())),
    }
    match running_url(&config.data_dir) {
        Some(url) => findings.extend(database(config, &Secret::new(url)).await),
        None => findings.push(Note(format!("data directory {}: no server runs on it now", config.data_dir.display()))),
    }
    findings
}

async fn database(config: &Config, url: &Secret) -> Vec<Finding> {
    let client = match Database::at(url) {
        Ok(database) => database.connect().await,
        Err(error) => Err(error),
    };
    let client = match client {
        Ok(client) => client,
        Err(error) => return vec![Wrong(format!("{error:#}"))],
    };
    let version = client.query_one("SELECT current_setting('server_version_num')::int / 10000", &[]).await.map(|row| row.get::<_, i32>(0));
    let mut findings = vec![match version {
        Ok(version) if version >= 15 => Well(format!("database: PostgreSQL {version}")),
        Ok(version) => Wrong(format!("database: PostgreSQL {version}, but 15 is needed")),
        Err(_) => Wrong("database: its version cannot be read".into()),
    }];
    findings.push(match migrations::pending(&client).await {
        Ok(0) => Well("database: all migrations applied".into()),
        Ok(pending) => Note(format!("database: {pending} migrations wait for the next start")),
        Err(_) => Note("database: not migrated yet".into()),
    });
    findings.extend(log(config, &client).await);
    findings.extend(restored(&client).await);
    findings.extend(promises::findings(config, &client).await);
    findings.extend(promises::erasures(&client).await);
    findings.extend(key_providers::findings(config, &client).await);
    findings.push(match config.database.vault_url {
        Some(_) => Well("the vault has a login of its own".into()),
        None => {
            Note("the separation of the keyring is nominal: one login becomes every role; set database.vault_url to make it real".into())
        }
    });
    findings
}

/// Whether the log that the configuration names is the one that the database belongs to.
async fn log(config: &Config, client: &Client) -> Option<Finding> {
    // Before the first start there is nothing to compare with.
    let known = remembered(client).await.ok().flatten()?;
    let store = match &config.event_store.url {
        Some(url) => on_kurrentdb(url.expose()).await.ok()?,
        None => return None,
    };
    let name = store.name().await;
    store.shutdown().await;
    Some(match judge(name.ok()?, Some(known)) {
        Ok(()) => Well(format!("event store: it holds this installation's log ({known})")),
        Err(error) => Wrong(format!("event store: {error}")),
    })
}

async fn event_store(config: &Config) -> Vec<Finding> {
    let Some(url) = &config.event_store.url else { return vec![Well("event store: the log lies in the database".into())] };
    let asked = match KurrentdbConfig::new(url.expose()) {
        Ok(config) => config.report().await,
        Err(error) => return vec![Wrong(format!("event store: {error}"))],
    };
    let KurrentdbReport { node, version, head } = match asked {
        Ok(report) => report,
        Err(fault) => return vec![Wrong(format!("event store: KurrentDB does not answer, or has no leader: {fault}"))],
    };
    let version = version.unwrap_or_else(|| "of a version that it does not tell".to_owned());
    let limit = APPEND_BYTES_MAX / 1024;
    vec![
        Well(format!("event store: KurrentDB {version} at {node}, a leader answers; the log ends at {head}")),
        Note(format!(
            "event store: appends weigh up to {limit} KiB, which MaxAppendSize of the server must allow; its protocol does not tell"
        )),
    ]
}

/// Says nothing before the migrations were run.
async fn restored(client: &Client) -> Vec<Finding> {
    let mut findings = Vec::new();
    if client.query_one(backup::UNFINISHED, &[]).await.is_ok_and(|row| row.get(0)) {
        findings.push(Wrong(crate::restore_command::UnfinishedRestore.to_string()));
    }
    let paused = client.query_opt("SELECT reason FROM ops.delivery_pause WHERE resumed_at_us IS NULL", &[]).await;
    if let Ok(Some(pause)) = paused {
        findings.push(Note(format!("deliveries are paused ({}); `lethemail queue resume` lets them go on", pause.get::<_, &str>(0))));
    }
    findings
}
