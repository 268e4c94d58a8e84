//! Other ways to give the log one order, beside the one that was taken (docs/adr/0001), in turns on the same server: the same rows in tables with
//! the log's columns and indexes, a stream's version checked with each, made as small as can be.
//!
//! The technique that was taken is there twice: as small as the others, and as it ships, which also decides expected versions, recognises repeats,
//! tells other processes, and writes to partitions.

mod advisory_lock;
mod compare_and_set;
mod counter_row;
mod group_commit;
mod head_row;
mod own_connection;
mod row;
mod sequence;

use crate::report::{Report, Rounds, tell};
use crate::writers::{Append, pace};
use crate::{Options, append};
use event_store::EventStore;
use futures::future::{join_all, try_join_all};
pub use group_commit::{Order, start as group_commit};
use std::time::Duration;
use test_support::TestDatabase;

/// The name of its plot.
pub const PLOT: &str = "alternatives";
const WRITERS: [usize; 4] = [16, 64, 256, 1_024];

struct Alternative {
    name: &'static str,
    way: Way,
}

enum Way {
    Other(Append),
    /// One store for each process that writes.
    Ours(Vec<EventStore>),
}

pub async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let alternatives = alternatives().await?;
    let mut cases: Vec<(usize, Vec<Rounds>)> =
        WRITERS.iter().map(|writers| (*writers, alternatives.iter().map(|_| Rounds::default()).collect())).collect();
    for alternative in &alternatives {
        // Opens the connections.
        alternative.way.rate(own_connection::CONNECTIONS_MAX, Duration::from_millis(500)).await?;
    }
    for round in 0..options.rounds {
        tell("alternatives", round);
        for (writers, rounds) in &mut cases {
            let mut rates = Vec::new();
            for alternative in &alternatives {
                rates.push(alternative.way.rate(*writers, options.span()).await?);
            }
            let ours = rates.first().copied().unwrap_or_default();
            rounds.iter_mut().zip(rates).for_each(|(rounds, rate)| rounds.add(rate, ours));
        }
    }
    for (writers, rounds) in &cases {
        for (alternative, rounds) in alternatives.iter().zip(rounds) {
            report.rounds(&format!("{writers} writers, {}", alternative.name), "events/s", rounds);
            report.plot(PLOT, alternative.name, *writers);
        }
    }
    for alternative in &alternatives {
        alternative.way.shutdown().await;
    }
    Ok(())
}

async fn alternatives() -> anyhow::Result<Vec<Alternative>> {
    let [sequence, advisory_lock, counter_row] = own_connection::start().await?;
    let grouped = async |order, processes| group_commit(order, processes).await.map(|(_, append)| Way::Other(append));
    let alternatives = [
        ("the log as it ships", Way::Ours(stores(1).await?)),
        ("the log as it ships, two processes", Way::Ours(stores(2).await?)),
        ("group commit, compare-and-set", grouped(Order::CompareAndSet, 1).await?),
        ("group commit, compare-and-set, two processes", grouped(Order::CompareAndSet, 2).await?),
        ("group commit, head row", grouped(Order::HeadRow, 1).await?),
        ("group commit, head row, two processes", grouped(Order::HeadRow, 2).await?),
        ("a connection a writer, sequence", Way::Other(sequence)),
        ("a connection a writer, one advisory lock", Way::Other(advisory_lock)),
        ("a connection a writer, counter row", Way::Other(counter_row)),
    ];
    Ok(alternatives.map(|(name, way)| Alternative { name, way }).into())
}

async fn stores(processes: usize) -> anyhow::Result<Vec<EventStore>> {
    let database = TestDatabase::create().await;
    let mut stores = Vec::new();
    for _ in 0..processes {
        stores.push(append::open_store(&database).await?);
    }
    Ok(stores)
}

impl Way {
    /// Events per second.
    async fn rate(&self, writers: usize, span: Duration) -> anyhow::Result<f64> {
        match self {
            Self::Other(append) => Ok(pace(append, writers, span).await?.rate),
            Self::Ours(stores) => {
                let share = writers / stores.len();
                let paces = try_join_all(stores.iter().map(|store| append::new_streams(store, share, span))).await?;
                Ok(paces.iter().map(|pace| pace.rate).sum())
            }
        }
    }

    async fn shutdown(&self) {
        if let Self::Ours(stores) = self {
            join_all(stores.iter().map(EventStore::shutdown)).await;
        }
    }
}
