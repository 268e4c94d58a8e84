//! `lethemail doctor`: what is well and what is not, without changing anything.

use crate::Database;
use crate::config::{Config, Secret};
use crate::exit::Exit;
use crate::private_postgres::{Account, Binaries, Cluster, running_url};
use std::os::unix::fs::MetadataExt;

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
    findings.push(match config.database.vault_url {
        Some(_) => Well("the vault has a login of its own".into()),
        None => {
            Note("the separation of the keyring is nominal: one login becomes every role; set database.vault_url to make it real".into())
        }
    });
    findings
}
