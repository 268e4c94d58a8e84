//! The order comes from the lock of a row that holds the log's end. It cannot miss, and several processes wait for each other in PostgreSQL.

pub const SCHEMA: &str = "head_row";

/// What it needs beside the tables.
pub const BESIDES: &str = "CREATE TABLE head_row.head (position bigint NOT NULL); INSERT INTO head_row.head VALUES (0);";

pub const APPEND: &str = "
WITH head AS (
    UPDATE head_row.head SET position = position + cardinality($1::uuid[]) RETURNING position - cardinality($1::uuid[]) AS base
), begun AS (
    INSERT INTO head_row.stream SELECT unnest($1::uuid[]), unnest($2::uuid[]), 1::int2, 0, 0, 0
)
INSERT INTO head_row.event
SELECT base + generate_series(1, cardinality($1::uuid[])), 0, now(), now(), unnest($2::uuid[]), unnest($1::uuid[]), unnest($1::uuid[]), 1::int2,
    'EmailQueued', unnest($3::bytea[]), unnest($4::bytea[]), unnest($5::bytea[]), unnest($6::bytea[])
FROM head";
