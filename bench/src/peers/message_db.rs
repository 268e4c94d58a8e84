//! Message DB: SQL functions, called over a pool of connections. It takes a lock per category, so two ways of using it are measured.

use super::{Peer, Way};
use crate::writers::Append;
use anyhow::Context;
use deadpool_postgres::{Config, Pool, PoolConfig, Runtime};
use serde_json::json;
use std::sync::Arc;
use test_support::TestDatabase;
use tokio_postgres::NoTls;
use uuid::Uuid;

const WRITE: &str = "SELECT message_store.write_message($1, $2, 'EmailQueued', $3::text::jsonb, $4::text::jsonb, -1)";

/// `schema` is what its installer runs.
pub async fn peers(schema: &str, connections: usize) -> anyhow::Result<[Peer; 2]> {
    let database = TestDatabase::create().await;
    database.client().await.batch_execute(schema).await.context("Message DB cannot be installed")?;
    let config = Config { url: Some(searching(&database.url)), pool: Some(PoolConfig::new(connections)), ..Config::default() };
    let pool = config.create_pool(Some(Runtime::Tokio1), NoTls)?;
    let peer = |name, categories| Peer { name, way: Way::Here(append(&pool, categories)) };
    Ok([peer("message-db, one category", 1), peer("message-db, 16 categories", 16)])
}

/// Its functions find each other by the search path.
fn searching(url: &str) -> String {
    format!("{url}{}options=-csearch_path%3Dmessage_store,public", if url.contains('?') { '&' } else { '?' })
}

fn append(pool: &Pool, categories: u128) -> Append {
    let pool = pool.clone();
    Arc::new(move |id: Uuid| {
        let pool = pool.clone();
        Box::pin(async move {
            let client = pool.get().await?;
            let write = client.prepare_cached(WRITE).await?;
            let stream = format!("email{}-{id}", id.as_u128() % categories);
            let data = json!({ "body": "x".repeat(389) }).to_string();
            let metadata = json!({ "correlation": "x".repeat(130) }).to_string();
            client.execute(&write, &[&id.to_string(), &stream, &data, &metadata]).await?;
            Ok(())
        })
    })
}
