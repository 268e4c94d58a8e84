//! Measures Lethemail: each figure beside its limit, taken in the same run, in turns, as medians. `make bench` runs it.
//!
//! It knows the crates that it measures from inside (log, read models, SMTP client) and, for everything a client sees, only the program and its
//! protocols. Nothing depends on it. See docs/benchmarks.md for what the rows mean.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time, and its ids decide nothing")]

mod accept;
mod alternatives;
mod append;
mod bare_insert;
mod bare_smtp;
mod catch_up;
mod copy_limit;
mod deliver;
mod erase;
mod first_steps;
mod http;
mod latencies;
mod load;
mod log_size;
mod made_up_events;
mod page;
mod peers;
mod plots;
mod program;
mod report;
mod rewrap;
mod snapshot;
mod verify;
mod writers;

use clap::{Parser, ValueEnum};
use report::Report;
use std::path::PathBuf;
use std::time::Duration;

/// Prints a table and writes it as JSON.
#[derive(Clone, Debug, Parser)]
#[command(name = "lethemail-bench")]
struct Options {
    /// Seconds that each figure is measured in each round
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// How often everything is measured; the median counts
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Only these parts; without it, all that are not said to be asked for
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// Measure other event stores on PostgreSQL, too
    #[arg(long)]
    peers: bool,
    /// Connections of a peer's pool, where it has no fewer writers
    #[arg(long, default_value_t = 64)]
    peer_connections: usize,
    /// The program that writes with postgres-es
    #[arg(long, default_value = "target/peers/release/postgres-es-peer")]
    postgres_es: PathBuf,
    /// How long the log gets when its size is measured
    #[arg(long, default_value_t = 20_000_000)]
    events: u64,
    /// Measures nothing, but draws the curves into this directory
    #[arg(long)]
    plots: Option<PathBuf>,
    /// Tables that the curves are drawn from, as far as they are there
    #[arg(long, value_delimiter = ',', default_value = "target/bench.json,target/bench-log.json")]
    from: Vec<PathBuf>,
    /// The program to measure
    #[arg(long, default_value = "target/release/lethemail")]
    program: PathBuf,
    /// Where the table goes as JSON
    #[arg(long, default_value = "target/bench.json")]
    json: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    Append,
    /// Beside other event stores; asked for, by --peers, too
    Peers,
    /// Beside other techniques of ordering; asked for
    Alternatives,
    /// Beside somebody who holds a snapshot; asked for
    Snapshot,
    /// With more and more events in the log; asked for, since it takes half an hour and much disk
    LogSize,
    CatchUp,
    Deliver,
    /// With memory and pages
    Accept,
    /// A million keys
    Rewrap,
    /// One person among many events
    Erase,
    /// Looking through an exported history, on one core
    Verify,
}

impl Options {
    fn wants(&self, part: Part) -> bool {
        let usual = match part {
            Part::Append | Part::CatchUp | Part::Deliver | Part::Accept | Part::Rewrap | Part::Erase | Part::Verify => true,
            Part::Peers => self.peers,
            Part::Alternatives | Part::Snapshot | Part::LogSize => false,
        };
        if self.only.is_empty() { usual } else { self.only.contains(&part) }
    }

    fn span(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    if let Some(directory) = &options.plots {
        return plots::draw(&options.from, directory);
    }
    let mut report = Report::default();
    if options.wants(Part::Append) {
        append::measure(&options, &mut report).await?;
    }
    if options.wants(Part::Peers) {
        peers::measure(&options, &mut report).await?;
    }
    if options.wants(Part::Alternatives) {
        alternatives::measure(&options, &mut report).await?;
    }
    if options.wants(Part::Snapshot) {
        snapshot::measure(&options, &mut report).await?;
    }
    if options.wants(Part::LogSize) {
        log_size::measure(&options, &mut report).await?;
    }
    if options.wants(Part::CatchUp) {
        catch_up::measure(&options, &mut report).await?;
    }
    if options.wants(Part::Deliver) {
        deliver::measure(&options, &mut report).await?;
    }
    if options.wants(Part::Accept) {
        accept::measure(&options, &mut report).await?;
    }
    if options.wants(Part::Rewrap) {
        rewrap::measure(&options, &mut report).await?;
    }
    if options.wants(Part::Erase) {
        erase::measure(&options, &mut report).await?;
    }
    if options.wants(Part::Verify) {
        verify::measure(&options, &mut report)?;
    }
    report.write(&options.json)
}
