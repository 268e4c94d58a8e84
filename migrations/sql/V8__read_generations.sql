-- A read model is made again beside itself: its tables are filled in a side room and change places with those in `read` when they have caught up.
-- Nobody but the projector enters the side rooms, so nobody sees what is half built. Tables keep the names of their own and of their indexes there.
CREATE SCHEMA read_next;    -- being filled; becomes what queries see
CREATE SCHEMA read_former;  -- what queries saw before: the way back
CREATE SCHEMA read_check;   -- filled to be compared with what queries see, then dropped
GRANT USAGE ON SCHEMA read_next, read_former, read_check TO lethemail_projector;

-- Each of them has a bookmark beside the live one's: `emails/next`, `emails/former`, `emails/check`. It comes and goes with the tables, in one transaction.
-- Who holds the lease, as HOST:PROCESS.
ALTER TABLE ops.bookmark ADD COLUMN holder text;

-- What makes two tables interchangeable: columns, indexes, constraints, settings and grants. NULL while one of the tables is missing.
CREATE FUNCTION ops.read_shape(place text, tables text[]) RETURNS text LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE WHEN bool_and(found.id IS NOT NULL) THEN string_agg(concat_ws(E'\n', wanted.name,
        (SELECT string_agg(concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attstorage,
                pg_get_expr(d.adbin, d.adrelid)), ', ' ORDER BY a.attname)
            FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
            WHERE a.attrelid = found.id AND a.attnum > 0 AND NOT a.attisdropped),
        (SELECT string_agg(replace(pg_get_indexdef(i.indexrelid), format(' ON %I.', place), ' ON '), ', ' ORDER BY i.indexrelid::regclass::text COLLATE "C")
            FROM pg_index i WHERE i.indrelid = found.id),
        (SELECT string_agg(concat_ws(' ', k.conname, pg_get_constraintdef(k.oid)), ', ' ORDER BY k.conname)
            FROM pg_constraint k WHERE k.conrelid = found.id),
        (SELECT string_agg(option, ', ' ORDER BY option) FROM pg_class c, unnest(c.reloptions) option WHERE c.oid = found.id),
        (SELECT string_agg(concat_ws(' ', a.grantee::regrole, a.privilege_type), ', ' ORDER BY a.grantee::regrole::text COLLATE "C", a.privilege_type)
            FROM pg_class c, aclexplode(c.relacl) a WHERE c.oid = found.id AND a.grantee NOT IN (0, c.relowner))
    ), E'\n\n' ORDER BY wanted.name) END
    FROM unnest(tables) wanted (name) CROSS JOIN LATERAL (SELECT to_regclass(format('%I.%I', place, wanted.name))::oid AS id) found
$$;

