-- How far the data under a key may be used: 0 freely, +1 restricted, +2 objected to. Bound to the wrapped key, and in no index.
ALTER TABLE keyring.key ADD COLUMN limits smallint NOT NULL DEFAULT 0 CHECK (limits BETWEEN 0 AND 3);

-- Whose use is limited. `subject` names the stream: a recipient's key, or an account's user.
CREATE TABLE read.processing (
    organization uuid NOT NULL,
    subject uuid NOT NULL,
    restricted text,
    restricted_at_us bigint,
    lift_announced_at_us bigint,
    objections text[] NOT NULL,
    limits smallint NOT NULL,
    PRIMARY KEY (organization, subject)
);
GRANT SELECT ON read.processing TO lethemail_app, lethemail_analyst;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON read.processing TO lethemail_projector;

ALTER TABLE read.erasures
    ADD COLUMN decided_at_us bigint,
    ADD COLUMN refused text,
    ADD COLUMN live_at_us bigint,
    ADD COLUMN everywhere_at_us bigint,
    ADD COLUMN link bytea,
    ADD COLUMN case_closed boolean NOT NULL DEFAULT false;
-- Those that somebody still has to decide on or carry out.
CREATE INDEX erasures_open ON read.erasures (due_at_us, id) WHERE stage IN ('requested', 'approved', 'started');
CREATE INDEX erasures_ended ON read.erasures (id) WHERE NOT case_closed AND (everywhere_at_us IS NOT NULL OR refused IS NOT NULL);
CREATE INDEX erasures_link ON read.erasures (link);
