//! Accepting mail: the program under load, with read models and delivery at work, beside COPY of the events that it recorded.

use crate::load::{Load, Sending};
use crate::program::Program;
use crate::report::{Report, Rounds, tell};
use crate::{Options, copy_limit, page};
use domain::{Category, Position};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use test_support::{Pace, SmtpSink};
use tokio_postgres::Client;

/// The setting's default.
const SMTP_CONNECTIONS: usize = 8;
/// Of the accepted messages, this part is delivered meanwhile.
const DELIVERED_SHARE: f64 = 0.1;
const WARM_UP: Duration = Duration::from_secs(3);
/// More undelivered messages than this stop the senders of the row in which delivery keeps up.
const BACKLOG_MAX: u64 = 2_000;
const MEMORY_MIB_MAX: f64 = 150.0;
const CASES: [Sending; 3] = [Sending::GraphqlSingle, Sending::RestSingle, Sending::RestBatch];

struct Site {
    sink: SmtpSink,
    program: Program,
    database: Client,
    accepted: Arc<AtomicU64>,
}

/// One way of sending, over all rounds.
#[derive(Default)]
struct Case {
    accepting: Rounds,
    behind: Vec<f64>,
    delivered_share: Vec<f64>,
    memory_mib: f64,
    /// Messages a second, as the warm-up found them.
    expected: f64,
}

pub async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let sink = SmtpSink::start().await?;
    let program = Program::start(options, sink.port, SMTP_CONNECTIONS).await?;
    let database = program.database().await?;
    let site = Site { sink, program, database, accepted: Arc::default() };
    tokio::time::sleep(WARM_UP).await;
    report.value_of("memory at rest", "MiB", site.program.memory_mib()?, MEMORY_MIB_MAX);
    site.keep_up(options, report).await?;
    let mut cases = CASES.map(|_| Case::default());
    for round in 0..options.rounds {
        for (sending, case) in CASES.into_iter().zip(&mut cases) {
            tell(sending.name(), round);
            site.accept(options, sending, case).await?;
        }
    }
    for (sending, case) in CASES.into_iter().zip(&cases) {
        case.report(sending, report);
    }
    for (sending, case) in CASES.into_iter().zip(&cases) {
        report.value_of(&format!("memory while accepting, {}, highest", sending.name()), "MiB", case.memory_mib, MEMORY_MIB_MAX);
    }
    page::measure(options, &site.program, report).await?;
    // What hangs at the sink is waited for at the stop.
    site.sink.set_pace(Pace::Unlimited);
    site.program.stop().await
}

impl Site {
    /// As many as are delivered at the same time.
    async fn keep_up(&self, options: &Options, report: &mut Report) -> anyhow::Result<()> {
        let load = Load { program: &self.program, accepted: self.accepted.clone() };
        let (sink, accepted) = (self.sink.clone(), self.accepted.clone());
        let may_send = move || accepted.load(Ordering::Relaxed) < sink.taken() + BACKLOG_MAX;
        load.run(Sending::RestSingle, WARM_UP, may_send.clone()).await?;
        let mut rounds = Rounds::default();
        for round in 0..options.rounds {
            tell("accepted and delivered at the same rate", round);
            self.sink.set_pace(Pace::Unlimited);
            let (start, before) = (Instant::now(), self.sink.taken());
            load.run(Sending::RestSingle, options.span(), may_send.clone()).await?;
            let delivered = (self.sink.taken() - before) as f64 / start.elapsed().as_secs_f64();
            rounds.add(delivered, self.copy(options).await?);
        }
        report.rounds("accepted and delivered at the same rate, single, REST", "messages/s", &rounds);
        Ok(())
    }

    async fn accept(&self, options: &Options, sending: Sending, case: &mut Case) -> anyhow::Result<()> {
        let load = Load { program: &self.program, accepted: self.accepted.clone() };
        if case.expected == 0.0 {
            (case.expected, _) = load.run(sending, WARM_UP, || true).await?;
            self.caught_up().await?;
        }
        self.sink.set_pace(Pace::PerSecond(case.expected * DELIVERED_SHARE));
        let (before, taken) = (self.accepted.load(Ordering::Relaxed), self.sink.taken());
        let memory = self.program.watch_memory()?;
        let (rate, latencies) = load.run(sending, options.span(), || true).await?;
        case.memory_mib = case.memory_mib.max(memory.stop());
        let behind = self.behind().await?;
        let accepted = self.accepted.load(Ordering::Relaxed) - before;
        case.delivered_share.push((self.sink.taken() - taken) as f64 / accepted as f64);
        case.behind.push(behind as f64);
        case.accepting.latencies.extend(latencies);
        case.accepting.add(rate, self.copy(options).await?);
        Ok(())
    }

    /// With nothing else to do for the program and its database.
    async fn copy(&self, options: &Options) -> anyhow::Result<f64> {
        self.sink.set_pace(Pace::Stopped);
        self.caught_up().await?;
        copy_limit::rows_per_second(&self.database, options.span() / 3).await
    }

    async fn caught_up(&self) -> anyhow::Result<()> {
        caught_up(&self.database).await
    }

    async fn behind(&self) -> anyhow::Result<u64> {
        behind(&self.database).await
    }
}

impl Case {
    fn report(&self, sending: Sending, report: &mut Report) {
        let name = format!("accepted, {}", sending.name());
        let worst = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
        report.rounds(&name, "messages/s", &self.accepting);
        report.latencies(&format!("{name}, a request"), &self.accepting.latencies);
        report.value(&format!("{name}, read models behind at the end"), "events", worst(&self.behind));
        report.value(&format!("{name}, delivered meanwhile"), "of 1", crate::latencies::median(self.delivered_share.iter().copied()));
    }
}

/// How many events the last of the read models of mail has not seen.
pub async fn behind(database: &Client) -> anyhow::Result<u64> {
    let of_mail = projections::all().iter().filter(|projection| projection.categories.contains(&Category::Email));
    let names: Vec<&str> = of_mail.map(|projection| projection.name).collect();
    let rows = database.query("SELECT position FROM ops.bookmark WHERE reader = ANY ($1)", &[&names]).await?;
    let head = u64::try_from(copy_limit::head(database).await?)?;
    let reached =
        rows.iter().filter_map(|row| <[u8; 16]>::try_from(row.get::<_, &[u8]>(0)).ok()).map(|bytes| Position::from_bytes(bytes).commit);
    Ok(head.saturating_sub(reached.min().unwrap_or(0)))
}

pub async fn caught_up(database: &Client) -> anyhow::Result<()> {
    let start = Instant::now();
    while behind(database).await? > 0 {
        anyhow::ensure!(start.elapsed() < Duration::from_secs(120), "the read models do not catch up");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}
