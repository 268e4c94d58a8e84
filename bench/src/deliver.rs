//! Delivering a backlog, claim to recorded outcome, beside our SMTP client alone into a sink of the same kind.

use crate::bare_smtp::BareSmtp;
use crate::load::{Load, Sending, TEXT_BYTES};
use crate::program::Program;
use crate::report::{Report, Rounds, tell};
use crate::{Options, accept};
use std::time::{Duration, Instant};
use test_support::{Pace, SmtpSink};

/// The setting's default, and a server that allows many.
const CONNECTIONS: [usize; 2] = [8, 64];
/// A round ends when so many messages a second were delivered, at the latest.
const RATE_MAX: f64 = 3_000.0;

pub async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    for connections in CONNECTIONS {
        let (ours, bare_sink) = (SmtpSink::start().await?, SmtpSink::start().await?);
        let program = Program::start(options, ours.port, connections).await?;
        let bare = BareSmtp::new(bare_sink.port, connections, TEXT_BYTES)?;
        let database = program.database().await?;
        let mut rounds = Rounds::default();
        for round in 0..options.rounds {
            tell(&format!("delivery over {connections} connections"), round);
            ours.set_pace(Pace::Stopped);
            fill_backlog(&program, (options.seconds * RATE_MAX) as u64).await?;
            accept::caught_up(&database).await?;
            let limit = bare.messages_per_second(connections, options.span() / 3).await?;
            ours.set_pace(Pace::Unlimited);
            rounds.add(delivered_per_second(&ours, options).await, limit);
        }
        report.rounds(&format!("delivered, {connections} connections"), "messages/s", &rounds);
        program.stop().await?;
    }
    Ok(())
}

async fn fill_backlog(program: &Program, messages: u64) -> anyhow::Result<()> {
    let load = Load { program, accepted: std::sync::Arc::default() };
    while load.accepted.load(std::sync::atomic::Ordering::Relaxed) < messages {
        load.run(Sending::RestBatch, Duration::from_secs(1), || true).await?;
    }
    Ok(())
}

/// The first half second, in which everything that hung at the sink comes at once, does not count.
async fn delivered_per_second(sink: &SmtpSink, options: &Options) -> f64 {
    tokio::time::sleep(Duration::from_millis(500)).await;
    let (start, before) = (Instant::now(), sink.taken());
    tokio::time::sleep(options.span()).await;
    (sink.taken() - before) as f64 / start.elapsed().as_secs_f64()
}
