//! The limit of one writer alone: INSERT and COMMIT of such rows by one connection, into a table with the log's columns and indexes.

use crate::copy_limit::COLUMNS;
use std::time::{Duration, Instant};
use tokio_postgres::Client;
use uuid::Uuid;

/// Rows per second. `client` is a superuser's, in a database whose log has an event.
pub async fn rows_per_second(client: &Client, span: Duration) -> anyhow::Result<f64> {
    client.batch_execute("DROP TABLE IF EXISTS public.inserted; CREATE TABLE public.inserted (LIKE log.event INCLUDING ALL)").await?;
    let event = client.query_one("SELECT header, facts, sealed, salt FROM log.event ORDER BY position DESC LIMIT 1", &[]).await?;
    let (header, facts, sealed, salt): (&[u8], &[u8], &[u8], &[u8]) = (event.get(0), event.get(1), event.get(2), event.get(3));
    let insert =
        format!("INSERT INTO public.inserted ({COLUMNS}) VALUES ($1, 0, now(), now(), $2, $2, $2, 1, 'EmailQueued', $3, $4, $5, $6)");
    let insert = client.prepare(&insert).await?;
    let (start, mut position) = (Instant::now(), 0_i64);
    while start.elapsed() < span {
        position += 1;
        client.execute(&insert, &[&position, &Uuid::now_v7(), &header, &facts, &sealed, &salt]).await?;
    }
    let rate = position as f64 / start.elapsed().as_secs_f64();
    client.batch_execute("DROP TABLE public.inserted").await?;
    Ok(rate)
}
