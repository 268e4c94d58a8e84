//! Bookmarks in a copied log: the same events stand at other positions there.

use crate::bookmark::position;
use crate::{ProjectionError, all};

use domain::{Position, Timestamp};
use tokio_postgres::{Client, Row, Transaction};

const BOOKMARKS: &str = "SELECT reader, position, lease IS NOT NULL AND lease_expires_at_us > $1 AS held FROM ops.bookmark ORDER BY reader";
/// What keeps positions in its rows is made again beside itself: version 0 is older than any program's.
const MOVE: &str =
    "UPDATE ops.bookmark SET position = $3, version = CASE WHEN $4 THEN 0 ELSE version END, lease = NULL, lease_expires_at_us = 0,
    holder = NULL WHERE reader = $1 AND position = $2";

/// Every bookmark there is, of all generations, and where it belongs in the copy.
pub struct Relocation {
    bookmarks: Vec<Bookmark>,
}

struct Bookmark {
    reader: String,
    from: Position,
    /// Of the last event up to `from`.
    to: Position,
}

impl Relocation {
    /// # Errors
    /// [`ProjectionError::Busy`] while a process moves one of them.
    pub async fn begin(client: &Client, now: Timestamp) -> Result<Self, ProjectionError> {
        let rows = client.query(BOOKMARKS, &[&now.micros()]).await?;
        if rows.iter().any(|row| row.get(2)) {
            return Err(ProjectionError::Busy);
        }
        let bookmark = |row: &Row| Bookmark { reader: row.get(0), from: position(row.get(1)), to: Position::START };
        Ok(Self { bookmarks: rows.iter().map(bookmark).collect() })
    }

    /// To be called for every event of both logs, in order.
    pub fn pass(&mut self, from: Position, to: Position) {
        self.bookmarks.iter_mut().filter(|bookmark| bookmark.from >= from).for_each(|bookmark| bookmark.to = to);
    }

    /// # Errors
    /// [`ProjectionError::Busy`] when a process has moved one meanwhile.
    pub async fn apply(&self, transaction: &Transaction<'_>, now: Timestamp) -> Result<(), ProjectionError> {
        transaction.batch_execute("LOCK TABLE ops.bookmark IN SHARE ROW EXCLUSIVE MODE").await?;
        let found = transaction.query(BOOKMARKS, &[&now.micros()]).await?;
        if found.len() != self.bookmarks.len() || found.iter().any(|row| row.get(2)) {
            return Err(ProjectionError::Busy);
        }
        for Bookmark { reader, from, to } in &self.bookmarks {
            let (from, to) = (from.to_bytes(), to.to_bytes());
            let moved = transaction.execute(MOVE, &[reader, &&from[..], &&to[..], &keeps_positions(reader)]).await?;
            if moved != 1 {
                return Err(ProjectionError::Busy);
            }
        }
        Ok(())
    }
}

/// A column that holds a position is called so.
fn keeps_positions(reader: &str) -> bool {
    let name = reader.split('/').next().unwrap_or(reader);
    let tables = all().iter().filter(|projection| projection.name == name).flat_map(|projection| projection.tables);
    tables.flat_map(|table| table.columns.split(", ")).any(|column| column == "position")
}
