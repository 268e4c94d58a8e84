//! One task per process writes all that waits in one statement. The ways differ in the SQL and in what can go wrong.

use super::row::{Row, tables};
use super::{compare_and_set, head_row};
use crate::writers::Append;
use std::sync::Arc;
use test_support::TestDatabase;
use tokio::sync::{mpsc, oneshot};
use tokio_postgres::{Client, Statement};
use uuid::Uuid;

/// The same settings as the product's appender has.
const SETTINGS: &str = "SET plan_cache_mode = force_generic_plan; SET jit = off; SET enable_seqscan = off";
const BATCH_MAX: usize = 1_000;

#[derive(Clone, Copy, PartialEq)]
pub enum Order {
    HeadRow,
    CompareAndSet,
}

type Waiting = (Row, oneshot::Sender<()>);

/// `processes` appenders, among which the writers are spread.
pub async fn start(order: Order, processes: u128) -> anyhow::Result<(TestDatabase, Append)> {
    let database = TestDatabase::create().await;
    let (schema, besides, append) = match order {
        Order::HeadRow => (head_row::SCHEMA, head_row::BESIDES, head_row::APPEND),
        Order::CompareAndSet => (compare_and_set::SCHEMA, compare_and_set::BESIDES, compare_and_set::APPEND),
    };
    database.client().await.batch_execute(&format!("{} {besides}", tables(schema))).await?;
    let mut queues = Vec::new();
    for _ in 0..processes {
        let client = database.client().await;
        client.batch_execute(SETTINGS).await?;
        let append = client.prepare(append).await?;
        let (queue, waiting) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            if let Err(error) = write(&client, &append, order, waiting).await {
                eprintln!("an appender ends: {error}");
            }
        });
        queues.push(queue);
    }
    let append: Append = Arc::new(move |id: Uuid| {
        let (answer, done) = oneshot::channel();
        let queue = queues[(id.as_u128() % processes) as usize].clone();
        Box::pin(async move {
            queue.send((Row::new(id), answer))?;
            Ok(done.await?)
        })
    });
    Ok((database, append))
}

/// Ends at the first failure, which its writers see.
async fn write(client: &Client, append: &Statement, order: Order, mut waiting: mpsc::UnboundedReceiver<Waiting>) -> anyhow::Result<()> {
    let (mut batch, mut base) = (Vec::new(), 0);
    loop {
        // Writers that were just answered ask again before the batch is closed.
        tokio::task::yield_now().await;
        if waiting.recv_many(&mut batch, BATCH_MAX).await == 0 {
            return Ok(());
        }
        while !write_batch(client, append, order, &batch, base).await? {
            // Somebody was faster.
            base = client.query_one(compare_and_set::HEAD, &[]).await?.get(0);
        }
        base += batch.len() as i64;
        for (_, answer) in batch.drain(..) {
            let _ = answer.send(());
        }
    }
}

async fn write_batch(
    client: &Client,
    append: &Statement,
    order: Order,
    batch: &[Waiting],
    base: i64,
) -> Result<bool, tokio_postgres::Error> {
    let column = |of: fn(&Row) -> Uuid| -> Vec<Uuid> { batch.iter().map(|(row, _)| of(row)).collect() };
    let bytes = |of: fn(&Row) -> &[u8]| -> Vec<&[u8]> { batch.iter().map(|(row, _)| of(row)).collect() };
    let (ids, organizations) = (column(|row| row.id), column(|row| row.organization));
    let (headers, facts) = (bytes(|row| &row.header), bytes(|row| &row.facts));
    let (sealed, salts) = (bytes(|row| &row.sealed), bytes(|row| &row.salt));
    match order {
        Order::HeadRow => {
            client.execute(append, &[&ids, &organizations, &headers, &facts, &sealed, &salts]).await?;
            Ok(true)
        }
        Order::CompareAndSet => {
            let hits = client.query_one(append, &[&ids, &organizations, &headers, &facts, &sealed, &salts, &base]).await?;
            Ok(hits.get::<_, i64>(0) == 1)
        }
    }
}
