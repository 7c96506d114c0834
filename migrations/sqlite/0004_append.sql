-- Appending a version with its content and its event is one insert into this view, so that it costs one statement. Who inserts says the
-- revision: if anything was changed since the end of the events was read, it is taken, and the statement fails as a whole. It is refused
-- with the message 'stale' unless stamp is the last revision of its subject and its content is new. content_hash is null for a content
-- that is stored already, seal for an event that is to be sealed later, chain_end for all but the last row that is sealed.
CREATE VIEW appended_versions AS SELECT
    NULL AS revision, NULL AS ts_ms, NULL AS principal, NULL AS address, NULL AS request_id, NULL AS action, NULL AS context,
    NULL AS subject, NULL AS version, NULL AS id, NULL AS before, NULL AS after, NULL AS seal, NULL AS prev_hash, NULL AS hash,
    NULL AS chain_end, NULL AS stamp, NULL AS content_hash, NULL AS schema_type, NULL AS text, NULL AS metadata, NULL AS rule_set
    WHERE false;

CREATE TRIGGER append_version INSTEAD OF INSERT ON appended_versions BEGIN
    SELECT RAISE(ABORT, 'stale')
    WHERE NEW.stamp <> COALESCE((SELECT revision FROM events WHERE context = NEW.context AND subject = NEW.subject
            ORDER BY revision DESC LIMIT 1), 0)
        OR EXISTS (SELECT 1 FROM preferred_ids WHERE context = NEW.context AND hash = NEW.content_hash);
    INSERT INTO contexts (context, created_ms) SELECT NEW.context, NEW.ts_ms
    WHERE NOT EXISTS (SELECT 1 FROM contexts WHERE context = NEW.context);
    INSERT INTO id_allocators (context, next_id) SELECT NEW.context, NEW.id + 1 WHERE NEW.content_hash IS NOT NULL
    ON CONFLICT (context) DO UPDATE SET next_id = excluded.next_id;
    INSERT INTO schemas (context, id, hash, schema_type, text, metadata, rule_set, created_ms)
    SELECT NEW.context, NEW.id, NEW.content_hash, NEW.schema_type, NEW.text, NEW.metadata, NEW.rule_set, NEW.ts_ms
    WHERE NEW.content_hash IS NOT NULL;
    INSERT INTO preferred_ids (context, hash, id) SELECT NEW.context, NEW.content_hash, NEW.id WHERE NEW.content_hash IS NOT NULL;
    INSERT INTO versions (context, subject, version, id, ts_ms) VALUES (NEW.context, NEW.subject, NEW.version, NEW.id, NEW.ts_ms);
    INSERT INTO events (revision, ts_ms, principal, address, request_id, action, context, subject, version, id, before, after,
        seal, prev_hash, hash)
    VALUES (NEW.revision, NEW.ts_ms, NEW.principal, NEW.address, NEW.request_id, NEW.action, NEW.context, NEW.subject, NEW.version,
        NEW.id, NEW.before, NEW.after, NEW.seal, NEW.prev_hash, NEW.hash);
    INSERT INTO meta (name, value) SELECT 'chain_end', NEW.chain_end WHERE NEW.chain_end IS NOT NULL
    ON CONFLICT (name) DO UPDATE SET value = excluded.value;
END;
