-- The registry's state. Every key starts with the context: ids, content and subjects are separate per context.

-- Facts about this installation: 'cluster_id'.
CREATE TABLE meta (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
);

CREATE TABLE contexts (
    context    TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    created_ms BIGINT NOT NULL
);

-- Next id per context. Only ever grows, so an id freed by a hard delete is never issued again. Advanced in a transaction of
-- its own, so that registrations never wait for one another's commit; an abandoned registration leaves a gap.
CREATE TABLE id_allocators (
    context TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    next_id BIGINT NOT NULL CHECK (next_id >= 0)
) WITH (fillfactor = 50);

-- Immutable schema content. hash is the 16-byte content hash from which the GUID is printed; it covers text, references,
-- metadata and rule set. Imports may give one content several ids, so (context, hash) is unique in preferred_ids, not here.
CREATE TABLE schemas (
    context     TEXT COLLATE "C" NOT NULL,
    id          BIGINT NOT NULL CHECK (id >= 0),
    hash        BYTEA  NOT NULL CHECK (length(hash) = 16),
    schema_type TEXT   NOT NULL,
    text        TEXT   NOT NULL,
    refs        TEXT,
    metadata    TEXT,
    rule_set    TEXT,
    created_ms  BIGINT NOT NULL,
    PRIMARY KEY (context, id)
);
-- GET /schemas/guids/{guid} searches all contexts by hash.
CREATE INDEX schemas_by_hash ON schemas (hash, context, id);

-- The id that new registrations of a content get. Arbitrates between concurrent registrations of the same content.
CREATE TABLE preferred_ids (
    context TEXT COLLATE "C" NOT NULL,
    hash    BYTEA  NOT NULL,
    id      BIGINT NOT NULL,
    PRIMARY KEY (context, hash),
    FOREIGN KEY (context, id) REFERENCES schemas (context, id) DEFERRABLE INITIALLY DEFERRED
);
-- Removing a content by id must find its mapping.
CREATE INDEX preferred_ids_by_id ON preferred_ids (context, id);

-- deleted_ms is null while the version is live, else the time of the soft delete.
CREATE TABLE versions (
    context    TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    version    BIGINT NOT NULL CHECK (version BETWEEN 1 AND 2147483647),
    id         BIGINT NOT NULL,
    ts_ms      BIGINT NOT NULL,
    deleted_ms BIGINT,
    PRIMARY KEY (context, subject, version),
    FOREIGN KEY (context, id) REFERENCES schemas (context, id)
);
-- GET /schemas/ids/{id}/subjects and /versions, and the check whether a content is still in use.
CREATE INDEX versions_by_id ON versions (context, id);

-- One row per reference of a content, with its target resolved to a context.
CREATE TABLE schema_references (
    context        TEXT COLLATE "C" NOT NULL,
    id             BIGINT NOT NULL,
    position       BIGINT NOT NULL,
    target_context TEXT COLLATE "C" NOT NULL,
    target_subject TEXT COLLATE "C" NOT NULL,
    target_version BIGINT NOT NULL,
    PRIMARY KEY (context, id, position),
    FOREIGN KEY (context, id) REFERENCES schemas (context, id) ON DELETE CASCADE
);
-- referencedby and the deletion guards ask by target.
CREATE INDEX schema_references_by_target ON schema_references (target_context, target_subject, target_version);

-- Config (JSON) and mode by scope: a subject, or a whole context when subject is ''. The context '.' with subject '' is the
-- global scope, '.__GLOBAL' with subject '' the scope of all contexts. A row exists while either column is set.
CREATE TABLE settings (
    context TEXT COLLATE "C" NOT NULL,
    subject TEXT COLLATE "C" NOT NULL,
    config  TEXT,
    mode    TEXT,
    PRIMARY KEY (context, subject)
);

-- Every change writes one row in its own transaction. seal, prev_hash and hash are filled just after the commit, in commit
-- order: hash covers prev_hash and the row. xid lets a reader of the change feed tell which rows may still be overtaken by a
-- transaction that has not committed yet.
CREATE TABLE events (
    revision   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ts_ms      BIGINT NOT NULL,
    principal  TEXT   NOT NULL,
    address    TEXT,
    request_id TEXT,
    action     TEXT   NOT NULL,
    context    TEXT   COLLATE "C" NOT NULL,
    subject    TEXT   COLLATE "C" NOT NULL,
    version    BIGINT,
    id         BIGINT,
    before     TEXT,
    after      TEXT,
    seal       BIGINT UNIQUE,
    prev_hash  BYTEA,
    hash       BYTEA,
    xid        XID8   NOT NULL DEFAULT pg_current_xact_id()
);
-- History of one subject.
CREATE INDEX events_by_subject ON events (context, subject, revision);
-- The sealer looks for what is not sealed yet.
CREATE INDEX events_unsealed ON events (revision) WHERE seal IS NULL;
-- The change feed reads what became visible since its last snapshot.
CREATE INDEX events_by_xid ON events (xid);
