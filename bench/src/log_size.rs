//! Appending to a log that has grown long, in turns with a short one that is new in each round.

use crate::append::{self, event, open_store};
use crate::made_up_events::next_id;
use crate::report::{Report, Rounds, tell};
use crate::{Options, copy_limit};
use anyhow::ensure;
use domain::{Category, OrganizationId, SeededIds, StreamName};
use event_store::{EventStore, ExpectedVersion, StreamAppend};
use futures::future::join_all;
use test_support::TestDatabase;
use tokio_postgres::Client;
use uuid::Uuid;

/// The name of its plot.
pub const PLOT: &str = "log size";
const SHORT: u64 = 100_000;
/// Where it is measured on the way to the longest.
const STEPS: [u64; 4] = [1_000_000, 5_000_000, 10_000_000, 20_000_000];
const WRITERS: [usize; 2] = [64, 512];
/// Of one batch, each as long as a message's history usually is.
const STREAMS: usize = 250;
const STREAM_EVENTS: usize = 4;
/// What an event takes on the disk with its share of the indexes and of a round's short logs, rounded up.
const EVENT_BYTES: u64 = 2_000;

pub async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let long = TestDatabase::create().await;
    let client = long.client().await;
    let steps: Vec<u64> = STEPS.into_iter().filter(|step| *step <= options.events).collect();
    check_disk(steps.last().copied().unwrap_or_default())?;
    let store = open_store(&long).await?;
    for step in steps {
        eprintln!("filling the log up to {step} events");
        fill(&store, &client, step).await?;
        let mut cases = WRITERS.map(|writers| (writers, Rounds::default()));
        for round in 0..options.rounds {
            tell(&format!("{step} events"), round);
            let (short, name) = short().await?;
            for (writers, rounds) in &mut cases {
                let limit = append::new_streams(&short, *writers, options.span()).await?.rate;
                rounds.add(append::new_streams(&store, *writers, options.span()).await?.rate, limit);
            }
            short.shutdown().await;
            client.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).await?;
        }
        for (writers, rounds) in &cases {
            report.rounds(&format!("{step} events in the log, {writers} writers, beside 100,000 events"), "events/s", rounds);
            report.plot(PLOT, &format!("{writers} writers"), step as usize);
            report.plot_limit(PLOT, &format!("{writers} writers, new log of 100 k in turns"), step as usize);
        }
    }
    store.shutdown().await;
    Ok(())
}

/// With the name of its database, which goes at the round's end: the disk has enough to hold.
async fn short() -> anyhow::Result<(EventStore, String)> {
    let database = TestDatabase::create().await;
    let (store, client) = (open_store(&database).await?, database.client().await);
    fill(&store, &client, SHORT).await?;
    Ok((store, client.query_one("SELECT current_database()::text", &[]).await?.get(0)))
}

/// By the store's own batches, two at a time: one is made while the other is written.
async fn fill(store: &EventStore, client: &Client, events: u64) -> anyhow::Result<()> {
    let ids = SeededIds::new(Uuid::new_v4().as_u64_pair().0);
    let organization = OrganizationId(next_id(&ids));
    let mut there = copy_limit::head(client).await? as u64;
    while there < events {
        for outcome in
            join_all([store.append_batch(batch(organization, &ids)), store.append_batch(batch(organization, &ids))]).await.concat()
        {
            outcome?;
        }
        there += 2 * (STREAMS * STREAM_EVENTS) as u64;
    }
    // What filling has left to be written to the disk is nobody's figure.
    client.batch_execute("CHECKPOINT").await?;
    Ok(())
}

fn batch(organization: OrganizationId, ids: &SeededIds) -> Vec<StreamAppend> {
    let append = |_| StreamAppend {
        stream: StreamName::new(Category::Email, organization, next_id(ids)),
        expected: ExpectedVersion::NoStream,
        events: (0..STREAM_EVENTS).map(|_| event(next_id(ids))).collect(),
    };
    (0..STREAMS).map(append).collect()
}

/// A full disk would take the server down, and others with it.
fn check_disk(events: u64) -> anyhow::Result<()> {
    let disk = nix::sys::statvfs::statvfs(&std::env::temp_dir())?;
    let free = disk.blocks_available() * disk.fragment_size();
    ensure!(free > events * EVENT_BYTES, "{events} events need {} GB of free disk", events * EVENT_BYTES / 1_000_000_000);
    Ok(())
}
