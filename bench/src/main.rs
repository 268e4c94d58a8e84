//! Measures Lethemail: each figure beside its limit, taken in the same run, in turns, as medians. `make bench` runs it.
//!
//! It knows the crates that it measures from inside (log, read models, SMTP client) and, for everything a client sees, only the program and its
//! protocols. Nothing depends on it. See docs/benchmarks.md for what the rows mean.

#![expect(clippy::disallowed_methods, reason = "a benchmark measures real time, and its ids decide nothing")]

mod accept;
mod append;
mod bare_smtp;
mod catch_up;
mod copy_limit;
mod deliver;
mod first_steps;
mod http;
mod latencies;
mod load;
mod made_up_events;
mod page;
mod program;
mod report;
mod smtp_sink;

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
    /// Only these parts
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
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
    CatchUp,
    Deliver,
    /// With memory and pages
    Accept,
}

impl Options {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    fn span(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let mut report = Report::default();
    if options.wants(Part::Append) {
        append::measure(&options, &mut report).await?;
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
    report.write(&options.json)
}
