//! Many writers at once, each appending one event after the other until the time is over.

use crate::latencies::Latencies;
use crate::made_up_events::next_id;
use domain::SeededIds;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// Returns when one event is durable, in a stream of its own that the id names.
pub type Append = Arc<dyn Fn(Uuid) -> BoxFuture<'static, anyhow::Result<()>> + Send + Sync>;

/// What was reached.
pub struct Pace {
    /// Events per second.
    pub rate: f64,
    pub latencies: Latencies,
}

pub async fn pace(append: &Append, writers: usize, span: Duration) -> anyhow::Result<Pace> {
    let begin = Instant::now();
    let tasks: Vec<_> = (0..writers).map(|_| tokio::spawn(write(append.clone(), begin + span))).collect();
    let mut latencies = Latencies::default();
    for task in tasks {
        latencies.extend(task.await??);
    }
    Ok(Pace { rate: latencies.len() as f64 / begin.elapsed().as_secs_f64(), latencies })
}

async fn write(append: Append, until: Instant) -> anyhow::Result<Latencies> {
    let ids = SeededIds::new(Uuid::new_v4().as_u64_pair().0);
    let mut latencies = Latencies::default();
    while Instant::now() < until {
        let begin = Instant::now();
        append(next_id(&ids)).await?;
        latencies.add(begin.elapsed());
    }
    Ok(latencies)
}
