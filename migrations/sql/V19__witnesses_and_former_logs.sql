-- The platform log's first entry, where events were lost before it: the key of the log that came before. Such a row is of no organisation, and has
-- the former platform log's size and root.
ALTER TABLE ops.transparency_checkpoint ADD COLUMN former_key bytea;

-- Platform checkpoints that witnesses have signed, with their lines. Lost, they are handed in again.
CREATE TABLE ops.transparency_cosigned (
    size bigint PRIMARY KEY,
    note text NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON ops.transparency_cosigned TO lethemail_app;
