-- The Merkle logs over recorded events. All of it follows from the log: dropped, it is made again the same.

-- One row a log: an organisation's by its id, the platform's by ffffffff-….
CREATE TABLE ops.transparency_log (
    log uuid PRIMARY KEY,
    size bigint NOT NULL,
    -- Something has happened that no recorded checkpoint covers. The recording of checkpoints itself is none, or it would never end.
    news boolean NOT NULL DEFAULT false,
    -- The newest checkpoint that the event log holds, and how far it is signed. The platform log is signed as it stands.
    recorded_size bigint NOT NULL DEFAULT 0,
    recorded_root bytea,
    signed_size bigint NOT NULL DEFAULT 0,
    note text
);
CREATE INDEX transparency_news ON ops.transparency_log (log) WHERE news;
CREATE INDEX transparency_unsigned ON ops.transparency_log (log) WHERE recorded_size > signed_size;

-- 256 hashes a row, fewer in the last one of each level.
CREATE TABLE ops.transparency_tile (
    log uuid NOT NULL,
    level smallint NOT NULL,
    number bigint NOT NULL,
    hashes bytea NOT NULL,
    PRIMARY KEY (log, level, number)
);
ALTER TABLE ops.transparency_tile ALTER COLUMN hashes SET STORAGE EXTERNAL;

-- Which events the leaves of a tile are: id and position of each, 32 bytes together. Ids hardly ever come out of order, so that the smallest and
-- the greatest find the row that holds an event.
CREATE TABLE ops.transparency_bundle (
    log uuid NOT NULL,
    number bigint NOT NULL,
    events bytea NOT NULL,
    least_event uuid NOT NULL,
    greatest_event uuid NOT NULL,
    PRIMARY KEY (log, number)
);
ALTER TABLE ops.transparency_bundle ALTER COLUMN events SET STORAGE EXTERNAL;
CREATE INDEX transparency_bundle_event ON ops.transparency_bundle (log, greatest_event, least_event);

-- The platform log's entries.
CREATE TABLE ops.transparency_checkpoint (
    number bigint PRIMARY KEY,
    organization uuid NOT NULL,
    size bigint NOT NULL,
    root bytea NOT NULL
);
CREATE INDEX transparency_checkpoint_of ON ops.transparency_checkpoint (organization, size);

GRANT SELECT, INSERT, UPDATE, DELETE ON ops.transparency_log, ops.transparency_tile, ops.transparency_bundle, ops.transparency_checkpoint TO lethemail_app;
