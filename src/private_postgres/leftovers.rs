//! What an earlier run left: its server may outlive a `kill -9` for as long as its shutdown takes, or because it was stopped itself.

use super::cluster::Cluster;
use super::error::PostgresError;
use crate::clock::pause;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::path::Path;
use std::time::Duration;

/// What is tried in turn, and how long each is waited for. SIGINT is the fast shutdown; SIGQUIT leaves a recovery to the next start.
const STEPS: [(Signal, Duration); 3] =
    [(Signal::SIGINT, Duration::from_secs(60)), (Signal::SIGQUIT, Duration::from_secs(10)), (Signal::SIGKILL, Duration::from_secs(5))];
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Stops servers that still work on the data, and removes what would mislead the next. The lock on the data directory is ours, so
/// whoever works there was started by a process that is gone.
pub(super) async fn clear(cluster: &Cluster) -> Result<(), PostgresError> {
    let directory = cluster.path();
    let directory = directory.canonicalize().unwrap_or(directory);
    for (signal, patience) in STEPS {
        if stop(&directory, signal, patience).await {
            break;
        }
    }
    if let Some(pid) = working_in(&directory).first() {
        return Err(PostgresError::Leftover(pid.as_raw()));
    }
    // The number in it may by now be that of any process of the same user, which PostgreSQL would take for a running server.
    drop(std::fs::remove_file(directory.join("postmaster.pid")));
    cluster.remove_unfinished();
    Ok(())
}

/// Whether nobody works there any more.
async fn stop(directory: &Path, signal: Signal, patience: Duration) -> bool {
    let processes = working_in(directory);
    if processes.is_empty() {
        return true;
    }
    tracing::warn!(processes = processes.len(), signal = signal.as_str(), "stopping a PostgreSQL left over from an earlier run");
    // A postmaster stops its own children, in order.
    let addressed = match postmaster(directory) {
        Some(postmaster) if signal != Signal::SIGKILL && processes.contains(&postmaster) => vec![postmaster],
        _ => processes,
    };
    for process in addressed {
        // It may have ended by itself in between.
        let _ = kill(process, signal);
        // One that somebody stopped (SIGSTOP, a debugger) would never see it.
        let _ = kill(process, Signal::SIGCONT);
    }
    let rounds = patience.as_millis() / LOOK_AGAIN.as_millis();
    for _ in 0..rounds {
        pause(LOOK_AGAIN).await;
        if working_in(directory).is_empty() {
            return true;
        }
    }
    false
}

/// Every process of a PostgreSQL server has its data directory as working directory.
fn working_in(directory: &Path) -> Vec<Pid> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbered = entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())));
    let working = numbered.filter(|(_, process)| {
        let is_there = std::fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == directory);
        is_there && std::fs::read_link(process.join("exe")).is_ok_and(|program| program.file_name().is_some_and(|name| name == "postgres"))
    });
    working.map(|(number, _)| Pid::from_raw(number)).collect()
}

fn postmaster(directory: &Path) -> Option<Pid> {
    let text = std::fs::read_to_string(directory.join("postmaster.pid")).ok()?;
    text.lines().next()?.trim().parse().ok().map(Pid::from_raw)
}
