//! A backup as it lies there: looked through from beginning to end before anybody builds on it.

use crate::directory::read_manifest;
use crate::manifest::{Content, EventFile, FORMAT, TableFile, hex};
use crate::rows::{RowError, Rows};
use crate::{BackupError, Kind, Manifest};
use domain::Timestamp;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use uuid::Uuid;

pub(crate) const EVENT_COLUMNS: &str =
    "position, version, occurred_at, recorded_at, organization, stream_id, event_id, category, event_type, header, facts, sealed, salt";
const EVENT_FIELDS: usize = 13;
// Places among the columns.
const POSITION: usize = 0;
const RECORDED_AT: usize = 3;
const EVENT_ID: usize = 6;
const EVENT_TYPE: usize = 8;
const FACTS: usize = 10;
/// PostgreSQL counts time from 2000-01-01.
const POSTGRES_EPOCH_MICROS: i64 = 946_684_800_000_000;

/// What can be told of an event without knowing what it means.
pub struct EventRow<'a> {
    pub position: u64,
    pub recorded_at: Timestamp,
    pub event_id: Uuid,
    pub event_type: &'a str,
    pub facts: &'a [u8],
}

/// Where a restored log ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    End,
    /// The last event.
    Position(u64),
    /// Before the first event that was recorded later. Processes' clocks differ a little, so the log's order decides, not each event's time.
    Time(Timestamp),
}

pub struct Stored {
    path: PathBuf,
    pub manifest: Manifest,
}

