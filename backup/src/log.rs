//! The log's backup: its events, which never change, and what waits for delivery, as of its end.

use crate::directory::{COPY, Directory};
use crate::dump::{Table, begin, commit, copy_out, copy_tables};
use crate::manifest::EventFile;
use crate::restore::WHOLE_TABLES;
use crate::stored::{EVENT_COLUMNS, check_events};
use crate::{BackupError, Kind, Manifest};
use domain::Timestamp;
use std::path::Path;
use tokio_postgres::Client;
use uuid::Uuid;

/// Events of one file at most: a damaged one tells the place to this exactness.
const FILE_EVENTS: u64 = 10_000;

/// Texts whose event stands in the log, and requests that must not be carried out twice. Both are small beside the log, and change all the time.
/// A text's key is wrapped under an epoch's, and dies with it, in a backup too.
pub(crate) const WAITING: [Table; 2] =
    [Table { name: "spool.entry", order: "email" }, Table { name: "ops.reservation", order: "organization, key_hash" }];

/// Adds what the log has gained since the last backup to this directory. The client's role reads `log`, `spool` and `ops`; the database has this many
/// migrations. `progress` hears how far of how much.
pub async fn back_up_log(
    client: &Client,
    to: &Path,
    now: Timestamp,
    migrations: i64,
    mut progress: impl FnMut(u64, u64),
) -> Result<Manifest, BackupError> {
    let (directory, mut manifest) = Directory::open(to, Kind::Log)?;
    client.batch_execute(WHOLE_TABLES).await?;
    let head = head(client).await?;
    check_same(client, &directory, &manifest, head).await?;
    // Most of it without a snapshot, which would keep the database from clearing up meanwhile: what is written never changes.
    copy_events(client, &directory, &mut manifest, head, &mut progress).await?;
    begin(client).await?;
    let head = self::head(client).await?;
    copy_events(client, &directory, &mut manifest, head, &mut progress).await?;
    manifest.run += 1;
    manifest.tables = copy_tables(client, &WAITING, &directory, manifest.run).await?;
    manifest.migrations = migrations;
    manifest.made_at = now;
    manifest.head_event = event_at(client, manifest.head).await?;
    commit(client, &directory, &manifest).await?;
    Ok(manifest)
}

async fn copy_events(
    client: &Client,
    directory: &Directory,
    manifest: &mut Manifest,
    head: u64,
    progress: &mut impl FnMut(u64, u64),
) -> Result<(), BackupError> {
    while manifest.head < head {
        let (first, last) = (manifest.head + 1, head.min(manifest.head + FILE_EVENTS));
        let query = format!("SELECT {EVENT_COLUMNS} FROM log.event WHERE position BETWEEN {first} AND {last} ORDER BY position");
        let content = copy_out(client, &query, directory, format!("events-{first:012}-{last:012}{COPY}")).await?;
        let file = EventFile { first, last, content };
        check_events(directory.path(), &file, &mut |_| {})?;
        manifest.events.push(file);
        manifest.head = last;
        progress(last, head);
    }
    Ok(())
}

/// A directory goes on with the log that it began with.
async fn check_same(client: &Client, directory: &Directory, manifest: &Manifest, head: u64) -> Result<(), BackupError> {
    let (path, position) = (directory.path().to_owned(), manifest.head);
    if head < position {
        return Err(BackupError::LogLost { path, head, backed_up: position });
    }
    if event_at(client, position).await? == manifest.head_event { Ok(()) } else { Err(BackupError::OtherLog { path, position }) }
}

async fn head(client: &Client) -> Result<u64, BackupError> {
    let row = client.query_opt("SELECT position FROM log.event ORDER BY position DESC LIMIT 1", &[]).await?;
    Ok(row.map_or(0, |row| row.get::<_, i64>(0).cast_unsigned()))
}

async fn event_at(client: &Client, position: u64) -> Result<Option<Uuid>, BackupError> {
    let row = client.query_opt("SELECT event_id FROM log.event WHERE position = $1", &[&position.cast_signed()]).await?;
    Ok(row.map(|row| row.get(0)))
}
