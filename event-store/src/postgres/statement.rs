//! The one statement that writes a batch.

use super::batch::Plan;
use super::queue::Request;
use domain::Timestamp;
use std::borrow::Cow;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Statement};

/// SQLSTATE of `log.refuse_versions()`.
const STALE_VERSIONS: &str = "LM001";
const UNIQUE_VIOLATION: &str = "23505";

/// Whether a stream was at another version than the statement took for granted.
pub(super) fn is_stale(code: &str) -> bool {
    [STALE_VERSIONS, UNIQUE_VIOLATION].contains(&code)
}

/// `first` is the compare-and-set: its position is taken, or it is not, and without it nothing else happens. A stream at another version than
/// expected aborts all of it: a new one by its primary key, a known one by the count. (One upsert for both would cost a new stream three times
/// as much.) Set-returning functions stand in select lists, where they run in step and keep nothing; as tables, each would be copied to a store
/// of its own, and joining two of them makes the planner go quadratic.
const APPEND: &str = "
WITH first AS (
    INSERT INTO log.event (position, recorded_at, version, occurred_at, organization, stream_id, event_id, category, event_type, header, facts, sealed, salt)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
    ON CONFLICT (position) DO NOTHING RETURNING 1
), rest AS (
    INSERT INTO log.event (position, recorded_at, version, occurred_at, organization, stream_id, event_id, category, event_type, header, facts, sealed, salt)
    SELECT generate_series($1 + 1, $14), $2, unnest($15::int8[]), unnest($16::timestamptz[]), unnest($17::uuid[]), unnest($18::uuid[]), unnest($19::uuid[]),
        unnest($20::int2[]), unnest($21::text[]), unnest($22::bytea[]), unnest($23::bytea[]), unnest($24::bytea[]), unnest($25::bytea[])
    FROM first
), new_streams AS (
    INSERT INTO log.stream (stream_id, organization, category, version, first_position, last_position)
    SELECT unnest($26::uuid[]), unnest($27::uuid[]), unnest($28::int2[]), unnest($29::int8[]), unnest($30::int8[]), unnest($31::int8[])
    FROM first
), known_streams AS (
    UPDATE log.stream SET version = changed.version, last_position = changed.last_position
    FROM (
        SELECT unnest($32::uuid[]) AS stream_id, unnest($33::uuid[]) AS organization, unnest($34::int2[]) AS category, unnest($35::int8[]) AS expected,
            unnest($36::int8[]) AS version, unnest($37::int8[]) AS last_position
        FROM first
    ) changed
    WHERE stream.stream_id = changed.stream_id AND stream.organization = changed.organization AND stream.category = changed.category
        AND stream.version = changed.expected
    RETURNING 1
)
SELECT first.hits,
    CASE WHEN first.hits = 1 AND known_streams.hits <> cardinality($32) THEN log.refuse_versions() ELSE known_streams.hits END,
    CASE WHEN first.hits = 1 THEN pg_notify('lethemail_log', $14::text) END
FROM (SELECT count(*) AS hits FROM first) first, (SELECT count(*) AS hits FROM known_streams) known_streams";

#[rustfmt::skip]
const TYPES: &[Type] = &[
    Type::INT8, Type::TIMESTAMPTZ, Type::INT8, Type::TIMESTAMPTZ, Type::UUID, Type::UUID, Type::UUID, Type::INT2, Type::TEXT, Type::BYTEA, Type::BYTEA,
    Type::BYTEA, Type::BYTEA,
    Type::INT8, Type::INT8_ARRAY, Type::TIMESTAMPTZ_ARRAY, Type::UUID_ARRAY, Type::UUID_ARRAY, Type::UUID_ARRAY, Type::INT2_ARRAY, Type::TEXT_ARRAY,
    Type::BYTEA_ARRAY, Type::BYTEA_ARRAY, Type::BYTEA_ARRAY, Type::BYTEA_ARRAY,
    Type::UUID_ARRAY, Type::UUID_ARRAY, Type::INT2_ARRAY, Type::INT8_ARRAY, Type::INT8_ARRAY, Type::INT8_ARRAY,
    Type::UUID_ARRAY, Type::UUID_ARRAY, Type::INT2_ARRAY, Type::INT8_ARRAY, Type::INT8_ARRAY, Type::INT8_ARRAY,
];

pub(super) async fn prepare(client: &Client) -> Result<Statement, Error> {
    client.prepare_typed(APPEND, TYPES).await
}

/// What the statement did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Written,
    /// Another process has written since `base`: nothing was written.
    Missed,
}

