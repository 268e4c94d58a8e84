//! Other event stores on the same PostgreSQL server, beside the log and in turns with it: single events to new streams, by more and more writers.

mod message_db;
mod outside;

use crate::report::{Report, Rounds, tell};
use crate::writers::{Append, pace};
use crate::{Options, append, copy_limit};
use anyhow::Context;
use std::time::Duration;
use test_support::TestDatabase;

const WRITERS: [usize; 5] = [1, 8, 64, 256, 512];

/// The name of its plot.
pub const PLOT: &str = "writers";

struct Peer {
    name: &'static str,
    way: Way,
}

enum Way {
    Here(Append),
    Outside(outside::Program),
}

/// All that was measured with one number of writers.
struct Case {
    writers: usize,
    ours: Rounds,
    beside_best: Rounds,
    /// In the order of the peers.
    peers: Vec<Rounds>,
}

pub async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let peers = peers(options).await?;
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let store = append::open_store(&database).await?;
    append::new_streams(&store, 64, Duration::from_secs(1)).await?;
    let mut cases = WRITERS.map(|writers| Case {
        writers,
        ours: Rounds::default(),
        beside_best: Rounds::default(),
        peers: peers.iter().map(|_| Rounds::default()).collect(),
    });
    for round in 0..options.rounds {
        tell("peers", round);
        for case in &mut cases {
            let ours = append::new_streams(&store, case.writers, options.span()).await?.rate;
            case.ours.add(ours, copy_limit::rows_per_second(&client, options.span() / 3).await?);
            let mut best = 0_f64;
            for (peer, rounds) in peers.iter().zip(&mut case.peers) {
                let rate = peer.rate(case.writers, options).await?;
                best = best.max(rate);
                rounds.add(rate, ours);
            }
            if !peers.is_empty() {
                case.beside_best.add(ours, best);
            }
        }
    }
    store.shutdown().await;
    for case in &cases {
        case.tell(&peers, report);
    }
    Ok(())
}

/// Those that can be had here.
async fn peers(options: &Options) -> anyhow::Result<Vec<Peer>> {
    let mut peers: Vec<Peer> = outside::postgres_es(options).await.into_iter().collect();
    if let Some(schema) = outside::node_script("message_db_sql.mjs").await {
        peers.extend(message_db::peers(&schema, options.peer_connections).await?);
        peers.push(outside::emmett().await);
    }
    Ok(peers)
}

impl Peer {
    /// Events per second.
    async fn rate(&self, writers: usize, options: &Options) -> anyhow::Result<f64> {
        let rate = match &self.way {
            Way::Here(append) => pace(append, writers, options.span()).await.map(|pace| pace.rate),
            Way::Outside(program) => program.rate(writers, options.span(), options.peer_connections).await,
        };
        rate.with_context(|| format!("{} fails", self.name))
    }
}

impl Case {
    fn tell(&self, peers: &[Peer], report: &mut Report) {
        let name = |who: &str, beside: &str| {
            format!("{} writer{}, {who}, beside {beside}", self.writers, if self.writers == 1 { "" } else { "s" })
        };
        report.rounds(&name("Lethemail", "COPY"), "events/s", &self.ours);
        report.plot(PLOT, "Lethemail", self.writers);
        report.plot_limit(PLOT, "COPY, a thousand a commit", self.writers);
        for (peer, rounds) in peers.iter().zip(&self.peers) {
            report.rounds(&name(peer.name, "Lethemail"), "events/s", rounds);
            report.plot(PLOT, peer.name, self.writers);
        }
        if !peers.is_empty() {
            report.rounds(&name("Lethemail", "the best peer"), "events/s", &self.beside_best);
        }
    }
}
