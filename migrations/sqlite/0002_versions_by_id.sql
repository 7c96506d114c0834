-- Versions of an id are found by the index also without statistics about the tables: it holds all that is read, so it is never worse
-- than walking a whole context in the order of the primary key.
DROP INDEX versions_by_id;
CREATE INDEX versions_by_id ON versions (context, id, subject, version, ts_ms, deleted_ms);
