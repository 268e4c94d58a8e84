-- A database that a backup is being restored into. Until it is finished nobody works here; one that was interrupted is left for good.
CREATE TABLE ops.restore (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    started_at_us bigint NOT NULL,
    finished_at_us bigint,
    -- The position of the last event that came from the backup.
    log_ends_at bigint NOT NULL
);

-- Who held mail back, when, and why it went on. While one is open, nothing waiting is sent.
CREATE TABLE ops.delivery_pause (
    paused_at_us bigint PRIMARY KEY,
    reason text NOT NULL,
    resumed_at_us bigint,
    resume_reason text,
    CHECK ((resumed_at_us IS NULL) = (resume_reason IS NULL))
);
CREATE UNIQUE INDEX delivery_pause_open ON ops.delivery_pause ((true)) WHERE resumed_at_us IS NULL;

GRANT SELECT, INSERT, UPDATE ON ops.restore, ops.delivery_pause TO lethemail_app;
