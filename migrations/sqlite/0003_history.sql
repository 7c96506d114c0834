-- What history needs beyond the events, and the associations between Kafka resources and subjects.

-- Contents that a hard delete took out of schemas. Events name a content by context, id and hash; with this table they can always
-- show it. An id freed by a hard delete is never issued again, but an import may bring it back with another content.
CREATE TABLE archived_schemas (
    context     TEXT    NOT NULL,
    id          INTEGER NOT NULL,
    hash        BLOB    NOT NULL,
    schema_type TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    refs        TEXT,
    metadata    TEXT,
    rule_set    TEXT,
    created_ms  INTEGER NOT NULL,
    PRIMARY KEY (context, id, hash)
) STRICT;

-- Links between a resource (a topic) and a subject. frozen is 0 or 1.
CREATE TABLE associations (
    resource_id        TEXT    NOT NULL,
    resource_type      TEXT    NOT NULL,
    association_type   TEXT    NOT NULL,
    resource_namespace TEXT    NOT NULL,
    resource_name      TEXT    NOT NULL,
    context            TEXT    NOT NULL,
    subject            TEXT    NOT NULL,
    lifecycle          TEXT    NOT NULL,
    frozen             INTEGER NOT NULL,
    guid               TEXT    NOT NULL,
    created_ms         INTEGER NOT NULL,
    updated_ms         INTEGER NOT NULL,
    PRIMARY KEY (resource_id, resource_type, association_type)
) STRICT, WITHOUT ROWID;
-- Serializers ask by the topic's name.
CREATE INDEX associations_by_name ON associations (resource_name, resource_namespace);
-- Deletes of a subject ask whether it is associated.
CREATE INDEX associations_by_subject ON associations (context, subject);
