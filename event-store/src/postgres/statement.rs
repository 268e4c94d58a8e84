//! The one statement that writes a batch.

use super::batch::Plan;
use super::queue::Request;
use domain::Timestamp;
use futures::future::try_join_all;
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

/// Which parts a batch has. The executor readies each part of a statement whether there is something in it or not, which costs a single event more than
/// its own row does: so there is a statement for each shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    /// More than one event.
    rest: bool,
    new_streams: bool,
    known_streams: bool,
}

/// All there are: one event has one stream, which is new or known.
const SHAPES: [Shape; 5] = [
    Shape { rest: false, new_streams: true, known_streams: false },
    Shape { rest: false, new_streams: false, known_streams: true },
    Shape { rest: true, new_streams: true, known_streams: false },
    Shape { rest: true, new_streams: false, known_streams: true },
    Shape { rest: true, new_streams: true, known_streams: true },
];

#[rustfmt::skip]
const FIRST: &[Type] = &[
    Type::INT8, Type::TIMESTAMPTZ, Type::INT8, Type::TIMESTAMPTZ, Type::UUID, Type::UUID, Type::UUID, Type::INT2, Type::TEXT, Type::BYTEA, Type::BYTEA,
    Type::BYTEA, Type::BYTEA, Type::INT8,
];
#[rustfmt::skip]
const REST: &[Type] = &[
    Type::INT8_ARRAY, Type::TIMESTAMPTZ_ARRAY, Type::UUID_ARRAY, Type::UUID_ARRAY, Type::UUID_ARRAY, Type::INT2_ARRAY, Type::TEXT_ARRAY,
    Type::BYTEA_ARRAY, Type::BYTEA_ARRAY, Type::BYTEA_ARRAY, Type::BYTEA_ARRAY,
];
const STREAMS: &[Type] = &[Type::UUID_ARRAY, Type::UUID_ARRAY, Type::INT2_ARRAY, Type::INT8_ARRAY, Type::INT8_ARRAY, Type::INT8_ARRAY];

impl Shape {
    fn of(plan: &Plan) -> Self {
        let new_streams = plan.streams.iter().any(|change| change.before.is_none());
        let known_streams = plan.streams.iter().any(|change| change.before.is_some());
        Self { rest: plan.rows.len() > 1, new_streams, known_streams }
    }

    /// `first` is the compare-and-set: its position is taken, or it is not, and without it nothing else happens. A stream at another version than
    /// expected aborts all of it: a new one by its primary key, a known one by the count. (One upsert for both would cost a new stream three times
    /// as much.) Set-returning functions stand in select lists, where they run in step and keep nothing; as tables, each would be copied to a
    /// store of its own, and joining two of them makes the planner go quadratic.
    fn sql(self) -> String {
        const EVENT: &str = "INSERT INTO log.event (position, recorded_at, version, occurred_at, organization, stream_id, event_id, category, event_type, \
            header, facts, sealed, salt)";
        let mut parts = vec![format!(
            "first AS ({EVENT} VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (position) DO NOTHING RETURNING 1)"
        )];
        let mut next = FIRST.len() + 1;
        let mut unnest = |types: &[Type]| {
            let columns: Vec<String> = types.iter().zip(next..).map(|(kind, number)| format!("unnest(${number}::{kind})")).collect();
            next += types.len();
            (columns, next - types.len())
        };
        if self.rest {
            let (columns, _) = unnest(REST);
            parts.push(format!("rest AS ({EVENT} SELECT generate_series($1 + 1, $14), $2, {} FROM first)", columns.join(", ")));
        }
        if self.new_streams {
            let (columns, _) = unnest(STREAMS);
            parts.push(format!(
                "new_streams AS (INSERT INTO log.stream (stream_id, organization, category, version, first_position, last_position)
                SELECT {} FROM first)",
                columns.join(", ")
            ));
        }
        let mut refusal = "NULL".to_owned();
        if self.known_streams {
            let (columns, ids) = unnest(STREAMS);
            let names = ["stream_id", "organization", "category", "expected", "version", "last_position"];
            let columns: Vec<String> = columns.iter().zip(names).map(|(column, name)| format!("{column} AS {name}")).collect();
            parts.push(format!(
                "known_streams AS (
                    UPDATE log.stream SET version = changed.version, last_position = changed.last_position
                    FROM (SELECT {} FROM first) changed
                    WHERE stream.stream_id = changed.stream_id AND stream.organization = changed.organization AND stream.category = changed.category
                        AND stream.version = changed.expected
                    RETURNING 1
                )",
                columns.join(", ")
            ));
            refusal = format!(
                "CASE WHEN hits = 1 AND (SELECT count(*) FROM known_streams) <> cardinality(${ids}) THEN log.refuse_versions() END"
            );
        }
        format!(
            "WITH {} SELECT hits, {refusal}, CASE WHEN hits = 1 THEN pg_notify('lethemail_log', $14::text) END
            FROM (SELECT count(*) AS hits FROM first) AS counted",
            parts.join(", ")
        )
    }

    fn types(self) -> Vec<Type> {
        let parts = [(true, FIRST), (self.rest, REST), (self.new_streams, STREAMS), (self.known_streams, STREAMS)];
        parts.into_iter().filter(|(is_there, _)| *is_there).flat_map(|(_, types)| types.iter().cloned()).collect()
    }
}

