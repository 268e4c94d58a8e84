//! Appending while somebody else holds a snapshot open, as a dump does for hours, beside the same on a quiet database. Rows that are changed in place
//! keep all their versions for that time, and each change walks through them.

use crate::Options;
use crate::alternatives::{Order, group_commit};
use crate::append::{Streams, append, open_store};
use crate::report::{Report, Rounds, tell};
use crate::writers::pace;
use test_support::TestDatabase;
use tokio_postgres::Client;

const WRITERS: usize = 64;
const HOLD: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_current_snapshot();";

pub async fn measure(options: &Options, report: &mut Report) -> anyhow::Result<()> {
    let (quiet, beside) = (TestDatabase::create().await, TestDatabase::create().await);
    let (quiet_store, store) = (open_store(&quiet).await?, open_store(&beside).await?);
    let ((_, quiet_head_row), (beside_head_row, head_row)) =
        (group_commit(Order::HeadRow, 1).await?, group_commit(Order::HeadRow, 1).await?);
    let _held = [hold(&beside).await?, hold(&beside_head_row).await?];
    let mut new = Rounds::default();
    let mut of_ten = Rounds::default();
    let mut other = Rounds::default();
    for round in 0..options.rounds {
        tell("beside an idle snapshot", round);
        for (streams, rounds) in [(Streams::New, &mut new), (Streams::OfTen, &mut of_ten)] {
            let quiet = append(&quiet_store, WRITERS, streams, options.span()).await?;
            rounds.add(append(&store, WRITERS, streams, options.span()).await?.rate, quiet.rate);
        }
        let quiet = pace(&quiet_head_row, WRITERS, options.span()).await?;
        other.add(pace(&head_row, WRITERS, options.span()).await?.rate, quiet.rate);
    }
    report.rounds("beside an idle snapshot, 64 writers", "events/s", &new);
    report.rounds("beside an idle snapshot, 64 writers, streams of ten events", "events/s", &of_ten);
    report.rounds("beside an idle snapshot, 64 writers, the alternative with a head row", "events/s", &other);
    quiet_store.shutdown().await;
    store.shutdown().await;
    Ok(())
}

async fn hold(database: &TestDatabase) -> anyhow::Result<Client> {
    let client = database.client().await;
    client.batch_execute(HOLD).await?;
    Ok(client)
}
