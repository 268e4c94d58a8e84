//! A sequence gives the numbers, so they commit out of order: a reader takes only what is older than the oldest transaction that still runs, and
//! waits behind any that does. Numbers of what was rolled back stay gaps.

pub const SCHEMA: &str = "sequence";

/// What it needs beside the tables.
pub const BESIDES: &str =
    "CREATE SEQUENCE sequence.number; ALTER TABLE sequence.event ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();";

pub const APPEND: &str = "WITH begun AS (INSERT INTO sequence.stream VALUES ($1, $2, 1, 0, 0, 0))
    INSERT INTO sequence.event VALUES (nextval('sequence.number'), 0, now(), now(), $2, $1, $1, 1, 'EmailQueued', $3, $4, $5, $6)";
