//! A page of fifty messages with everything personal on it, beside reading the same rows without opening, GraphQL and HTTP.

use crate::Options;
use crate::http::Connection;
use crate::latencies::Latencies;
use crate::program::Program;
use crate::report::{Report, Rounds, tell};
use anyhow::ensure;
use deadpool_postgres::{Manager, Pool};
use domain::OrganizationId;
use projections::{EmailFilter, emails};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio_postgres::NoTls;
use uuid::Uuid;

const CLIENTS: usize = 32;
const DATABASE_CONNECTIONS: usize = 24;
const ROWS: usize = 50;
const QUERY: &str = "{ emails(first: 50) { nodes { id status createdAt from subject recipients { address name state } } pageInfo { hasNextPage endCursor } } }";

pub async fn measure(options: &Options, program: &Program, report: &mut Report) -> anyhow::Result<()> {
    let pool = Pool::builder(Manager::new(program.database_url()?.parse()?, NoTls)).max_size(DATABASE_CONNECTIONS).build()?;
    let organization = organization(&pool).await?;
    let mut rounds = Rounds::default();
    for round in 0..options.rounds {
        tell("pages", round);
        let (queries, latencies) = query(program, options.span()).await?;
        rounds.latencies.extend(latencies);
        rounds.add(queries, read_rows(&pool, organization, options.span() / 3).await?);
    }
    let name = "page of 50 messages, 32 clients";
    report.rounds(name, "queries/s", &rounds);
    report.latencies(name, &rounds.latencies);
    Ok(())
}

async fn query(program: &Program, span: Duration) -> anyhow::Result<(f64, Latencies)> {
    let (start, body) = (Instant::now(), Arc::<str>::from(json!({ "query": QUERY }).to_string()));
    let client = |_| tokio::spawn(ask(program.address, program.account.api_key.clone(), body.clone(), start + span));
    let mut latencies = Latencies::default();
    for client in (0..CLIENTS).map(client).collect::<Vec<_>>() {
        latencies.extend(client.await??);
    }
    Ok((latencies.len() as f64 / start.elapsed().as_secs_f64(), latencies))
}

async fn ask(address: SocketAddr, api_key: String, body: Arc<str>, until: Instant) -> anyhow::Result<Latencies> {
    let mut latencies = Latencies::default();
    let mut connection = Connection::open(address).await?;
    while Instant::now() < until {
        let begin = Instant::now();
        let answer = connection.post("/graphql", Some(&api_key), &body).await?;
        latencies.add(begin.elapsed());
        let addresses = memchr::memmem::find_iter(&answer.body, b"@example.net").count();
        ensure!(
            answer.status == 200 && addresses == ROWS,
            "a page has {addresses} readable addresses: {}",
            String::from_utf8_lossy(&answer.body)
        );
    }
    Ok(latencies)
}

async fn read_rows(pool: &Pool, organization: OrganizationId, span: Duration) -> anyhow::Result<f64> {
    let start = Instant::now();
    let readers: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move {
                let mut pages = 0_u32;
                while start.elapsed() < span {
                    let client = pool.get().await?;
                    emails::page(&client, organization, &EmailFilter::default(), ROWS, None).await?;
                    pages += 1;
                }
                anyhow::Ok(pages)
            })
        })
        .collect();
    let mut pages = 0;
    for reader in readers {
        pages += reader.await??;
    }
    Ok(f64::from(pages) / start.elapsed().as_secs_f64())
}

async fn organization(pool: &Pool) -> anyhow::Result<OrganizationId> {
    let client = pool.get().await?;
    let row = client.query_one("SELECT organization FROM read.emails WHERE organization <> $1 LIMIT 1", &[&Uuid::nil()]).await?;
    Ok(OrganizationId(row.get(0)))
}
