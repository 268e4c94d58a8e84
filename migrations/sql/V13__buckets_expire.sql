-- When somebody last looked for buckets whose time has come, by the database's clock. One row; NULL when nothing is known, or a person has said that the
-- clock is right.
CREATE TABLE keyring.sweep (
    one         boolean PRIMARY KEY DEFAULT true CHECK (one),
    last_run_us bigint
);
INSERT INTO keyring.sweep DEFAULT VALUES;
GRANT SELECT, UPDATE ON keyring.sweep TO lethemail_vault;

-- Whether the log says that the bucket's key is destroyed.
ALTER TABLE keyring.bucket ADD COLUMN recorded boolean NOT NULL DEFAULT false;

-- Neither knows a column that rewrapping touches.
CREATE INDEX bucket_living ON keyring.bucket (class, bucket) WHERE destroyed_at IS NULL;
CREATE INDEX bucket_unrecorded ON keyring.bucket (id) WHERE destroyed_at IS NOT NULL AND NOT recorded;

-- Erasures that wait for the end of an epoch.
CREATE INDEX erasures_live ON read.erasures (id) WHERE certified = 'live';
