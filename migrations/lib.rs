//! The SQL that makes and changes the database, in order, embedded in the program. It knows no table's meaning.

use refinery::Runner;
use tokio_postgres::Client;

mod embedded {
    refinery::embed_migrations!("sql");
}

#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    #[error("the database could not be prepared for migrations")]
    Database(#[from] tokio_postgres::Error),
    #[error("a migration failed")]
    Migration(#[from] refinery::Error),
}

/// One number for all processes that migrate the same database.
const MIGRATION_LOCK: i64 = 0x6c65_7468_656d_6169;

/// Brings the database to this program's version. Several processes may call it at once; the connection's role must be able to create roles and schemas.
pub async fn migrate(client: &mut Client) -> Result<(), MigrationError> {
    client.execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK]).await?;
    let outcome = migrate_locked(client).await;
    client.execute("SELECT pg_advisory_unlock($1)", &[&MIGRATION_LOCK]).await?;
    outcome
}

async fn migrate_locked(client: &mut Client) -> Result<(), MigrationError> {
    client.batch_execute("CREATE SCHEMA IF NOT EXISTS ops").await?;
    runner().run_async(client).await?;
    Ok(())
}

/// How many migrations this program knows, and how many the database has: readiness compares them.
pub async fn pending(client: &Client) -> Result<usize, tokio_postgres::Error> {
    let applied: i64 = client.query_one("SELECT count(*) FROM ops.migration", &[]).await?.get(0);
    Ok(known().saturating_sub(usize::try_from(applied).unwrap_or(0)))
}

/// How many migrations this program knows.
pub fn known() -> usize {
    runner().get_migrations().len()
}

fn runner() -> Runner {
    let mut runner = embedded::migrations::runner();
    runner.set_migration_table_name("ops.migration");
    runner
}
