//! Postgres: one exchange, the call of a function of the database that takes the locks, looks, and writes.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::Row as _;
use sqlx::postgres::PgConnection;

use super::super::super::error::StoreError;
use super::super::super::lock::AdvisoryLock;
use super::super::super::model::{Append, Appended};
use super::super::changes::json;
use super::super::rows;

/// Place in the list, id and revision of every version that was written; the transaction is the statement.
const APPEND: &str = "SELECT place, schema_id, event_revision FROM append_versions($1, $2, CAST($3 AS json))";

/// One version as the function sees it.
#[derive(Serialize)]
struct Item<'a> {
    n: usize,
    c: &'a str,
    s: &'a str,
    h: String,
    v: i32,
    /// The stamp it was judged at.
    ss: i64,
    sc: i64,
    ty: &'static str,
    x: &'a str,
    m: Option<String>,
    ru: Option<String>,
    ts: i64,
    p: &'a str,
    a: Option<&'a str>,
    q: Option<&'a str>,
    ac: &'static str,
    b: Option<&'a str>,
    af: Option<&'a str>,
}

impl<'a> Item<'a> {
    fn new(n: usize, version: &'a Append) -> Result<Self, StoreError> {
        let Append { subject, stamp, schema, event, .. } = version;
        Ok(Self {
            n,
            c: subject.context.as_str(),
            s: &subject.subject,
            h: hex::encode(schema.hash.as_bytes()),
            v: version.version.get(),
            ss: stamp.subject,
            sc: stamp.scopes,
            ty: schema.schema_type.as_str(),
            x: &schema.text,
            m: schema.metadata.as_ref().map(json).transpose()?,
            ru: schema.rule_set.as_ref().map(json).transpose()?,
            ts: event.ts_ms,
            p: &event.principal,
            a: event.address.as_deref(),
            q: event.request_id.as_deref(),
            ac: event.action,
            b: event.before.as_deref(),
            af: event.after.as_deref(),
        })
    }
}

/// Writes those versions whose stamp holds, in a transaction of its own that holds these locks.
pub(in super::super::super) async fn append(
    connection: &mut PgConnection,
    locks: Vec<AdvisoryLock>,
    versions: &[Append],
) -> Result<Vec<Appended>, StoreError> {
    let items: Result<Vec<_>, _> =
        versions.iter().enumerate().map(|(n, version)| Item::new(n, version)).collect();
    let (keys, exclusive): (Vec<i64>, Vec<bool>) = locks.into_iter().unzip();
    let call = sqlx::query(APPEND).bind(keys).bind(exclusive).bind(json(&items?)?);
    let mut written = HashMap::new();
    for row in call.fetch_all(connection).await? {
        let (place, id, revision): (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        written.insert(place, Appended::Written { id: rows::schema_id(id)?, revision });
    }
    let places = (0..).take(versions.len());
    Ok(places.map(|place| written.get(&place).copied().unwrap_or(Appended::Stale)).collect())
}
