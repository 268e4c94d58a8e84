//! Stores that a program of their own writes to: `PROGRAM DATABASE-ADDRESS WRITERS SECONDS CONNECTIONS` prints events per second.

use super::{Peer, Way};
use crate::Options;
use anyhow::{Context, ensure};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use test_support::TestDatabase;
use tokio::process::Command;

const NODE: &str = "scripts/node-peer";
/// The packages and scripts that it runs.
const NODE_PEERS: &str = "bench/peers";

pub struct Program {
    path: PathBuf,
    script: Option<&'static str>,
    database: TestDatabase,
}

/// Built by `make bench`. `None`, said aloud, where it was not.
pub async fn postgres_es(options: &Options) -> Option<Peer> {
    if !options.postgres_es.exists() {
        eprintln!("left out: postgres-es, since there is no {}", options.postgres_es.display());
        return None;
    }
    let program = Program { path: options.postgres_es.clone(), script: None, database: TestDatabase::create().await };
    Some(Peer { name: "postgres-es", way: Way::Outside(program) })
}

pub async fn emmett() -> Peer {
    let program = Program { path: NODE.into(), script: Some("emmett.mjs"), database: TestDatabase::create().await };
    Peer { name: "Emmett", way: Way::Outside(program) }
}

impl Program {
    pub async fn rate(&self, writers: usize, span: Duration, connections: usize) -> anyhow::Result<f64> {
        let mut command = Command::new(&self.path);
        command.env("NODE_PEERS", NODE_PEERS).args(self.script).arg(&self.database.url);
        command.args([writers.to_string(), span.as_secs_f64().to_string(), connections.to_string()]);
        let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).kill_on_drop(true).output().await?;
        ensure!(output.status.success(), "{} ends with {}", self.path.display(), output.status);
        String::from_utf8(output.stdout)?.trim().parse().context("events per second are printed")
    }
}

/// What a script of the Node.js peers prints; `None`, said aloud, where Node.js or the packages cannot be had.
pub async fn node_script(script: &str) -> Option<String> {
    let output = Command::new(NODE).env("NODE_PEERS", NODE_PEERS).arg(script).stdin(Stdio::null()).output().await;
    match output {
        Ok(output) if output.status.success() => String::from_utf8(output.stdout).ok(),
        Ok(output) => {
            eprintln!("left out: the peers from npm, since {NODE} says: {}", String::from_utf8_lossy(&output.stderr).trim());
            None
        }
        Err(error) => {
            eprintln!("left out: the peers from npm, since {NODE} does not start: {error}");
            None
        }
    }
}
