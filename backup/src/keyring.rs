//! The keyring's backup: every table of it, whole, as of one moment. Keys stay wrapped under their epoch's key, which never is in a backup, and
//! with which the backup dies.

use crate::directory::Directory;
use crate::dump::{Table, begin, commit, copy_tables};
use crate::restore::WHOLE_TABLES;
use crate::{BackupError, Kind, Manifest};
use domain::Timestamp;
use std::path::Path;
use tokio_postgres::Client;

pub(crate) const KEYRING: [Table; 6] = [
    Table { name: "keyring.epoch", order: "epoch" },
    Table { name: "keyring.key", order: "id" },
    Table { name: "keyring.bucket", order: "id" },
    Table { name: "keyring.destroyed", order: "id" },
    Table { name: "keyring.fence", order: "organization, kind, subject, class" },
    Table { name: "keyring.lookup", order: "organization, value, class, epoch" },
];

/// Replaces the backup in this directory: only the newest keyring may ever come back. The client's role reads `keyring`.
pub async fn back_up_keyring(client: &Client, to: &Path, now: Timestamp, migrations: i64) -> Result<Manifest, BackupError> {
    let (directory, mut manifest) = Directory::open(to, Kind::Keyring)?;
    manifest.run += 1;
    client.batch_execute(WHOLE_TABLES).await?;
    begin(client).await?;
    manifest.tables = copy_tables(client, &KEYRING, &directory, manifest.run).await?;
    manifest.migrations = migrations;
    manifest.made_at = now;
    commit(client, &directory, &manifest).await?;
    Ok(manifest)
}
