//! The way that was taken, as small as the others: the order comes from the primary key on the position. Whoever finds it taken has written nothing.

pub const SCHEMA: &str = "compare_and_set";

pub const BESIDES: &str = "";

pub const APPEND: &str = "
WITH first AS (
    INSERT INTO compare_and_set.event
    VALUES ($7::int8 + 1, 0, now(), now(), ($2::uuid[])[1], ($1::uuid[])[1], ($1::uuid[])[1], 1, 'EmailQueued', ($3::bytea[])[1], ($4::bytea[])[1], ($5::bytea[])[1],
        ($6::bytea[])[1])
    ON CONFLICT (position) DO NOTHING RETURNING 1
), begun AS (
    INSERT INTO compare_and_set.stream SELECT unnest($1::uuid[]), unnest($2::uuid[]), 1::int2, 0, 0, 0 FROM first
), rest AS (
    INSERT INTO compare_and_set.event
    SELECT $7 + 1 + generate_series(1, cardinality($1::uuid[]) - 1), 0, now(), now(), unnest(($2::uuid[])[2:]), unnest(($1::uuid[])[2:]),
        unnest(($1::uuid[])[2:]), 1::int2,
        'EmailQueued', unnest(($3::bytea[])[2:]), unnest(($4::bytea[])[2:]), unnest(($5::bytea[])[2:]), unnest(($6::bytea[])[2:])
    FROM first
)
SELECT count(*) FROM first";

pub const HEAD: &str = "SELECT coalesce(max(position), 0) FROM compare_and_set.event";
