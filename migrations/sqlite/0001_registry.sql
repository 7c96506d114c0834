-- The registry's state. Every key starts with the context: ids, content and subjects are separate per context.

-- Facts about this installation: 'cluster_id'.
CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE contexts (
    context    TEXT    NOT NULL PRIMARY KEY,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Next id per context. Only ever grows, so an id freed by a hard delete is never issued again.
CREATE TABLE id_allocators (
    context TEXT    NOT NULL PRIMARY KEY,
    next_id INTEGER NOT NULL CHECK (next_id >= 0)
) STRICT, WITHOUT ROWID;

-- Immutable schema content. hash is the 16-byte content hash from which the GUID is printed; it covers text, references,
-- metadata and rule set. Imports may give one content several ids, so (context, hash) is unique in preferred_ids, not here.
CREATE TABLE schemas (
    context     TEXT    NOT NULL,
    id          INTEGER NOT NULL CHECK (id >= 0),
    hash        BLOB    NOT NULL CHECK (length(hash) = 16),
    schema_type TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    refs        TEXT,
    metadata    TEXT,
    rule_set    TEXT,
    created_ms  INTEGER NOT NULL,
    PRIMARY KEY (context, id)
) STRICT;
-- GET /schemas/guids/{guid} searches all contexts by hash.
CREATE INDEX schemas_by_hash ON schemas (hash, context, id);

-- The id that new registrations of a content get. Arbitrates between concurrent registrations of the same content.
CREATE TABLE preferred_ids (
    context TEXT    NOT NULL,
    hash    BLOB    NOT NULL,
    id      INTEGER NOT NULL,
    PRIMARY KEY (context, hash),
    FOREIGN KEY (context, id) REFERENCES schemas (context, id) DEFERRABLE INITIALLY DEFERRED
) STRICT, WITHOUT ROWID;
-- Removing a content by id must find its mapping.
CREATE INDEX preferred_ids_by_id ON preferred_ids (context, id);

-- deleted_ms is null while the version is live, else the time of the soft delete.
CREATE TABLE versions (
    context    TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    version    INTEGER NOT NULL CHECK (version BETWEEN 1 AND 2147483647),
    id         INTEGER NOT NULL,
    ts_ms      INTEGER NOT NULL,
    deleted_ms INTEGER,
    PRIMARY KEY (context, subject, version),
    FOREIGN KEY (context, id) REFERENCES schemas (context, id)
) STRICT, WITHOUT ROWID;
-- GET /schemas/ids/{id}/subjects and /versions, and the check whether a content is still in use.
CREATE INDEX versions_by_id ON versions (context, id);

-- One row per reference of a content, with its target resolved to a context.
CREATE TABLE schema_references (
    context        TEXT    NOT NULL,
    id             INTEGER NOT NULL,
    position       INTEGER NOT NULL,
    target_context TEXT    NOT NULL,
    target_subject TEXT    NOT NULL,
    target_version INTEGER NOT NULL,
    PRIMARY KEY (context, id, position),
    FOREIGN KEY (context, id) REFERENCES schemas (context, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
-- referencedby and the deletion guards ask by target.
CREATE INDEX schema_references_by_target ON schema_references (target_context, target_subject, target_version);

-- Config (JSON) and mode by scope: a subject, or a whole context when subject is ''. The context '.' with subject '' is the
-- global scope, '.__GLOBAL' with subject '' the scope of all contexts. A row exists while either column is set.
CREATE TABLE settings (
    context TEXT NOT NULL,
    subject TEXT NOT NULL,
    config  TEXT,
    mode    TEXT,
    PRIMARY KEY (context, subject)
) STRICT, WITHOUT ROWID;

-- Every change writes one row in its own transaction. seal, prev_hash and hash are filled just after the commit, in commit
-- order: hash covers prev_hash and the row.
CREATE TABLE events (
    revision   INTEGER PRIMARY KEY AUTOINCREMENT,
    ts_ms      INTEGER NOT NULL,
    principal  TEXT    NOT NULL,
    address    TEXT,
    request_id TEXT,
    action     TEXT    NOT NULL,
    context    TEXT    NOT NULL,
    subject    TEXT    NOT NULL,
    version    INTEGER,
    id         INTEGER,
    before     TEXT,
    after      TEXT,
    seal       INTEGER UNIQUE,
    prev_hash  BLOB,
    hash       BLOB
) STRICT;
-- History of one subject.
CREATE INDEX events_by_subject ON events (context, subject, revision);
-- The sealer looks for what is not sealed yet.
CREATE INDEX events_unsealed ON events (revision) WHERE seal IS NULL;
