//! All that is stored about one subject, in one statement and so seen at one moment.

use assay_schema_core::{Guid, QualifiedSubject};

use super::super::connection::{Arg, Connection, Row};
use super::super::error::StoreError;
use super::super::model::{ScopeSettings, Stamp, SubjectRows, VersionRow};
use super::rows;

const VERSION: i64 = 0;
const SETTINGS: i64 = 1;

/// Kind of row, then four integers, a hash and four texts; each kind uses some.
const SUBJECT: &str = "SELECT CAST(0 AS BIGINT) AS kind, v.version AS a, v.id AS b, v.ts_ms AS c, v.deleted_ms AS d, s.hash AS h, \
    CAST(NULL AS TEXT) AS e, CAST(NULL AS TEXT) AS f, CAST(NULL AS TEXT) AS g, CAST(NULL AS TEXT) AS i \
    FROM versions v JOIN schemas s ON s.context = v.context AND s.id = v.id WHERE v.context = $1 AND v.subject = $2 \
    UNION ALL SELECT CAST(1 AS BIGINT), NULL, NULL, NULL, NULL, NULL, context, subject, config, mode FROM settings \
    WHERE (context = $1 AND subject = $2) OR (context = $1 AND subject = '') OR (context = '.' AND subject = '') \
    OR (context = '.__GLOBAL' AND subject = '') \
    UNION ALL SELECT CAST(2 AS BIGINT), \
    COALESCE((SELECT revision FROM events WHERE context = $1 AND subject = $2 ORDER BY revision DESC LIMIT 1), 0), \
    COALESCE((SELECT revision FROM events WHERE context = $1 AND subject = '' ORDER BY revision DESC LIMIT 1), 0) \
    + COALESCE((SELECT revision FROM events WHERE context = '.' AND subject = '' ORDER BY revision DESC LIMIT 1), 0) \
    + COALESCE((SELECT revision FROM events WHERE context = '.__GLOBAL' AND subject = '' ORDER BY revision DESC LIMIT 1), 0), \
    NULL, NULL, NULL, NULL, NULL, NULL, NULL";

pub(super) async fn read(
    connection: &mut Connection<'_>,
    subject: &QualifiedSubject,
) -> Result<SubjectRows, StoreError> {
    let args = [Arg::Text(subject.context.as_str()), Arg::Text(&subject.subject)];
    let mut found = SubjectRows::default();
    let mut versions = Vec::new();
    for row in connection.fetch_all(SUBJECT, &args).await? {
        match row.integer(0)? {
            VERSION => versions.push(version(subject, &row)?),
            SETTINGS => found.settings.push(settings(&row)?),
            _ => found.stamp = Stamp { subject: row.integer(1)?, scopes: row.integer(2)? },
        }
    }
    versions.sort_unstable_by_key(|(row, _)| row.version);
    (found.versions, found.hashes) = versions.into_iter().unzip();
    Ok(found)
}

fn version(subject: &QualifiedSubject, row: &Row) -> Result<(VersionRow, Guid), StoreError> {
    let version = VersionRow {
        subject: subject.clone(),
        version: rows::version_number(row.integer(1)?)?,
        id: rows::schema_id(row.integer(2)?)?,
        ts_ms: row.integer(3)?,
        deleted: row.optional_integer(4)?.is_some(),
    };
    Ok((version, rows::guid(&row.blob(5)?)?))
}

fn settings(row: &Row) -> Result<ScopeSettings, StoreError> {
    rows::scope(&row.text(6)?, row.text(7)?, row.optional_text(8)?, row.optional_text(9)?)
}