/// Writes the plan's rows behind `base`. The plan must have a row.
pub(super) async fn append(
    client: &Client,
    statement: &Statement,
    base: u64,
    requests: &[Request],
    plan: &Plan,
    recorded_at: Timestamp,
) -> Result<Outcome, Error> {
    let headers: Vec<Cow<'_, [u8]>> = plan.rows.iter().map(|&(request, event, version)| requests[request].header(event, version)).collect();
    let events = Columns::of(requests, plan, &headers);
    let (new, known) = StreamColumns::of(plan);
    let first = signed(base + 1);
    let last = signed(base + plan.rows.len() as u64);
    let recorded_at = recorded_at.to_datetime();
    // The first row goes as single values, the others as arrays.
    let (v, o, g, s) =
        (events.version.split_at(1), events.occurred_at.split_at(1), events.organization.split_at(1), events.stream_id.split_at(1));
    let (i, c, t, h) = (events.event_id.split_at(1), events.category.split_at(1), events.event_type.split_at(1), events.header.split_at(1));
    let (f, e, salt) = (events.facts.split_at(1), events.sealed.split_at(1), events.salt.split_at(1));
    #[rustfmt::skip]
    let values: [&(dyn ToSql + Sync); 37] = [
        &first, &recorded_at, &v.0[0], &o.0[0], &g.0[0], &s.0[0], &i.0[0], &c.0[0], &t.0[0], &h.0[0], &f.0[0], &e.0[0], &salt.0[0],
        &last, &v.1, &o.1, &g.1, &s.1, &i.1, &c.1, &t.1, &h.1, &f.1, &e.1, &salt.1,
        &new.stream_id, &new.organization, &new.category, &new.version, &new.first_position, &new.last_position,
        &known.stream_id, &known.organization, &known.category, &known.expected, &known.version, &known.last_position,
    ];
    let hits: i64 = client.query_one(statement, &values).await?.get(0);
    Ok(if hits == 1 { Outcome::Written } else { Outcome::Missed })
}

/// PostgreSQL has no unsigned numbers; a log does not reach 2^63.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).expect("positions and versions stay far below 2^63")
}

/// The events, column by column.
#[derive(Default)]
struct Columns<'a> {
    version: Vec<i64>,
    occurred_at: Vec<chrono::DateTime<chrono::Utc>>,
    organization: Vec<uuid::Uuid>,
    stream_id: Vec<uuid::Uuid>,
    event_id: Vec<uuid::Uuid>,
    category: Vec<i16>,
    event_type: Vec<&'a str>,
    header: Vec<&'a [u8]>,
    facts: Vec<&'a [u8]>,
    sealed: Vec<&'a [u8]>,
    salt: Vec<&'a [u8]>,
}

impl<'a> Columns<'a> {
    fn of(requests: &'a [Request], plan: &Plan, headers: &'a [Cow<'a, [u8]>]) -> Self {
        let mut columns = Self::default();
        for (&(request, place, version), header) in plan.rows.iter().zip(headers) {
            let Request { append, sealed, .. } = &requests[request];
            let event = &append.events[place];
            columns.version.push(signed(version));
            columns.occurred_at.push(event.occurred_at.to_datetime());
            columns.organization.push(append.stream.organization.0);
            columns.stream_id.push(append.stream.id);
            columns.event_id.push(event.id.0);
            columns.category.push(append.stream.category.number());
            columns.event_type.push(&event.event_type);
            columns.header.push(header);
            columns.facts.push(&event.facts);
            columns.sealed.push(&sealed[place]);
            columns.salt.push(&event.salt);
        }
        columns
    }
}

#[derive(Default)]
struct StreamColumns {
    stream_id: Vec<uuid::Uuid>,
    organization: Vec<uuid::Uuid>,
    category: Vec<i16>,
    version: Vec<i64>,
    /// Of known streams.
    expected: Vec<i64>,
    first_position: Vec<i64>,
    last_position: Vec<i64>,
}

impl StreamColumns {
    /// Streams that the batch begins, and streams that it continues.
    fn of(plan: &Plan) -> (Self, Self) {
        let (mut new, mut known) = (Self::default(), Self::default());
        for change in &plan.streams {
            let columns = if change.before.is_none() { &mut new } else { &mut known };
            columns.stream_id.push(change.stream.id);
            columns.organization.push(change.stream.organization.0);
            columns.category.push(change.stream.category.number());
            columns.expected.extend(change.before.map(signed));
            columns.version.push(signed(change.after));
            columns.first_position.push(signed(change.first_position));
            columns.last_position.push(signed(change.last_position));
        }
        (new, known)
    }
}
