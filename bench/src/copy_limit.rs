//! The limit of everything that ends in the log: COPY of the log's own newest rows, a thousand to a commit, into a table with the log's columns
//! and indexes.

use bytes::Bytes;
use futures::{SinkExt, TryStreamExt};
use std::pin::pin;
use std::time::{Duration, Instant};
use tokio_postgres::Client;

pub const COLUMNS: &str =
    "position, version, occurred_at, recorded_at, organization, stream_id, event_id, category, event_type, header, facts, sealed, salt";
const BLOCK: i64 = 1_000;
const BLOCKS_MAX: i64 = 60;

/// Rows per second. `client` is a superuser's, in a database whose log has at least a thousand events.
pub async fn rows_per_second(client: &Client, span: Duration) -> anyhow::Result<f64> {
    let blocks = newest_blocks(client).await?;
    anyhow::ensure!(!blocks.is_empty(), "the log is too short to be copied in thousands");
    let (mut spent, mut copied) = (Duration::ZERO, 0);
    while spent < span {
        client.batch_execute("DROP TABLE IF EXISTS public.copied; CREATE TABLE public.copied (LIKE log.event INCLUDING ALL)").await?;
        let start = Instant::now();
        for block in &blocks {
            let mut sink = pin!(client.copy_in(&format!("COPY public.copied ({COLUMNS}) FROM STDIN (FORMAT binary)")).await?);
            sink.send(block.clone()).await?;
            copied += sink.finish().await?;
            if start.elapsed() + spent >= span {
                break;
            }
        }
        spent += start.elapsed();
    }
    client.batch_execute("DROP TABLE public.copied").await?;
    Ok(copied as f64 / spent.as_secs_f64())
}

async fn newest_blocks(client: &Client) -> anyhow::Result<Vec<Bytes>> {
    let head = head(client).await?;
    let mut blocks = Vec::new();
    for block in (0..(head / BLOCK).min(BLOCKS_MAX)).rev() {
        let to = head - block * BLOCK;
        let from = to - BLOCK;
        let copy = format!(
            "COPY (SELECT {COLUMNS} FROM log.event WHERE position > {from} AND position <= {to} ORDER BY position) TO STDOUT (FORMAT binary)"
        );
        let chunks: Vec<Bytes> = client.copy_out(&copy).await?.try_collect().await?;
        blocks.push(chunks.concat().into());
    }
    Ok(blocks)
}

/// The log's last position, which is how many events it has.
pub async fn head(client: &Client) -> anyhow::Result<i64> {
    Ok(client.query_one("SELECT coalesce(max(position), 0) FROM log.event", &[]).await?.get(0))
}
