//! Every writer commits on a connection of its own, one event a transaction. The ways differ in the SQL.

use super::row::{Row, tables};
use super::{advisory_lock, counter_row, sequence};
use crate::writers::Append;
use deadpool_postgres::{Config, Pool, PoolConfig, Runtime};
use std::sync::Arc;
use test_support::TestDatabase;
use tokio_postgres::NoTls;

/// More connections than these a server of the usual settings does not take; more writers share them.
pub const CONNECTIONS_MAX: usize = 256;

/// By a sequence, one advisory lock, and a counter row. They share the connections, of which only one way at a time has need.
pub async fn start() -> anyhow::Result<[Append; 3]> {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    for (schema, besides) in [
        (sequence::SCHEMA, sequence::BESIDES),
        (advisory_lock::SCHEMA, advisory_lock::BESIDES),
        (counter_row::SCHEMA, counter_row::BESIDES),
    ] {
        client.batch_execute(&format!("{} {besides}", tables(schema))).await?;
    }
    let config = Config { url: Some(database.url), pool: Some(PoolConfig::new(CONNECTIONS_MAX)), ..Config::default() };
    let pool = config.create_pool(Some(Runtime::Tokio1), NoTls)?;
    Ok([sequence::APPEND, advisory_lock::APPEND, counter_row::APPEND].map(|append| by_statement(&pool, append)))
}

/// `append` has the parameters id, organisation, header, facts, sealed and salt.
fn by_statement(pool: &Pool, append: &'static str) -> Append {
    let pool = pool.clone();
    Arc::new(move |id| {
        let pool = pool.clone();
        Box::pin(async move {
            let Row { id, organization, header, facts, sealed, salt } = Row::new(id);
            let client = pool.get().await?;
            let append = client.prepare_cached(append).await?;
            client.execute(&append, &[&id, &organization, &header, &facts, &sealed, &salt.as_slice()]).await?;
            Ok(())
        })
    })
}
