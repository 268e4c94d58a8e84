-- Bodies waiting for delivery. Each is sealed under a random key of its own, which is wrapped under an epoch key and lies beside it;
-- the row goes when the last recipient's delivery has ended, or when it expires.
CREATE TABLE spool.entry (
    email uuid PRIMARY KEY,
    organization uuid NOT NULL,
    epoch integer NOT NULL,
    wrapped_key bytea NOT NULL,
    body bytea NOT NULL,
    -- When the entry goes whatever became of it, µs since 1970.
    expires_at_us bigint NOT NULL,
    -- Mail of the built-in sandbox: delivered to nobody, kept to be looked at until it expires.
    captured boolean NOT NULL DEFAULT false
);
ALTER TABLE spool.entry ALTER COLUMN body SET STORAGE EXTERNAL;
CREATE INDEX entry_captured ON spool.entry (organization, email DESC) WHERE captured;
CREATE INDEX entry_expiry ON spool.entry (expires_at_us);

GRANT SELECT, INSERT, UPDATE, DELETE ON spool.entry TO lethemail_app;
