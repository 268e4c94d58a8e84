-- Working state. Losing it costs time, never facts.

-- How far each projection has read. The position is opaque and ordered; the event id finds the place again in a copied log.
CREATE TABLE ops.bookmark (
    reader text PRIMARY KEY,
    position bytea NOT NULL,
    event uuid,
    -- Which shape of the read model the content has: a program with a newer one starts it over.
    version integer NOT NULL DEFAULT 1,
    -- The reader that holds the lease moves the bookmark; nobody else does.
    lease uuid,
    lease_expires_at_us bigint NOT NULL DEFAULT 0
);

-- Who is delivering what. A lease that has expired belongs to a process that died.
CREATE TABLE ops.delivery_lease (
    email uuid PRIMARY KEY,
    token uuid NOT NULL,
    expires_at_us bigint NOT NULL
);

-- Idempotent requests: keyed hashes of key and payload, and the ids chosen for the first attempt, so that a repeat appends the same events.
CREATE TABLE ops.reservation (
    organization uuid NOT NULL,
    key_hash bytea NOT NULL,
    payload_hash bytea NOT NULL,
    -- Three for each message: the email, its queued event, its suppressed event.
    ids uuid[] NOT NULL,
    expires_at_us bigint NOT NULL,
    PRIMARY KEY (organization, key_hash)
);
CREATE INDEX reservation_expiry ON ops.reservation (expires_at_us);

GRANT SELECT, INSERT, UPDATE, DELETE ON ops.bookmark TO lethemail_app, lethemail_projector;
GRANT SELECT, INSERT, UPDATE, DELETE ON ops.delivery_lease, ops.reservation TO lethemail_app;
