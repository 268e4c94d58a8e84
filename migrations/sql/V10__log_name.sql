-- The log that read models, bookmarks and positions belong to: they mean nothing in another one. One row, once the log holds an event.
CREATE TABLE ops.log_name (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    -- Of this log and its positions.
    id bytea NOT NULL,
    -- The same in every copy of it.
    first_event uuid NOT NULL
);
GRANT SELECT, INSERT, UPDATE, DELETE ON ops.log_name TO lethemail_app;
