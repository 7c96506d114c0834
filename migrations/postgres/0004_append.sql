-- Appends judged versions: takes the locks of their subjects in the order given, then writes every version whose stamp still holds, with
-- its content, its id and its event. Answers one row for each that was written. The function is volatile, so its second statement sees
-- what was committed before the locks were granted. Allocators, contents and contexts are visited in one order by every caller.
CREATE FUNCTION append_versions(lock_keys BIGINT[], lock_exclusive BOOLEAN[], items JSON)
RETURNS TABLE (place BIGINT, schema_id BIGINT, event_revision BIGINT)
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM CASE WHEN wanted.exclusive THEN pg_advisory_xact_lock(wanted.key) ELSE pg_advisory_xact_lock_shared(wanted.key) END
    FROM unnest(lock_keys, lock_exclusive) AS wanted(key, exclusive);
    RETURN QUERY
    WITH item AS MATERIALIZED (
        SELECT i.*, decode(i.h, 'hex') AS hash FROM json_to_recordset(items) AS i(n BIGINT, c TEXT, s TEXT, h TEXT, v BIGINT, ss BIGINT,
            sc BIGINT, ty TEXT, x TEXT, m TEXT, ru TEXT, ts BIGINT, p TEXT, a TEXT, q TEXT, ac TEXT, b TEXT, af TEXT)
    ),
    scope AS MATERIALIZED (
        SELECT d.c,
            COALESCE((SELECT e.revision FROM events e WHERE e.context = d.c AND e.subject = '' ORDER BY e.revision DESC LIMIT 1), 0)
            + COALESCE((SELECT e.revision FROM events e WHERE e.context = '.' AND e.subject = '' ORDER BY e.revision DESC LIMIT 1), 0)
            + COALESCE((SELECT e.revision FROM events e WHERE e.context = '.__GLOBAL' AND e.subject = ''
                ORDER BY e.revision DESC LIMIT 1), 0) AS stamp
        FROM (SELECT DISTINCT item.c FROM item) d
    ),
    held AS MATERIALIZED (
        SELECT item.*, known.id AS known
        FROM item
        JOIN scope ON scope.c = item.c AND scope.stamp = item.sc
        LEFT JOIN preferred_ids known ON known.context = item.c AND known.hash = item.hash
        WHERE item.ss = COALESCE((SELECT e.revision FROM events e WHERE e.context = item.c AND e.subject = item.s
            ORDER BY e.revision DESC LIMIT 1), 0)
    ),
    fresh AS MATERIALIZED (
        SELECT DISTINCT ON (held.c, held.hash) held.* FROM held WHERE held.known IS NULL ORDER BY held.c, held.hash, held.n
    ),
    counted AS MATERIALIZED (SELECT fresh.c, COUNT(*) AS count FROM fresh GROUP BY fresh.c),
    allocated AS (
        INSERT INTO id_allocators AS allocator (context, next_id) SELECT counted.c, 1 + counted.count FROM counted ORDER BY counted.c
        ON CONFLICT (context) DO UPDATE SET next_id = allocator.next_id + excluded.next_id - 1
        RETURNING allocator.context, allocator.next_id
    ),
    numbered AS MATERIALIZED (
        -- Ids end at the largest 32-bit integer: beyond it the cast fails, and with it the whole call.
        SELECT fresh.*, CAST(CAST(allocated.next_id - counted.count - 1 + ROW_NUMBER() OVER (PARTITION BY fresh.c ORDER BY fresh.n)
            AS INTEGER) AS BIGINT) AS id
        FROM fresh JOIN counted ON counted.c = fresh.c JOIN allocated ON allocated.context = fresh.c
    ),
    claimed AS (
        INSERT INTO preferred_ids (context, hash, id)
        SELECT numbered.c, numbered.hash, numbered.id FROM numbered ORDER BY numbered.c, numbered.hash
    ),
    stored AS (
        INSERT INTO schemas (context, id, hash, schema_type, text, metadata, rule_set, created_ms)
        SELECT numbered.c, numbered.id, numbered.hash, numbered.ty, numbered.x, numbered.m, numbered.ru, numbered.ts FROM numbered
    ),
    written AS MATERIALIZED (
        SELECT held.*, COALESCE(held.known, numbered.id) AS id
        FROM held LEFT JOIN numbered ON numbered.c = held.c AND numbered.hash = held.hash
    ),
    contexts_added AS (
        INSERT INTO contexts (context, created_ms) SELECT written.c, MIN(written.ts) FROM written GROUP BY written.c ORDER BY written.c
        ON CONFLICT (context) DO NOTHING
    ),
    appended AS (
        INSERT INTO versions (context, subject, version, id, ts_ms)
        SELECT written.c, written.s, written.v, written.id, written.ts FROM written
    ),
    noted AS (
        INSERT INTO events AS event (ts_ms, principal, address, request_id, action, context, subject, version, id, before, after)
        SELECT written.ts, written.p, written.a, written.q, written.ac, written.c, written.s, written.v, written.id, written.b, written.af
        FROM written ORDER BY written.n
        RETURNING event.revision, event.context, event.subject
    )
    SELECT written.n, written.id, noted.revision
    FROM written JOIN noted ON noted.context = written.c AND noted.subject = written.s;
END
$$;
