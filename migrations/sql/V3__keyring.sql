-- Wrapped keys, and who they belong to. Only lethemail_vault sees this schema. No table here holds a key in the clear: every wrapped column is
-- AES-256-GCM under the epoch key, bound to all identifying columns of its row.

CREATE TABLE keyring.epoch (
    epoch           integer PRIMARY KEY CHECK (epoch > 0),
    state           smallint NOT NULL CHECK (state IN (1, 2, 3)),  -- open, closed (read only), destroyed
    provider        smallint NOT NULL,                             -- 1: a sealed file
    provider_key    uuid NOT NULL UNIQUE,                          -- which of the provider's keys wraps this epoch's
    wrapped         bytea,
    check_value     bytea NOT NULL,
    opened_at       timestamptz NOT NULL,
    destroyed_at    timestamptz,
    CHECK ((wrapped IS NULL) = (state = 3)),
    CHECK ((destroyed_at IS NOT NULL) = (state = 3))
);
CREATE UNIQUE INDEX epoch_open ON keyring.epoch (state) WHERE state = 1;

-- Subject keys. A row goes completely when its key is destroyed, and its name with it. Rewrapping touches epoch and wrapped, which no index
-- knows, so that the new version stays on the half-empty page (a heap-only update).
CREATE TABLE keyring.key (
    id              uuid PRIMARY KEY,
    organization    uuid NOT NULL,
    kind            smallint NOT NULL,
    subject         uuid NOT NULL,
    generation      integer NOT NULL,
    class           smallint NOT NULL,
    epoch           integer NOT NULL,
    wrapped         bytea NOT NULL,
    CONSTRAINT key_name UNIQUE (organization, subject, kind, class, generation)
) WITH (fillfactor = 50);

-- Bucket keys. A destroyed bucket keeps its row without the key: the same unique name then refuses that the bucket comes back, whoever races.
CREATE TABLE keyring.bucket (
    id              uuid PRIMARY KEY,
    organization    uuid NOT NULL,
    class           smallint NOT NULL,
    bucket          integer NOT NULL,  -- OPS, WEB: days since 1970; FIN: the year; others: 0
    epoch           integer NOT NULL,
    wrapped         bytea,
    destroyed_at    timestamptz,
    CONSTRAINT bucket_name UNIQUE (organization, class, bucket),
    CHECK ((wrapped IS NULL) = (destroyed_at IS NOT NULL))
) WITH (fillfactor = 50);

-- What is left of a destroyed subject key: that it was destroyed, and when.
CREATE TABLE keyring.destroyed (
    id              uuid PRIMARY KEY,
    destroyed_at    timestamptz NOT NULL
);

-- Subjects that never get a key of a class again. Names no key id.
CREATE TABLE keyring.fence (
    organization    uuid NOT NULL,
    kind            smallint NOT NULL,
    subject         uuid NOT NULL,
    class           smallint NOT NULL,
    fenced_at       timestamptz NOT NULL,
    PRIMARY KEY (organization, subject, kind, class)
);

-- From an address to its person's key: value = AES-256 under a key of (epoch, organisation) over the first half of an HMAC. One table per living epoch.
CREATE TABLE keyring.lookup (
    epoch           integer NOT NULL,
    organization    uuid NOT NULL,
    value           bytea NOT NULL,
    class           smallint NOT NULL,
    key             uuid NOT NULL,
    PRIMARY KEY (organization, value, class, epoch)
) PARTITION BY LIST (epoch);
CREATE INDEX lookup_key ON keyring.lookup (key);
CREATE TABLE keyring.lookup_1 PARTITION OF keyring.lookup FOR VALUES IN (1);

GRANT SELECT, INSERT, UPDATE ON keyring.epoch TO lethemail_vault;
GRANT SELECT, INSERT, UPDATE, DELETE ON keyring.key TO lethemail_vault;
GRANT SELECT, INSERT, UPDATE ON keyring.bucket TO lethemail_vault;
GRANT SELECT, INSERT ON keyring.destroyed, keyring.fence TO lethemail_vault;
GRANT SELECT, INSERT, DELETE ON keyring.lookup TO lethemail_vault;
