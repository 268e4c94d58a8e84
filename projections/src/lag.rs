//! How far read models are behind the log.

use crate::bookmark::position;
use crate::{ProjectionError, all};
use deadpool_postgres::ClientWrapper;
use domain::{Position, Timestamp};
use event_store::{EventStore, ReadError};
use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    pub bookmark: Position,
    pub head: Position,
    /// How many events are missing; `None` where the log's positions count nothing, and only `oldest_unseen` tells.
    pub events: Option<u64>,
    /// When the first event behind the bookmark was recorded; `None` when there is none. It may turn out to be of no interest.
    pub oldest_unseen: Option<Timestamp>,
}

impl Lag {
    /// How long the oldest event that queries cannot show has been waiting.
    pub fn age(&self, now: Timestamp) -> Duration {
        self.oldest_unseen.map_or(Duration::ZERO, |recorded_at| now.since(recorded_at))
    }
}

/// Of every read model, by name: one statement for the bookmarks, one for the log's end, and one event for each place where a bookmark lies before it.
/// A bookmark is written up to a quarter of a second late when nothing of interest happens.
///
/// # Errors
/// [`ReadError::LogLost`] when a read model knows more than the log does, where that can be told.
pub async fn lags(client: &ClientWrapper, store: &EventStore) -> Result<Vec<(&'static str, Lag)>, ProjectionError> {
    let names: Vec<&str> = all().iter().map(|projection| projection.name).collect();
    let statement = client.prepare_cached("SELECT reader, position FROM ops.bookmark WHERE reader = ANY ($1)").await?;
    let rows = client.query(&statement, &[&names]).await?;
    // Bookmarks first: read the other way round, a projection could seem to be ahead of the log.
    let bookmarks: BTreeMap<&str, Position> = rows.iter().map(|row| (row.get(0), position(row.get(1)))).collect();
    let head = store.head().await?;
    let mut oldest = BTreeMap::new();
    let mut lags = Vec::with_capacity(names.len());
    for name in names {
        let bookmark = bookmarks.get(name).copied().unwrap_or(Position::START);
        if bookmark > head && store.count_between(head, bookmark).is_some() {
            return Err(ReadError::LogLost { head, reader: bookmark }.into());
        }
        if bookmark < head && !oldest.contains_key(&bookmark) {
            oldest.insert(bookmark, store.read_all(bookmark, 1).await?.first().map(|event| event.recorded_at));
        }
        let oldest_unseen = oldest.get(&bookmark).copied().flatten();
        lags.push((name, Lag { bookmark, head, events: store.count_between(bookmark, head), oldest_unseen }));
    }
    Ok(lags)
}
