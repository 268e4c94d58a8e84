//! Reading, on a pool.

use super::session::columns;
use super::statement::signed;
use crate::{Filter, ReadError, at};
use domain::{EventHeader, RecordedEvent, SealedSlots, StreamName, Timestamp};
use tokio_postgres::Row;

const HEAD: &str = "SELECT position FROM log.event ORDER BY position DESC LIMIT 1";

macro_rules! select_events {
    ($rest:literal) => {
        concat!("SELECT e.position, e.recorded_at, e.header, e.facts, e.sealed, e.salt ", $rest)
    };
}

/// The streams' rows say where their events lie, which keeps the other partitions out.
const STREAMS: &str = select_events!(
    ", wanted.ordinal
    FROM unnest($1::uuid[], $2::uuid[], $3::int2[]) WITH ORDINALITY AS wanted (stream_id, organization, category, ordinal)
    JOIN log.stream s USING (stream_id, organization, category)
    JOIN log.event e ON e.stream_id = s.stream_id AND e.organization = s.organization AND e.category = s.category
        AND e.position >= s.first_position AND e.position <= s.last_position
    ORDER BY wanted.ordinal, e.version"
);

const RANGE: &str = select_events!("FROM log.event e WHERE e.position > $1 AND e.position <= $2 ORDER BY e.position");

const MATCHING: &str = select_events!(
    "FROM log.event e WHERE e.position > $1 AND e.position <= $2
        AND ($3::int2[] IS NULL OR e.category = ANY ($3)) AND ($4::uuid IS NULL OR e.organization = $4) AND ($5::text[] IS NULL OR e.event_type = ANY ($5))
    ORDER BY e.position LIMIT $6"
);

pub(crate) struct Reader {
    pool: deadpool_postgres::Pool,
}

impl Reader {
    pub(super) fn new(pool: deadpool_postgres::Pool) -> Self {
        Self { pool }
    }

    pub async fn head(&self) -> Result<u64, ReadError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(HEAD).await?;
        Ok(client.query_opt(&statement, &[]).await?.map_or(0, |row| unsigned(row.get(0))))
    }

    pub async fn streams(&self, streams: &[StreamName]) -> Result<Vec<Vec<RecordedEvent>>, ReadError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(STREAMS).await?;
        let (ids, organizations, categories) = columns(streams.iter());
        let mut read: Vec<Vec<RecordedEvent>> = streams.iter().map(|_| Vec::new()).collect();
        for row in client.query(&statement, &[&ids, &organizations, &categories]).await? {
            let ordinal = usize::try_from(row.get::<_, i64>(6)).unwrap_or(0);
            let stream = read.get_mut(ordinal.wrapping_sub(1)).expect("ordinals number the streams that were asked for");
            stream.push(event(&row)?);
        }
        Ok(read)
    }

    /// The first `limit` events in `(after, to]` that match; `to` is written. Without a filter all of them come, and every position must be there.
    pub async fn range(&self, after: u64, to: u64, limit: usize, filter: &Filter) -> Result<Vec<RecordedEvent>, ReadError> {
        if !filter.is_everything() {
            return self.select(after, to, i64::try_from(limit).unwrap_or(i64::MAX), filter).await;
        }
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(RANGE).await?;
        let rows = client.query(&statement, &[&signed(after), &signed(to)]).await?;
        if rows.len() as u64 != to - after {
            return Err(ReadError::Gap { after, to });
        }
        rows.iter().map(event).collect()
    }

    pub async fn matching(&self, after: u64, limit: usize, filter: &Filter) -> Result<Vec<RecordedEvent>, ReadError> {
        self.select(after, i64::MAX as u64, i64::try_from(limit).unwrap_or(i64::MAX), filter).await
    }

    async fn select(&self, after: u64, to: u64, limit: i64, filter: &Filter) -> Result<Vec<RecordedEvent>, ReadError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(MATCHING).await?;
        let categories: Vec<i16> = filter.categories.iter().map(|category| category.number()).collect();
        let categories = (!categories.is_empty()).then_some(categories);
        let organization = filter.organization.map(|organization| organization.0);
        let types = (!filter.event_types.is_empty()).then_some(&filter.event_types);
        let rows = client.query(&statement, &[&signed(after), &signed(to), &categories, &organization, &types, &limit]).await?;
        rows.iter().map(event).collect()
    }
}

fn event(row: &Row) -> Result<RecordedEvent, ReadError> {
    let position = unsigned(row.get(0));
    let damaged = || ReadError::Damaged { position };
    let header_bytes: Vec<u8> = row.get(2);
    let header: EventHeader = serde_json::from_slice(&header_bytes).map_err(|_| damaged())?;
    Ok(RecordedEvent {
        position: at(position),
        header,
        header_bytes,
        facts: row.get(3),
        slots: SealedSlots::decode(row.get(4)).map_err(|_| damaged())?,
        salt: row.get::<_, &[u8]>(5).try_into().map_err(|_| damaged())?,
        recorded_at: Timestamp::from(row.get::<_, chrono::DateTime<chrono::Utc>>(1)),
    })
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).expect("the log's positions are not negative")
}
