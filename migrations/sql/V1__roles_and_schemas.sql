-- Five kinds of table, five schemas; five roles that see no more than they need. Roles belong to the whole server, so other databases
-- (and other processes, at the same moment) may have made them already.
DO $$
DECLARE
    wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['lethemail_owner', 'lethemail_app', 'lethemail_vault', 'lethemail_projector', 'lethemail_analyst'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END LOOP;
END
$$;

CREATE SCHEMA log;      -- the events; only ever appended to
CREATE SCHEMA keyring;  -- wrapped keys and address look-up; the only rows whose deletion is the point
CREATE SCHEMA spool;    -- bodies waiting for delivery
CREATE SCHEMA read;     -- projections; droppable, rebuilt to the same content
-- ops (bookmarks, leases, reservations; loss costs time, never facts) exists already: it holds the list of migrations.

GRANT USAGE ON SCHEMA log TO lethemail_app, lethemail_projector;
GRANT USAGE ON SCHEMA keyring TO lethemail_vault;
GRANT USAGE ON SCHEMA spool TO lethemail_app;
GRANT USAGE ON SCHEMA read TO lethemail_app, lethemail_projector, lethemail_analyst;
GRANT USAGE ON SCHEMA ops TO lethemail_app, lethemail_projector;
GRANT SELECT ON ops.migration TO lethemail_app;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
