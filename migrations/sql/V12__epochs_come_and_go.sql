-- Epochs come and go: a new key every week, everything that lives wrapped again under it, and the old one destroyed.

-- States: 0 being made, 1 open (new keys are wrapped under it), 2 closed (what it wraps is being wrapped again), 4 condemned (nothing is wrapped under it any
-- more, nobody loads it, and the provider is about to destroy its key), 3 destroyed. An epoch is written down before its key is made, so that no key is
-- made that no row names.
ALTER TABLE keyring.epoch
    DROP CONSTRAINT epoch_state_check, DROP CONSTRAINT epoch_check, DROP CONSTRAINT epoch_check1,
    ALTER COLUMN check_value DROP NOT NULL,
    ADD COLUMN closed_at timestamptz,
    -- Its look-up table finds every address. The older of two such tables decides whether an address is known.
    ADD COLUMN lookup boolean NOT NULL DEFAULT true,
    ADD CONSTRAINT epoch_state CHECK (state BETWEEN 0 AND 4),
    ADD CONSTRAINT epoch_wrapped CHECK ((wrapped IS NOT NULL) = (state IN (1, 2)) AND (check_value IS NOT NULL OR state = 0)),
    ADD CONSTRAINT epoch_destroyed CHECK ((destroyed_at IS NOT NULL) = (state = 3));

-- Who rotates, and how far that is. One row.
CREATE TABLE keyring.rotation (
    one             boolean PRIMARY KEY DEFAULT true CHECK (one),
    holder          uuid,
    expires_at_us   bigint NOT NULL DEFAULT 0,
    -- What is being gone through, and the pages of it behind us; NULL between rotations.
    pass            smallint,
    done            bigint NOT NULL DEFAULT 0,
    total           bigint NOT NULL DEFAULT 0,
    -- A copy of the database that has come so far holds nothing that only the old key opens.
    settled         pg_lsn
) WITH (fillfactor = 50);
INSERT INTO keyring.rotation DEFAULT VALUES;

-- No newer epoch's key ever wrapped the destroyed one: when that epoch's key is destroyed, no copy of anything opens it.
ALTER TABLE keyring.destroyed ADD COLUMN newest_epoch integer NOT NULL DEFAULT 1;
ALTER TABLE keyring.destroyed ALTER COLUMN newest_epoch DROP DEFAULT;

GRANT SELECT, UPDATE ON keyring.rotation TO lethemail_vault;
GRANT UPDATE (key) ON keyring.lookup TO lethemail_vault;

-- Makes an epoch's look-up table before the epoch opens, or is restored: alone first, then attached, so that look-ups are not held up.
CREATE FUNCTION keyring.make_lookup(wanted integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name CONSTANT text := 'lookup_' || wanted;
BEGIN
    IF to_regclass('keyring.' || name) IS NULL AND EXISTS (SELECT FROM keyring.epoch WHERE epoch = wanted AND lookup AND state IN (0, 1, 2)) THEN
        EXECUTE format('CREATE TABLE keyring.%I (LIKE keyring.lookup INCLUDING ALL)', name);
        EXECUTE format('ALTER TABLE keyring.lookup ATTACH PARTITION keyring.%I FOR VALUES IN (%s)', name, wanted);
    END IF;
END
$$;

-- Drops a look-up table that decides nothing any more. Waits briefly for those who still read it, and is tried again otherwise.
CREATE FUNCTION keyring.drop_lookup(wanted integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' AS $$
BEGIN
    IF EXISTS (SELECT FROM keyring.epoch WHERE epoch = wanted AND NOT lookup) THEN
        EXECUTE format('DROP TABLE IF EXISTS keyring.%I', 'lookup_' || wanted);
    END IF;
END
$$;

-- Bodies are wrapped without asking the database. Whoever stores one holds its epoch open until he has, or learns that it is closed.
CREATE FUNCTION spool.hold_epochs(wanted integer[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    number integer;
BEGIN
    FOREACH number IN ARRAY wanted LOOP
        PERFORM FROM keyring.epoch WHERE epoch = number AND state = 1 FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'epoch % is closed', number USING ERRCODE = 'LM701';
        END IF;
    END LOOP;
END
$$;

-- Everybody who keeps a copy of this database's changes, and how far it has come; NULL when that cannot be seen.
CREATE FUNCTION keyring.copies() RETURNS TABLE (name text, is_slot boolean, replayed pg_lsn)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT application_name, false, coalesce(replay_lsn, flush_lsn) FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup'
    UNION ALL
    SELECT slot_name, true, coalesce(confirmed_flush_lsn, restart_lsn) FROM pg_replication_slots WHERE NOT active AND NOT temporary
$$;

-- The keys of waiting bodies are wrapped again in place. This, and how large the table is, is all that the vault's role sees of the spool.
GRANT USAGE ON SCHEMA spool TO lethemail_vault;
CREATE FUNCTION keyring.body_keys(first text, behind text) RETURNS TABLE (tid text, id uuid, organization uuid, epoch integer, wrapped bytea)
    LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.ctid::text, e.email, e.organization, e.epoch, e.wrapped_key FROM spool.entry e WHERE e.ctid >= first::tid AND e.ctid < behind::tid
$$;

CREATE FUNCTION keyring.rewrap_bodies(newer integer, older integer, tids text[], ids uuid[], wrapped bytea[]) RETURNS void
    LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE spool.entry e SET epoch = newer, wrapped_key = u.wrapped FROM unnest(tids, ids, wrapped) AS u(tid, id, wrapped)
    WHERE e.ctid = u.tid::tid AND e.email = u.id AND e.epoch = older
$$;

REVOKE ALL ON FUNCTION keyring.body_keys(text, text), keyring.rewrap_bodies(integer, integer, text[], uuid[], bytea[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keyring.body_keys(text, text), keyring.rewrap_bodies(integer, integer, text[], uuid[], bytea[]) TO lethemail_vault;
REVOKE ALL ON FUNCTION keyring.make_lookup(integer), keyring.drop_lookup(integer), keyring.copies(), spool.hold_epochs(integer[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keyring.make_lookup(integer), keyring.drop_lookup(integer), keyring.copies() TO lethemail_vault;
GRANT EXECUTE ON FUNCTION spool.hold_epochs(integer[]) TO lethemail_app;
