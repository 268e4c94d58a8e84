//! One lock for all, held until the commit is on the disk: writers queue for each other's syncs.

pub const SCHEMA: &str = "advisory_lock";

/// What it needs beside the tables.
pub const BESIDES: &str = "CREATE SEQUENCE advisory_lock.number;
    CREATE FUNCTION advisory_lock.append(id uuid, organization uuid, header bytea, facts bytea, sealed bytea, salt bytea) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_advisory_xact_lock(1);
        INSERT INTO advisory_lock.stream VALUES (id, organization, 1, 0, 0, 0);
        INSERT INTO advisory_lock.event
        VALUES (nextval('advisory_lock.number'), 0, now(), now(), organization, id, id, 1, 'EmailQueued', header, facts, sealed, salt);
    END $$;";

pub const APPEND: &str = "SELECT advisory_lock.append($1, $2, $3, $4, $5, $6)";
