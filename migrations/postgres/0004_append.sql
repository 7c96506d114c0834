-- Appends judged versions: takes the locks of their subjects in the order given, then writes every version whose stamp still holds, with
-- its content, its id and its event. Answers one row for each that was written. The function is volatile, so its later statements see
-- what was committed before the locks were granted. Allocators, contents and contexts are visited in one order by every caller. A
-- statement for each row costs less than one for all: small plans are kept, and started in a fraction of the time.
CREATE FUNCTION append_versions(lock_keys BIGINT[], lock_exclusive BOOLEAN[], items JSON)
RETURNS TABLE (place BIGINT, schema_id BIGINT, event_revision BIGINT)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    item RECORD;
    -- The context of the rows that come, the stamp of its scopes, and whether it is known to be listed.
    here TEXT;
    scopes BIGINT;
    listed BOOLEAN;
BEGIN
    PERFORM CASE WHEN wanted.exclusive THEN pg_advisory_xact_lock(wanted.key) ELSE pg_advisory_xact_lock_shared(wanted.key) END
    FROM unnest(lock_keys, lock_exclusive) AS wanted(key, exclusive);
    FOR item IN
        SELECT i.*, decode(i.h, 'hex') AS hash FROM json_to_recordset(items) AS i(n BIGINT, c TEXT, s TEXT, h TEXT, v BIGINT, ss BIGINT,
            sc BIGINT, ty TEXT, x TEXT, m TEXT, ru TEXT, ts BIGINT, p TEXT, a TEXT, q TEXT, ac TEXT, b TEXT, af TEXT)
        ORDER BY i.c, i.h, i.n
    LOOP
        IF here IS DISTINCT FROM item.c THEN
            here := item.c;
            listed := FALSE;
            scopes := COALESCE((SELECT e.revision FROM events e WHERE e.context = here AND e.subject = '' ORDER BY e.revision DESC LIMIT 1), 0)
                + COALESCE((SELECT e.revision FROM events e WHERE e.context = '.' AND e.subject = '' ORDER BY e.revision DESC LIMIT 1), 0)
                + COALESCE((SELECT e.revision FROM events e WHERE e.context = '.__GLOBAL' AND e.subject = ''
                    ORDER BY e.revision DESC LIMIT 1), 0);
        END IF;
        CONTINUE WHEN item.sc <> scopes OR item.ss <> COALESCE((SELECT e.revision FROM events e
            WHERE e.context = item.c AND e.subject = item.s ORDER BY e.revision DESC LIMIT 1), 0);
        SELECT known.id INTO schema_id FROM preferred_ids known WHERE known.context = item.c AND known.hash = item.hash;
        IF NOT FOUND THEN
            INSERT INTO id_allocators AS allocator (context, next_id) VALUES (item.c, 2)
            ON CONFLICT (context) DO UPDATE SET next_id = allocator.next_id + 1
            RETURNING allocator.next_id - 1 INTO schema_id;
            -- Ids end at the largest 32-bit integer: beyond it the cast fails, and with it the whole call.
            INSERT INTO schemas (context, id, hash, schema_type, text, metadata, rule_set, created_ms)
            VALUES (item.c, CAST(schema_id AS INTEGER), item.hash, item.ty, item.x, item.m, item.ru, item.ts);
            INSERT INTO preferred_ids (context, hash, id) VALUES (item.c, item.hash, schema_id);
        END IF;
        IF NOT listed THEN
            INSERT INTO contexts (context, created_ms) VALUES (item.c, item.ts) ON CONFLICT (context) DO NOTHING;
            listed := TRUE;
        END IF;
        INSERT INTO versions (context, subject, version, id, ts_ms) VALUES (item.c, item.s, item.v, schema_id, item.ts);
        INSERT INTO events AS event (ts_ms, principal, address, request_id, action, context, subject, version, id, before, after)
        VALUES (item.ts, item.p, item.a, item.q, item.ac, item.c, item.s, item.v, schema_id, item.b, item.af)
        RETURNING event.revision INTO event_revision;
        place := item.n;
        RETURN NEXT;
    END LOOP;
END
$$;
