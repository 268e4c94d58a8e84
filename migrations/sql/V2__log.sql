-- The events, and how far each stream has come. Events are only ever appended: a change is refused by role and, for everybody else, by trigger.

GRANT USAGE, CREATE ON SCHEMA log TO lethemail_owner;

CREATE TABLE log.event (
    -- Dense and in commit order: the primary key is also what decides between two processes that write at once.
    position     bigint      NOT NULL,
    version      bigint      NOT NULL,
    occurred_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL,
    organization uuid        NOT NULL,
    stream_id    uuid        NOT NULL,
    event_id     uuid        NOT NULL,
    category     smallint    NOT NULL,
    event_type   text        NOT NULL,
    header       bytea       NOT NULL,
    facts        bytea       NOT NULL,
    sealed       bytea       NOT NULL,
    salt         bytea       NOT NULL,
    PRIMARY KEY (position)
) PARTITION BY RANGE (position);

-- Ciphertext does not compress; trying costs time.
ALTER TABLE log.event ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- Serves reading a stream and recognising a repeated append by its event ids. Organisation, category and version are read from the row:
-- ids of different streams hardly ever coincide, and a stream's events are few enough to sort.
CREATE INDEX event_stream ON log.event (stream_id, event_id);
CREATE INDEX event_recorded_at ON log.event USING brin (recorded_at);

-- One row a stream.
CREATE TABLE log.stream (
    stream_id      uuid     NOT NULL,
    organization   uuid     NOT NULL,
    category       smallint NOT NULL,
    version        bigint   NOT NULL,
    -- Where the stream's events lie, so that reading it touches only the partitions that have some.
    first_position bigint   NOT NULL,
    last_position  bigint   NOT NULL,
    PRIMARY KEY (stream_id, organization, category)
) WITH (fillfactor = 60);  -- room for heap-only updates: no indexed column ever changes

CREATE FUNCTION log.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the log is append-only: % on % is refused', TG_OP, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;

-- ENABLE ALWAYS: session_replication_role does not switch these off.
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON log.event FOR EACH ROW EXECUTE FUNCTION log.refuse_change();
ALTER TABLE log.event ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON log.event FOR EACH STATEMENT EXECUTE FUNCTION log.refuse_change();
ALTER TABLE log.event ENABLE ALWAYS TRIGGER append_only_truncate;
CREATE TRIGGER append_only BEFORE DELETE ON log.stream FOR EACH ROW EXECUTE FUNCTION log.refuse_change();
ALTER TABLE log.stream ENABLE ALWAYS TRIGGER append_only;
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON log.stream FOR EACH STATEMENT EXECUTE FUNCTION log.refuse_change();
ALTER TABLE log.stream ENABLE ALWAYS TRIGGER append_only_truncate;

-- Aborts an append whose idea of a stream's version was wrong, so that nothing of its batch is written.
CREATE FUNCTION log.refuse_versions() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a stream is not at the version that this append took for granted' USING ERRCODE = 'LM001';
END
$$;

-- Makes the partition that will hold a position, if it is not there: standalone first, then attached, so that writers are not held up.
CREATE FUNCTION log.ensure_partition(wanted bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    size CONSTANT bigint := 10000000;
    number CONSTANT bigint := wanted / size;
    name CONSTANT text := 'event_' || lpad(number::text, 6, '0');
BEGIN
    IF to_regclass('log.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    PERFORM pg_advisory_xact_lock(7811887866120170868);
    IF to_regclass('log.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE log.%I (LIKE log.event INCLUDING ALL)', name);
    -- Row triggers are cloned when the partition is attached; a statement trigger is not.
    EXECUTE format('CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON log.%I FOR EACH STATEMENT EXECUTE FUNCTION log.refuse_change()', name);
    EXECUTE format('ALTER TABLE log.%I ENABLE ALWAYS TRIGGER append_only_truncate', name);
    EXECUTE format('ALTER TABLE log.event ATTACH PARTITION log.%I FOR VALUES FROM (%s) TO (%s)', name, number * size, (number + 1) * size);
    EXECUTE format('ALTER TABLE log.%I ENABLE ALWAYS TRIGGER append_only', name);
END
$$;

ALTER TABLE log.event OWNER TO lethemail_owner;
ALTER TABLE log.stream OWNER TO lethemail_owner;
ALTER FUNCTION log.refuse_change() OWNER TO lethemail_owner;
ALTER FUNCTION log.refuse_versions() OWNER TO lethemail_owner;
ALTER FUNCTION log.ensure_partition(bigint) OWNER TO lethemail_owner;
REVOKE ALL ON FUNCTION log.ensure_partition(bigint) FROM PUBLIC;

GRANT SELECT, INSERT ON log.event TO lethemail_app;
GRANT SELECT, INSERT, UPDATE ON log.stream TO lethemail_app;
GRANT EXECUTE ON FUNCTION log.ensure_partition(bigint) TO lethemail_app;
GRANT SELECT ON log.event, log.stream TO lethemail_projector;

SELECT log.ensure_partition(1);
SELECT log.ensure_partition(10000001);
