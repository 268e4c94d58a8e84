-- How much of an organisation's data was opened, by whom, why, and on which UTC day (counted from 1970). Loss costs counts, never facts.
CREATE TABLE ops.data_read (
    organization uuid NOT NULL,
    day integer NOT NULL,
    actor text NOT NULL,
    -- All zero for Lethemail itself.
    actor_id uuid NOT NULL,
    purpose text NOT NULL,
    -- By its name in the data policy.
    data text NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (organization, day, actor, actor_id, purpose, data)
) WITH (fillfactor = 70);
CREATE INDEX data_read_day ON ops.data_read (day);

GRANT SELECT, INSERT, UPDATE, DELETE ON ops.data_read TO lethemail_app;
