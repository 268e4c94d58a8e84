//! Lets the days expire whose retention has ended, and records it (rows M1.7, M4.3, M4.4).

use crate::{Parts, pause};
use commands::{BucketSweep, RetentionDecisions};
use std::time::Duration;
use tokio::sync::watch;

/// Two days of each organisation an hour: what was left for long is caught up with soon, and never at once.
const INTERVAL: Duration = Duration::from_secs(3600);

pub(crate) async fn run(parts: Parts, mut stopping: watch::Receiver<bool>) {
    let mut decisions = RetentionDecisions::default();
    loop {
        match parts.commands.expire_buckets(&mut decisions).await {
            Ok(sweep) => tell(&sweep),
            Err(error) => {
                metrics::counter!("lethemail_bucket_looks_total", "outcome" => "failed").increment(1);
                tracing::warn!(worker = "expire_buckets", error = format!("{error:#}"), "a round failed and will be repeated");
            }
        }
        if pause(&*parts.clock, &mut stopping, INTERVAL).await {
            return;
        }
    }
}

fn tell(sweep: &BucketSweep) {
    let outcome = match sweep {
        BucketSweep::Swept { destroyed, overdue } => {
            if !destroyed.is_empty() {
                tracing::info!(buckets = destroyed.len(), "the retention of buckets has ended, and their keys are destroyed");
            }
            if *overdue > 0 {
                tracing::warn!(
                    buckets = overdue,
                    "buckets are due and have a key still: at most two days of an organization go in one hour"
                );
            }
            metrics::counter!("lethemail_buckets_destroyed_total").increment(destroyed.len() as u64);
            metrics::gauge!("lethemail_buckets_overdue").set(*overdue as f64);
            "swept"
        }
        BucketSweep::ClockJumped { last, now } => {
            tracing::error!(
                %last, %now,
                "the clock has moved more than 48 hours since days were last looked at, so none expires; if it is right, say so: lethemail keys accept-clock"
            );
            "clock_jumped"
        }
    };
    metrics::counter!("lethemail_bucket_looks_total", "outcome" => outcome).increment(1);
}