impl Stored {
    /// The newest finished backup in the directory, of a program with at most this many migrations, and of this kind where one is wanted.
    pub fn open(path: &Path, wanted: Option<Kind>, migrations: i64) -> Result<Self, BackupError> {
        let manifest = read_manifest(path)?.ok_or_else(|| BackupError::Nothing(path.to_owned()))?;
        if let Some(kind) = wanted.filter(|kind| *kind != manifest.kind) {
            return Err(BackupError::OtherKind { path: path.to_owned(), found: manifest.kind, wanted: kind });
        }
        if manifest.format != FORMAT || manifest.migrations > migrations {
            return Err(BackupError::OtherVersion { path: path.to_owned(), what: format!("{} migrations", manifest.migrations) });
        }
        Ok(Self { path: path.to_owned(), manifest })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads everything, and finds what is missing, cut short, changed or out of order. Each event up to the end of what is wanted is shown to `observe`.
    /// Says where that end is.
    pub fn check(&self, until: Until, mut observe: impl FnMut(&EventRow<'_>), mut progress: impl FnMut(u64)) -> Result<u64, BackupError> {
        if let Until::Position(position) = until
            && !(1..=self.manifest.head).contains(&position)
        {
            return Err(BackupError::NoSuchPosition(position, self.manifest.head));
        }
        let mut end = self.manifest.head;
        for file in &self.manifest.events {
            let mut last = None;
            check_events(&self.path, file, &mut |event| {
                if matches!(until, Until::Time(time) if event.recorded_at > time) {
                    end = end.min(event.position - 1);
                } else if matches!(until, Until::Position(position) if event.position >= position) {
                    end = end.min(event.position);
                }
                if event.position <= end {
                    observe(event);
                }
                last = Some(event.event_id);
            })?;
            if file.last == self.manifest.head && last != self.manifest.head_event {
                return Err(BackupError::damaged(&self.path.join(&file.content.file), "the last event", "the manifest names another one"));
            }
            progress(file.last);
        }
        for table in &self.manifest.tables {
            check_table(&self.path, table, Some(table.rows))?;
        }
        if end == 0 && self.manifest.head > 0 { Err(BackupError::NothingByThen) } else { Ok(end) }
    }

    /// The rows of a file that was checked.
    pub(crate) fn rows(&self, content: &Content) -> Result<(Rows<BufReader<File>>, PathBuf), BackupError> {
        let path = self.path.join(&content.file);
        let file = File::open(&path).map_err(BackupError::io(&path))?;
        let rows = Rows::open(BufReader::new(file)).map_err(|error| told(&path, 0, error))?;
        Ok((rows, path))
    }
}

/// Every event where it belongs, and the file what it was when it was written.
pub(crate) fn check_events(directory: &Path, file: &EventFile, observe: &mut impl FnMut(&EventRow<'_>)) -> Result<(), BackupError> {
    let path = directory.join(&file.content.file);
    let mut expected = file.first;
    let looked = look_at_rows(&path, |rows| {
        let event = event_row(rows).filter(|event| event.position == expected && expected <= file.last);
        let wrong = "another row stands where this event belongs";
        observe(&event.ok_or_else(|| BackupError::damaged(&path, format!("position {expected}"), wrong))?);
        expected += 1;
        Ok(())
    })?;
    if expected <= file.last {
        return Err(BackupError::damaged(&path, format!("position {expected}"), "events are missing from here on"));
    }
    looked.compare(&path, &file.content)
}

/// How many rows it has: as many as `rows` says, if it says so.
pub(crate) fn check_table(directory: &Path, file: &TableFile, rows: Option<u64>) -> Result<u64, BackupError> {
    let path = directory.join(&file.content.file);
    let fields = file.columns.split(", ").count();
    let looked = look_at_rows(&path, |found| {
        let wrong = "it has not as many fields as there are columns";
        if found.fields() == fields { Ok(()) } else { Err(BackupError::damaged(&path, format!("row {}", found.count), wrong)) }
    })?;
    if let Some(rows) = rows
        && rows != looked.rows
    {
        let place = format!("row {}", rows.min(looked.rows) + 1);
        return Err(BackupError::damaged(&path, place, "there are not as many rows as were written"));
    }
    looked.compare(&path, &file.content)?;
    Ok(looked.rows)
}

/// A file that was read to its end.
struct Looked {
    rows: u64,
    bytes: u64,
    sha256: String,
}

impl Looked {
    /// What is out of order was told before, by its place; a hash knows no place.
    fn compare(&self, path: &Path, content: &Content) -> Result<(), BackupError> {
        if self.bytes == content.bytes && self.sha256 == content.sha256 {
            return Ok(());
        }
        Err(BackupError::damaged(path, "as a whole", "its bytes are not those that were written (SHA-256)"))
    }
}

fn look_at_rows(path: &Path, mut look: impl FnMut(&Rows<Hashing>) -> Result<(), BackupError>) -> Result<Looked, BackupError> {
    let file = File::open(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => BackupError::damaged(path, "as a whole", "the file is missing"),
        _ => BackupError::io(path)(error),
    })?;
    let hashing = Hashing { file: BufReader::new(file), hash: Sha256::new(), bytes: 0 };
    let mut rows = Rows::open(hashing).map_err(|error| told(path, 1, error))?;
    while rows.next().map_err(|error| told(path, rows.count + 1, error))? {
        look(&rows)?;
    }
    let Hashing { hash, bytes, .. } = rows.input;
    Ok(Looked { rows: rows.count, bytes, sha256: hex(&hash.finalize()) })
}

fn event_row<R: Read>(rows: &Rows<R>) -> Option<EventRow<'_>> {
    if rows.fields() != EVENT_FIELDS {
        return None;
    }
    let number = |place| rows.field(place)?.try_into().ok().map(i64::from_be_bytes);
    Some(EventRow {
        position: u64::try_from(number(POSITION)?).ok()?,
        recorded_at: Timestamp::from_micros(number(RECORDED_AT)?.checked_add(POSTGRES_EPOCH_MICROS)?),
        event_id: Uuid::from_slice(rows.field(EVENT_ID)?).ok()?,
        event_type: std::str::from_utf8(rows.field(EVENT_TYPE)?).ok()?,
        facts: rows.field(FACTS)?,
    })
}

pub(crate) fn told(path: &Path, row: u64, error: RowError) -> BackupError {
    match error {
        RowError::Io(error) => BackupError::io(path)(error),
        RowError::CutShort => BackupError::damaged(path, format!("row {row}"), "the file ends here, in the middle"),
        RowError::Malformed => BackupError::damaged(path, format!("row {row}"), "this is not how a row is written"),
    }
}

struct Hashing {
    file: BufReader<File>,
    hash: Sha256,
    bytes: u64,
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hash.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}