/// Prepared for batches of every shape.
pub(super) struct Append(Vec<Statement>);

impl Append {
    pub async fn prepare(client: &Client) -> Result<Self, Error> {
        let prepared = SHAPES.map(async |shape| client.prepare_typed(&shape.sql(), &shape.types()).await);
        Ok(Self(try_join_all(prepared).await?))
    }

    fn of(&self, shape: Shape) -> &Statement {
        let place = SHAPES.iter().position(|known| *known == shape).expect("every event has one stream");
        &self.0[place]
    }
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
    prepared: &Append,
    base: u64,
    requests: &[Request],
    plan: &Plan,
    recorded_at: Timestamp,
) -> Result<Outcome, Error> {
    let headers: Vec<Cow<'_, [u8]>> = plan.rows.iter().map(|&(request, event, version)| requests[request].header(event, version)).collect();
    let events = Columns::of(requests, plan, &headers);
    let (new, known) = StreamColumns::of(plan);
    let shape = Shape::of(plan);
    let first = signed(base + 1);
    let last = signed(base + plan.rows.len() as u64);
    let recorded_at = recorded_at.to_datetime();
    // The first row goes as single values, the others as arrays.
    let (v, o, g, s) =
        (events.version.split_at(1), events.occurred_at.split_at(1), events.organization.split_at(1), events.stream_id.split_at(1));
    let (i, c, t, h) = (events.event_id.split_at(1), events.category.split_at(1), events.event_type.split_at(1), events.header.split_at(1));
    let (f, e, salt) = (events.facts.split_at(1), events.sealed.split_at(1), events.salt.split_at(1));
    #[rustfmt::skip]
    let mut values: Vec<&(dyn ToSql + Sync)> = vec![
        &first, &recorded_at, &v.0[0], &o.0[0], &g.0[0], &s.0[0], &i.0[0], &c.0[0], &t.0[0], &h.0[0], &f.0[0], &e.0[0], &salt.0[0], &last,
    ];
    if shape.rest {
        values.extend([&v.1 as &(dyn ToSql + Sync), &o.1, &g.1, &s.1, &i.1, &c.1, &t.1, &h.1, &f.1, &e.1, &salt.1]);
    }
    if shape.new_streams {
        values.extend([&new.stream_id as &(dyn ToSql + Sync), &new.organization, &new.category]);
        values.extend([&new.version as &(dyn ToSql + Sync), &new.first_position, &new.last_position]);
    }
    if shape.known_streams {
        values.extend([&known.stream_id as &(dyn ToSql + Sync), &known.organization, &known.category]);
        values.extend([&known.expected as &(dyn ToSql + Sync), &known.version, &known.last_position]);
    }
    let hits: i64 = client.query_one(prepared.of(shape), &values).await?.get(0);
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
