//! From a checked backup into an empty database. While it is under way the database says so, and nobody works on it; one that was interrupted is
//! begun again in another empty database.

use crate::BackupError;
use crate::keyring::KEYRING;
use crate::manifest::TableFile;
use crate::rows::{HEADER, Rows, TRAILER};
use crate::stored::{EVENT_COLUMNS, Stored, told};
use bytes::{BufMut, Bytes, BytesMut};
use domain::Timestamp;
use futures::SinkExt;
use std::io::Read;
use std::path::Path;
use tokio_postgres::Client;

/// Whether a restore was begun here and never finished.
pub const UNFINISHED: &str = "SELECT EXISTS (SELECT FROM ops.restore WHERE finished_at_us IS NULL)";

/// What a server that has done anything at all has written.
const WORKED_ON: [&str; 6] = ["ops.restore", "ops.log_name", "log.event", "log.stream", "spool.entry", "ops.reservation"];
/// Connections of the program are set to find few rows by index, and soon. The role stays.
pub(crate) const WHOLE_TABLES: &str = "RESET ALL; SET statement_timeout = 0";
const CHUNK_BYTES: usize = 1 << 20;

/// One row a stream, as the appender would have left it.
const STREAMS: &str = "INSERT INTO log.stream (stream_id, organization, category, version, first_position, last_position)
    SELECT stream_id, organization, category, max(version), min(position), max(position) FROM log.event GROUP BY 1, 2, 3";

/// Texts of messages that the log, cut or complete, does not know.
const STRAY_TEXTS: &str = "DELETE FROM spool.entry entry WHERE NOT EXISTS (
    SELECT FROM log.stream s WHERE s.stream_id = entry.email AND s.organization = entry.organization)";

const VERSION_GAP: &str = "SELECT position, version, expected FROM (
        SELECT position, version, row_number() OVER (PARTITION BY stream_id, organization, category ORDER BY position) - 1 AS expected FROM log.event
    ) numbered WHERE version <> expected ORDER BY position LIMIT 1";

const EPOCHS: &str = "keyring.epoch";
const LOOKUP_TABLES: &str = "SELECT keyring.make_lookup(epoch) FROM keyring.epoch WHERE lookup AND state IN (0, 1, 2)";

/// A restore that is under way.
pub struct Restore<'a> {
    /// Acts as a role that writes `log`, `spool` and `ops`.
    client: &'a Client,
}

impl<'a> Restore<'a> {
    /// Refuses a database that anybody has worked on; from here on nobody else works on this one. `vault` is a client that acts as the keyring's role.
    pub async fn begin(client: &'a Client, vault: &Client, now: Timestamp, ends_at: u64) -> Result<Self, BackupError> {
        for client in [client, vault] {
            client.batch_execute(WHOLE_TABLES).await?;
        }
        for table in WORKED_ON {
            refuse_rows(client, table).await?;
        }
        for table in KEYRING {
            refuse_rows(vault, table.name).await?;
        }
        let begin = "INSERT INTO ops.restore (started_at_us, log_ends_at) VALUES ($1, $2)";
        client.execute(begin, &[&now.micros(), &ends_at.cast_signed()]).await?;
        Ok(Self { client })
    }

    /// The events up to `end`, which [`Stored::check`] found, and what waited for delivery.
    pub async fn log(&self, from: &Stored, end: u64, progress: impl FnMut(u64)) -> Result<(), BackupError> {
        self.events(from, end, progress).await?;
        for table in &from.manifest.tables {
            copy_table(self.client, from, table).await?;
        }
        self.client.batch_execute(STRAY_TEXTS).await?;
        Ok(())
    }

    /// The events up to `end`, and nothing else.
    pub async fn events(&self, from: &Stored, end: u64, mut progress: impl FnMut(u64)) -> Result<(), BackupError> {
        let copy = format!("COPY log.event ({EVENT_COLUMNS}) FROM STDIN (FORMAT binary)");
        for file in from.manifest.events.iter().filter(|file| file.first <= end) {
            for position in [file.first, file.last] {
                self.client.execute("SELECT log.ensure_partition($1)", &[&position.cast_signed()]).await?;
            }
            let (rows, path) = from.rows(&file.content)?;
            copy_in(self.client, &copy, rows, &path, end.min(file.last) - file.first + 1).await?;
            progress(end.min(file.last));
        }
        self.client.batch_execute(STREAMS).await?;
        Ok(())
    }

    /// Epochs come first: each that lives has a look-up table of its own, which must be there before its rows.
    pub async fn keyring(&self, vault: &Client, from: &Stored) -> Result<(), BackupError> {
        for table in &from.manifest.tables {
            copy_table(vault, from, table).await?;
            if table.table == EPOCHS {
                vault.execute(LOOKUP_TABLES, &[]).await?;
            }
        }
        Ok(())
    }

    /// Looks whether each stream's versions follow on each other. Positions were looked at when the backup was checked.
    pub async fn check_versions(&self) -> Result<(), BackupError> {
        let Some(row) = self.client.query_opt(VERSION_GAP, &[]).await? else { return Ok(()) };
        let number = |column| row.get::<_, i64>(column).cast_unsigned();
        Err(BackupError::VersionGap { position: number(0), version: number(1), expected: number(2) })
    }

    /// The database is anybody's again.
    pub async fn finish(self, now: Timestamp) -> Result<(), BackupError> {
        self.client.execute("UPDATE ops.restore SET finished_at_us = $1", &[&now.micros()]).await?;
        Ok(())
    }
}

async fn refuse_rows(client: &Client, table: &str) -> Result<(), BackupError> {
    let found: bool = client.query_one(&format!("SELECT EXISTS (SELECT FROM {table})"), &[]).await?.get(0);
    if found { Err(BackupError::NotEmpty(table.to_owned())) } else { Ok(()) }
}

async fn copy_table(client: &Client, from: &Stored, table: &TableFile) -> Result<(), BackupError> {
    let (rows, path) = from.rows(&table.content)?;
    let copy = format!("COPY {} ({}) FROM STDIN (FORMAT binary)", table.table, table.columns);
    copy_in(client, &copy, rows, &path, table.rows).await
}

/// The first `count` rows.
async fn copy_in<R: Read>(client: &Client, copy: &str, mut rows: Rows<R>, path: &Path, count: u64) -> Result<(), BackupError> {
    let mut sink = std::pin::pin!(client.copy_in::<_, Bytes>(copy).await?);
    let mut chunk = BytesMut::from(&HEADER[..]);
    for row in 1..=count {
        if !rows.next().map_err(|error| told(path, row, error))? {
            return Err(BackupError::damaged(path, format!("row {row}"), "it was there when the file was checked"));
        }
        chunk.put_slice(rows.bytes());
        if chunk.len() > CHUNK_BYTES {
            sink.send(chunk.split().freeze()).await?;
        }
    }
    chunk.put_slice(&TRAILER);
    sink.send(chunk.freeze()).await?;
    sink.finish().await?;
    Ok(())
}