-- Drops what a projection has in a side room. Its tables are told by their comment, so that also those go which another version of the program made.
CREATE FUNCTION ops.drop_generation(place text, projection text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
BEGIN
    IF place NOT IN ('read_next', 'read_former', 'read_check') THEN
        RAISE EXCEPTION '% is no side room of the read models', place;
    END IF;
    FOR name IN SELECT c.relname FROM pg_class c
            WHERE c.relnamespace = place::regnamespace AND c.relkind = 'r' AND obj_description(c.oid, 'pg_class') = projection LOOP
        EXECUTE format('DROP TABLE %I.%I', place, name);
    END LOOP;
END
$$;

-- Makes empty tables like those in `read`, with the same names of everything, the same settings and grants.
CREATE FUNCTION ops.make_generation(place text, projection text, tables text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
    live oid;
    settings text;
    part record;
BEGIN
    PERFORM ops.drop_generation(place, projection);
    FOREACH name IN ARRAY tables LOOP
        live := format('read.%I', name)::regclass;
        -- These would stay with the table that leaves `read`.
        IF EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = live)
                OR EXISTS (SELECT FROM pg_depend d JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
                    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = live AND r.ev_class <> live) THEN
            RAISE EXCEPTION 'read.% has a view, a trigger or a foreign key, so it cannot change places', name;
        END IF;
        SELECT string_agg(option, ', ') INTO settings FROM (
            SELECT unnest(c.reloptions) AS option FROM pg_class c WHERE c.oid = live
            UNION ALL SELECT 'toast.' || unnest(t.reloptions) FROM pg_class c JOIN pg_class t ON t.oid = c.reltoastrelid WHERE c.oid = live) options;
        EXECUTE format('CREATE TABLE %I.%I (LIKE read.%I INCLUDING ALL EXCLUDING INDEXES EXCLUDING STATISTICS)', place, name, name)
            || coalesce(' WITH (' || settings || ')', '');
        EXECUTE format('COMMENT ON TABLE %I.%I IS %L', place, name, projection);
        FOR part IN SELECT k.conname, pg_get_constraintdef(k.oid) AS definition FROM pg_constraint k
                WHERE k.conrelid = live AND k.contype IN ('p', 'u', 'x') LOOP
            EXECUTE format('ALTER TABLE %I.%I ADD CONSTRAINT %I %s', place, name, part.conname, part.definition);
        END LOOP;
        FOR part IN SELECT pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i
                WHERE i.indrelid = live AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = live) LOOP
            EXECUTE replace(part.definition, format(' ON read.%I ', name), format(' ON %I.%I ', place, name));
        END LOOP;
        FOR part IN SELECT a.privilege_type, a.grantee::regrole AS role FROM pg_class c, aclexplode(c.relacl) a
                WHERE c.oid = live AND a.grantee NOT IN (0, c.relowner) LOOP
            EXECUTE format('GRANT %s ON %I.%I TO %s', part.privilege_type, place, name, part.role);
        END LOOP;
    END LOOP;
    IF ops.read_shape(place, tables) IS DISTINCT FROM ops.read_shape('read', tables) THEN
        RAISE EXCEPTION 'the tables of % could not be made like those in read', projection USING ERRCODE = 'LM801';
    END IF;
END
$$;

-- What was built and what queries see change places. The caller has set lock_timeout, holds both leases, and moves the bookmarks in the same transaction.
-- Every lock is taken before anything moves: a query that has seen one of the tables sees all of them as they were, and one that waits sees all of them new.
CREATE FUNCTION ops.switch_generation(projection text, tables text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
BEGIN
    EXECUTE (SELECT 'LOCK TABLE ' || string_agg(format('read.%I, read_next.%I', t.name, t.name), ', ') || ' IN ACCESS EXCLUSIVE MODE' FROM unnest(tables) t (name));
    IF ops.read_shape('read_next', tables) IS DISTINCT FROM ops.read_shape('read', tables) THEN
        RAISE EXCEPTION 'the tables of % were changed after the new ones had been begun', projection USING ERRCODE = 'LM801';
    END IF;
    FOREACH name IN ARRAY tables LOOP
        EXECUTE format('ALTER TABLE read.%I SET SCHEMA read_former', name);
        EXECUTE format('COMMENT ON TABLE read_former.%I IS %L', name, projection);
        EXECUTE format('ALTER TABLE read_next.%I SET SCHEMA read', name);
        EXECUTE format('COMMENT ON TABLE read.%I IS NULL', name);
    END LOOP;
END
$$;

-- The former tables become those that are filled next.
CREATE FUNCTION ops.adopt_former(projection text, tables text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
BEGIN
    IF ops.read_shape('read_former', tables) IS DISTINCT FROM ops.read_shape('read', tables) THEN
        RAISE EXCEPTION 'the tables of % were changed since', projection USING ERRCODE = 'LM801';
    END IF;
    PERFORM ops.drop_generation('read_next', projection);
    FOREACH name IN ARRAY tables LOOP
        EXECUTE format('ALTER TABLE read_former.%I SET SCHEMA read_next', name);
    END LOOP;
    PERFORM ops.drop_generation('read_former', projection);
END
$$;

-- Plans should fit what was filled before anybody asks it.
CREATE FUNCTION ops.analyze_next(tables text[]) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY tables LOOP
        EXECUTE format('ANALYZE read_next.%I', name);
    END LOOP;
END
$$;

REVOKE ALL ON FUNCTION ops.read_shape(text, text[]), ops.drop_generation(text, text), ops.make_generation(text, text, text[]),
    ops.switch_generation(text, text[]), ops.adopt_former(text, text[]), ops.analyze_next(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ops.read_shape(text, text[]), ops.drop_generation(text, text), ops.make_generation(text, text, text[]),
    ops.switch_generation(text, text[]), ops.adopt_former(text, text[]), ops.analyze_next(text[]) TO lethemail_projector;
