//! Whether two read models hold the same: SHA-256 over the declared columns of each table, ordered by primary key.

use crate::generation::Generation;
use crate::projection::Table;
use crate::{Projection, ProjectionError};
use deadpool_postgres::ClientWrapper;
use futures::TryStreamExt;
use sha2::{Digest, Sha256};
use std::pin::pin;

/// The hash of what queries see of the projection now.
pub async fn content_hash(projection: &Projection, client: &ClientWrapper) -> Result<[u8; 32], ProjectionError> {
    Ok(of_tables(&table_hashes(projection, Generation::Live, client).await?))
}

/// A hash for each table, in the order in which the projection declares them.
pub(crate) async fn table_hashes(
    projection: &Projection,
    generation: Generation,
    client: &ClientWrapper,
) -> Result<Vec<(&'static str, [u8; 32])>, ProjectionError> {
    let mut hashes = Vec::with_capacity(projection.tables.len());
    for table in projection.tables {
        hashes.push((table.name, table_hash(table, generation, client).await?));
    }
    Ok(hashes)
}

async fn table_hash(table: &Table, generation: Generation, client: &ClientWrapper) -> Result<[u8; 32], ProjectionError> {
    let (schema, name) = (generation.schema(), table.bare_name());
    let rows = format!("COPY (SELECT {} FROM {schema}.{name} ORDER BY {}) TO STDOUT (FORMAT binary)", table.columns, table.primary_key);
    let mut hash = Sha256::new();
    let mut rows = pin!(client.copy_out(&rows).await?);
    while let Some(bytes) = rows.try_next().await? {
        hash.update(&bytes);
    }
    Ok(hash.finalize().into())
}

/// The hash of the whole, from those of its tables.
pub(crate) fn of_tables(tables: &[(&'static str, [u8; 32])]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for (name, table) in tables {
        hash.update(name);
        hash.update(table);
    }
    hash.finalize().into()
}
