-- Versions of an id are read in the order of the index.
DROP INDEX versions_by_id;
CREATE INDEX versions_by_id ON versions (context, id, subject, version);
