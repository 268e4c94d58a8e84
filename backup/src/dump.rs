//! From a query to a file, and read back before it counts as written.

use crate::directory::{COPY, Directory};
use crate::manifest::{Content, TableFile};
use crate::stored::check_table;
use crate::{BackupError, Manifest};
use futures::TryStreamExt;
use std::pin::pin;
use tokio_postgres::Client;

/// A table that is written whole.
pub(crate) struct Table {
    pub name: &'static str,
    pub order: &'static str,
}

pub(crate) async fn copy_out(client: &Client, query: &str, directory: &Directory, name: String) -> Result<Content, BackupError> {
    let mut writing = directory.create(name)?;
    let mut rows = pin!(client.copy_out(&format!("COPY ({query}) TO STDOUT (FORMAT binary)")).await?);
    while let Some(bytes) = rows.try_next().await? {
        writing.write(&bytes)?;
    }
    writing.finish()
}

/// All rows of all tables, as the transaction sees them.
pub(crate) async fn copy_tables(client: &Client, tables: &[Table], directory: &Directory, run: u64) -> Result<Vec<TableFile>, BackupError> {
    let mut files = Vec::with_capacity(tables.len());
    for Table { name, order } in tables {
        let columns = columns(client, name).await?;
        let query = format!("SELECT {columns} FROM {name} ORDER BY {order}");
        let content = copy_out(client, &query, directory, format!("{name}-{run:06}{COPY}")).await?;
        let mut file = TableFile { table: (*name).to_owned(), columns, rows: 0, content };
        file.rows = check_table(directory.path(), &file, None)?;
        files.push(file);
    }
    Ok(files)
}

/// What a later version adds has a default, so an older backup still fits.
async fn columns(client: &Client, table: &str) -> Result<String, BackupError> {
    let select = "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
        WHERE attrelid = to_regclass($1::text) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''";
    Ok(client.query_one(select, &[&table]).await?.get(0))
}

/// Everything read in one moment. Reading only, so that leaving it open by an error does no harm: the connection ends with the command.
pub(crate) async fn begin(client: &Client) -> Result<(), BackupError> {
    Ok(client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?)
}

pub(crate) async fn commit(client: &Client, directory: &Directory, manifest: &Manifest) -> Result<(), BackupError> {
    client.batch_execute("COMMIT").await?;
    directory.finish(manifest)
}
