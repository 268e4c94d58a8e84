//! Whether two read models hold the same: SHA-256 over the declared columns, ordered by primary key.

use crate::{Projection, ProjectionError};
use deadpool_postgres::ClientWrapper;
use futures::TryStreamExt;
use sha2::{Digest, Sha256};
use std::pin::pin;

/// The hash of what the projection's tables hold now.
pub async fn content_hash(projection: &Projection, client: &ClientWrapper) -> Result<[u8; 32], ProjectionError> {
    let mut hash = Sha256::new();
    for table in projection.tables {
        hash.update(table.name);
        let rows = format!("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT (FORMAT binary)", table.columns, table.name, table.primary_key);
        let mut rows = pin!(client.copy_out(&rows).await?);
        while let Some(bytes) = rows.try_next().await? {
            hash.update(&bytes);
        }
    }
    Ok(hash.finalize().into())
}
