//! How far a read model is behind the log.

use crate::bookmark::position;
use crate::{Projection, ProjectionError};
use deadpool_postgres::ClientWrapper;
use domain::Position;
use event_store::EventStore;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    pub bookmark: Position,
    pub head: Position,
}

impl Lag {
    /// Roughly how many events are missing: exact where the log counts positions, bytes of the log elsewhere. For gauges only.
    pub fn distance(&self) -> u64 {
        self.head.commit.saturating_sub(self.bookmark.commit)
    }
}

/// A bookmark is written up to a quarter of a second late when nothing of interest happens.
pub async fn lag(projection: &Projection, client: &ClientWrapper, store: &EventStore) -> Result<Lag, ProjectionError> {
    let row = client.query_opt("SELECT position FROM ops.bookmark WHERE reader = $1", &[&projection.name]).await?;
    let bookmark = row.map_or(Position::START, |row| position(row.get(0)));
    Ok(Lag { bookmark, head: store.head().await? })
}
