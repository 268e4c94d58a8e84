//! Reading, on a pool.

use super::matching::{self, Order};
use super::session::columns;
use crate::subscription::Window;
use crate::{Direction, Filter, ReadError, ReadFrom, at};
use domain::{EventHeader, Position, RecordedEvent, SealedSlots, StreamName, Timestamp};
use futures::TryStreamExt;
use std::borrow::Cow;
use std::collections::HashMap;
use std::pin::pin;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

const HEAD: &str = "SELECT position FROM log.event ORDER BY position DESC LIMIT 1";

macro_rules! select_events {
    ($($rest:literal)+) => {
        concat!("SELECT e.position, e.recorded_at, e.header, e.facts, e.sealed, e.salt ", $($rest),+)
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

/// The stream's row says where its events lie. Its events are few enough to sort.
macro_rules! select_stream {
    ($rest:literal) => {
        select_events!(
            "FROM log.stream s
    JOIN log.event e ON e.stream_id = s.stream_id AND e.organization = s.organization AND e.category = s.category
        AND e.position >= s.first_position AND e.position <= s.last_position
    WHERE s.stream_id = $1 AND s.organization = $2 AND s.category = $3 AND "
                $rest
        )
    };
}

const STREAM_FORWARDS: &str = select_stream!("e.version >= $4 ORDER BY e.version LIMIT $5");
const STREAM_BACKWARDS: &str = select_stream!("e.version <= $4 ORDER BY e.version DESC LIMIT $5");

const RANGE: &str = select_events!("FROM log.event e WHERE e.position > $1 AND e.position <= $2 ORDER BY e.position");

const AT: &str = select_events!("FROM log.event e WHERE e.position = ANY ($1)");

pub(crate) struct Reader {
    pub(super) pool: deadpool_postgres::Pool,
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

    pub async fn stream(
        &self,
        stream: StreamName,
        from: ReadFrom,
        direction: Direction,
        limit: usize,
    ) -> Result<Vec<RecordedEvent>, ReadError> {
        let (statement, first) = match (direction, from) {
            (Direction::Forwards, ReadFrom::End) => return Ok(vec![]),
            (Direction::Forwards, ReadFrom::Version(first)) => (STREAM_FORWARDS, first),
            (Direction::Backwards, ReadFrom::Version(first)) => (STREAM_BACKWARDS, first),
            (Direction::Backwards, ReadFrom::End) => (STREAM_BACKWARDS, u64::MAX),
        };
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(statement).await?;
        let category = stream.category.number();
        let values: [&(dyn ToSql + Sync); 5] = [&stream.id, &stream.organization.0, &category, &number(first), &limit_of(limit)];
        client.query(&statement, &values).await?.iter().map(event).collect()
    }

    pub async fn at(&self, positions: &[Position]) -> Result<Vec<RecordedEvent>, ReadError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(AT).await?;
        let numbers: Vec<i64> = positions.iter().map(|position| number(position.commit)).collect();
        let rows = client.query(&statement, &[&numbers]).await?;
        let found: HashMap<Position, RecordedEvent> =
            rows.iter().map(|row| event(row).map(|event| (event.position, event))).collect::<Result<_, _>>()?;
        positions.iter().map(|position| found.get(position).cloned().ok_or(ReadError::Damaged { position: *position })).collect()
    }

    /// The first events in `(after, to]` that match, at most `limit`, and no more bytes than one may hold at once; `to` is written. Without a
    /// filter every position must be there.
    pub async fn window(&self, after: u64, to: u64, limit: usize, filter: &Filter) -> Result<Window, ReadError> {
        let whole = filter.is_everything();
        let client = self.pool.get().await?;
        let statement = if whole { Cow::Borrowed(RANGE) } else { matching::statement(filter, Order::Rising).into() };
        let statement = client.prepare_cached(&statement).await?;
        let (low, high, limit_value) = (number(after), number(to), limit_of(limit));
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&low, &high];
        if !whole {
            values.push(&limit_value);
            values.extend(matching::values(filter));
        }
        let mut rows = pin!(client.query_raw(&statement, values).await?);
        let (mut window, mut reached) = (Window::default(), after);
        // Read row by row, so that what is too much stays in the server.
        while let Some(row) = rows.try_next().await? {
            let event = event(&row)?;
            if whole && event.position.commit != reached + 1 {
                return Err(ReadError::Gap { after: at(after), to: at(to) });
            }
            reached = event.position.commit;
            if window.take_in(event, limit) && reached < to {
                window.to = reached;
                return Ok(window);
            }
        }
        if whole && reached != to {
            return Err(ReadError::Gap { after: at(after), to: at(to) });
        }
        window.to = to;
        Ok(window)
    }

    pub async fn matching(&self, after: u64, limit: usize, filter: &Filter) -> Result<Vec<RecordedEvent>, ReadError> {
        self.select(Order::Rising, after, u64::MAX, limit, filter).await
    }

    pub async fn backwards(&self, before: u64, limit: usize, filter: &Filter) -> Result<Vec<RecordedEvent>, ReadError> {
        self.select(Order::Falling, 0, before.saturating_sub(1), limit, filter).await
    }

    async fn select(&self, order: Order, after: u64, to: u64, limit: usize, filter: &Filter) -> Result<Vec<RecordedEvent>, ReadError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached(&matching::statement(filter, order)).await?;
        let (low, high, limit) = (number(after), number(to), limit_of(limit));
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&low, &high, &limit];
        values.extend(matching::values(filter));
        client.query(&statement, &values).await?.iter().map(event).collect()
    }
}

/// What lies beyond PostgreSQL's numbers is behind every event and above every version, and so is their greatest.
fn number(asked: u64) -> i64 {
    i64::try_from(asked).unwrap_or(i64::MAX)
}

fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn event(row: &Row) -> Result<RecordedEvent, ReadError> {
    let position = unsigned(row.get(0));
    let damaged = || ReadError::Damaged { position: at(position) };
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
