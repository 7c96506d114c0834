-- What history needs beyond the events, and the associations between Kafka resources and subjects.

-- Contents that a hard delete took out of schemas. Events name a content by context, id and hash; with this table they can always
-- show it. An id freed by a hard delete is never issued again, but an import may bring it back with another content.
CREATE TABLE archived_schemas (
    context     TEXT COLLATE "C" NOT NULL,
    id          BIGINT NOT NULL,
    hash        BYTEA  NOT NULL,
    schema_type TEXT   NOT NULL,
    text        TEXT   NOT NULL,
    refs        TEXT,
    metadata    TEXT,
    rule_set    TEXT,
    created_ms  BIGINT NOT NULL,
    PRIMARY KEY (context, id, hash)
);

-- Links between a resource (a topic) and a subject. frozen is 0 or 1.
CREATE TABLE associations (
    resource_id        TEXT COLLATE "C" NOT NULL,
    resource_type      TEXT COLLATE "C" NOT NULL,
    association_type   TEXT COLLATE "C" NOT NULL,
    resource_namespace TEXT COLLATE "C" NOT NULL,
    resource_name      TEXT COLLATE "C" NOT NULL,
    context            TEXT COLLATE "C" NOT NULL,
    subject            TEXT COLLATE "C" NOT NULL,
    lifecycle          TEXT   NOT NULL,
    frozen             BIGINT NOT NULL,
    guid               TEXT   NOT NULL,
    created_ms         BIGINT NOT NULL,
    updated_ms         BIGINT NOT NULL,
    PRIMARY KEY (resource_id, resource_type, association_type)
);
-- Serializers ask by the topic's name.
CREATE INDEX associations_by_name ON associations (resource_name, resource_namespace);
-- Deletes of a subject ask whether it is associated.
CREATE INDEX associations_by_subject ON associations (context, subject);
