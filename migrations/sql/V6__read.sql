-- The read models. Everything here follows from the log: a table can be emptied and filled again to the same content. Columns named `sealed` hold
-- events' envelopes as they are; `event_id` and the slot numbers say what they are bound to. Times are µs since 1970; words are those of the events.

-- One row a message. The moving columns (status, states, attempts, due times, version) are in no index, and pages keep room: updates stay heap-only.
CREATE TABLE read.emails (
    organization uuid NOT NULL,
    id uuid NOT NULL,
    created_at_us bigint NOT NULL,
    scheduled_at_us bigint,
    size_bytes bigint NOT NULL,
    event_id uuid NOT NULL,
    -- NULL: the built-in sandbox.
    smtp_server uuid,
    actor_id uuid,
    -- Version of the stream's last event that went into the row.
    version bigint NOT NULL,
    due_at_us bigint,
    first_due_at_us bigint NOT NULL,
    attempts integer NOT NULL,
    sender_slot smallint NOT NULL,
    interface text NOT NULL,
    actor text NOT NULL,
    status text NOT NULL,
    -- By recipient number: state, header field, slot.
    states text[] NOT NULL,
    fields text[] NOT NULL,
    slots smallint[] NOT NULL,
    -- All slots of EmailQueued.
    sealed bytea NOT NULL,
    PRIMARY KEY (organization, id)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
ALTER TABLE read.emails ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- Finds the messages of a person by the key that seals them. Written once.
CREATE TABLE read.email_recipient (
    organization uuid NOT NULL,
    key_id uuid NOT NULL,
    email uuid NOT NULL,
    PRIMARY KEY (organization, key_id, email)
);

-- Finds the messages that carry a tag by the tag's keyed hash. Written once.
CREATE TABLE read.email_tag (
    organization uuid NOT NULL,
    tag uuid NOT NULL,
    email uuid NOT NULL,
    PRIMARY KEY (organization, tag, email)
);

-- Messages with work left, and when. Small and busy: vacuumed often, since whoever looks for work starts at the end where rows die.
CREATE TABLE read.delivery_queue (
    organization uuid NOT NULL,
    email uuid NOT NULL,
    due_at_us bigint NOT NULL,
    smtp_server uuid,
    PRIMARY KEY (organization, email)
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 2000);
CREATE INDEX delivery_queue_due ON read.delivery_queue (due_at_us, email);

CREATE TABLE read.organizations (
    id uuid PRIMARY KEY,
    created_at_us bigint NOT NULL,
    smtp_server uuid,
    closed_at_us bigint,
    event_id uuid NOT NULL,
    slot smallint NOT NULL,
    sealed bytea NOT NULL
);

CREATE TABLE read.members (
    organization uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    joined_at_us bigint NOT NULL,
    PRIMARY KEY (organization, user_id)
);
CREATE INDEX members_user ON read.members (user_id, organization);

CREATE TABLE read.api_keys (
    organization uuid NOT NULL,
    id uuid NOT NULL,
    scopes text[] NOT NULL,
    created_at_us bigint NOT NULL,
    actor text NOT NULL,
    actor_id uuid,
    revoked_at_us bigint,
    event_id uuid NOT NULL,
    slot smallint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (organization, id)
);

CREATE TABLE read.smtp_servers (
    organization uuid NOT NULL,
    id uuid NOT NULL,
    port integer NOT NULL,
    tls_mode text NOT NULL,
    tls_version text,
    has_secret boolean NOT NULL,
    connected_at_us bigint NOT NULL,
    -- The organisation's mail goes through it.
    selected boolean NOT NULL DEFAULT false,
    event_id uuid NOT NULL,
    slot smallint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (organization, id)
);

CREATE TABLE read.suppressions (
    organization uuid NOT NULL,
    -- The key that seals the address; it names the stream too.
    key_id uuid NOT NULL,
    reason text NOT NULL,
    since_us bigint NOT NULL,
    lifted_at_us bigint,
    erasure uuid,
    event_id uuid NOT NULL,
    slot smallint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (organization, key_id)
);
CREATE INDEX suppressions_since ON read.suppressions (organization, since_us, key_id);

-- What happened on a UTC day (counted from 1970), by the time of the events. `messages` counts messages, everything else recipients; a recipient
-- may be deferred, or fall into doubt, more than once.
CREATE TABLE read.delivery_stats (
    organization uuid NOT NULL,
    day integer NOT NULL,
    messages bigint NOT NULL,
    accepted bigint NOT NULL,
    suppressed bigint NOT NULL,
    relayed bigint NOT NULL,
    delivered bigint NOT NULL,
    deferred bigint NOT NULL,
    bounced bigint NOT NULL,
    in_doubt bigint NOT NULL,
    abandoned bigint NOT NULL,
    cancelled bigint NOT NULL,
    PRIMARY KEY (organization, day)
) WITH (fillfactor = 50);

-- Who did what, when, and from where. Ordered by the event's place in the log.
CREATE TABLE read.account_history (
    organization uuid NOT NULL,
    position bytea NOT NULL,
    event_id uuid NOT NULL,
    occurred_at_us bigint NOT NULL,
    -- The person whose account it concerns: the owner of the stream, or who acted.
    user_id uuid,
    actor_id uuid,
    stream_id uuid NOT NULL,
    category smallint NOT NULL,
    slot smallint,
    actor text NOT NULL,
    event_type text NOT NULL,
    -- The envelope that says where from.
    sealed bytea,
    PRIMARY KEY (organization, position)
);
CREATE INDEX account_history_user ON read.account_history (user_id, position) WHERE user_id IS NOT NULL;

CREATE TABLE read.erasures (
    organization uuid NOT NULL,
    id uuid NOT NULL,
    target text NOT NULL,
    user_id uuid,
    stage text NOT NULL,
    requested_at_us bigint NOT NULL,
    due_at_us bigint NOT NULL,
    started_at_us bigint,
    certified text,
    event_id uuid NOT NULL,
    slot smallint NOT NULL,
    sealed bytea NOT NULL,
    PRIMARY KEY (organization, id)
);
CREATE INDEX erasures_unfinished ON read.erasures (due_at_us, id) WHERE stage IN ('approved', 'started');

GRANT SELECT ON ALL TABLES IN SCHEMA read TO lethemail_app, lethemail_analyst;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA read TO lethemail_projector;
