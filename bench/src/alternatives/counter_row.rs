//! A row counts, and its lock is held until the commit is on the disk. No gaps; each append leaves a dead version of the row.

pub const SCHEMA: &str = "counter_row";

/// What it needs beside the tables.
pub const BESIDES: &str = "CREATE TABLE counter_row.counter (position bigint NOT NULL); INSERT INTO counter_row.counter VALUES (0);";

pub const APPEND: &str = "WITH next AS (UPDATE counter_row.counter SET position = position + 1 RETURNING position),
    begun AS (INSERT INTO counter_row.stream VALUES ($1, $2, 1, 0, 0, 0))
    INSERT INTO counter_row.event SELECT position, 0, now(), now(), $2, $1, $1, 1, 'EmailQueued', $3, $4, $5, $6 FROM next";
