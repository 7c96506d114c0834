//! `SQLite`: one exchange that writes, where what the last append left is still how things are; the database checks that as it writes.
//! Else two: one to begin and look, one to write and commit. Its only writer knows the revisions that come, so the events go into the
//! hash chain as they are written.

use std::collections::HashMap;

use assay_schema_core::{Context, Guid, QualifiedSubject, SchemaId};
use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

use super::super::super::connection::{Arg, Connection, Row};
use super::super::super::error::StoreError;
use super::super::super::model::{Append, Appended, Event};
use super::super::changes::json;
use super::super::{events, rows};

/// Per version, in order: the last revision of its subject, the stamp of its scopes, the id that its content has, the next id of its
/// context; and the last revision, the end of the hash chain (no number while events outside the chain wait for it).
const CHECK: &str = "BEGIN IMMEDIATE; WITH j(n, v) AS MATERIALIZED (SELECT key, value FROM json_each($1)) SELECT \
    COALESCE((SELECT revision FROM events WHERE context = v ->> 'c' AND subject = v ->> 's' ORDER BY revision DESC LIMIT 1), 0), \
    COALESCE((SELECT revision FROM events WHERE context = v ->> 'c' AND subject = '' ORDER BY revision DESC LIMIT 1), 0) \
    + COALESCE((SELECT revision FROM events WHERE context = '.' AND subject = '' ORDER BY revision DESC LIMIT 1), 0) \
    + COALESCE((SELECT revision FROM events WHERE context = '.__GLOBAL' AND subject = '' ORDER BY revision DESC LIMIT 1), 0), \
    (SELECT id FROM preferred_ids WHERE context = v ->> 'c' AND hash = unhex(v ->> 'h')), \
    COALESCE((SELECT next_id FROM id_allocators WHERE context = v ->> 'c'), 1), \
    COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0), \
    CASE WHEN NOT EXISTS (SELECT 1 FROM events WHERE seal IS NULL) THEN COALESCE((SELECT MAX(seal) FROM events), 0) END, \
    (SELECT hash FROM events WHERE seal IS NOT NULL ORDER BY seal DESC LIMIT 1) \
    FROM j ORDER BY n";

/// The trigger of the view writes all tables. Each value is taken out of the list once: it is text, which costs to make.
macro_rules! insert_rows {
    () => {
        "WITH j(v) AS MATERIALIZED (SELECT value FROM json_each($1)) \
        INSERT INTO appended_versions (revision, ts_ms, principal, address, request_id, action, context, subject, version, \
        id, before, after, seal, prev_hash, hash, chain_end, stamp, content_hash, schema_type, text, metadata, rule_set) \
        SELECT v ->> 'r', v ->> 'ts', v ->> 'p', v ->> 'a', v ->> 'q', v ->> 'ac', v ->> 'c', v ->> 's', \
        v ->> 'v', v ->> 'id', v ->> 'b', v ->> 'af', v ->> 'n', unhex(v ->> 'ph'), unhex(v ->> 'hh'), \
        v ->> 'e', v ->> 'st', unhex(v ->> 'h'), v ->> 'ty', v ->> 'x', v ->> 'm', v ->> 'ru' \
        FROM j"
    };
}
/// A transaction of its own.
const WRITE: &str = insert_rows!();
const WRITE_AND_COMMIT: &str = concat!(insert_rows!(), "; COMMIT");
const ROLLBACK: &str = "ROLLBACK";

/// Where things stand after an append that found nothing unusual.
pub(in super::super::super) struct End {
    /// The last revision. Whatever changes after it takes the next one, which an append that goes by it then finds taken.
    revision: i64,
    /// Number and hash of the last sealed event; `None` while there are others before it.
    seal: Option<(i64, Vec<u8>)>,
    contexts: HashMap<Context, Scope>,
}

/// What is stored about a context.
#[derive(Clone, Copy)]
struct Scope {
    next_id: i64,
    /// The scopes' part of the stamps of its subjects.
    stamp: i64,
}

/// What is stored about one version's subject and content.
struct Known {
    /// The subject's part of its stamp.
    stamp: i64,
    id: Option<SchemaId>,
}

/// What identifies one version and its content.
#[derive(Serialize)]
struct Key<'a> {
    c: &'a str,
    s: &'a str,
    h: String,
}

/// A version with its event, its place in the chain if it has one, and its content if that is not stored yet.
#[derive(Serialize)]
struct NewRow<'a> {
    r: i64,
    ts: i64,
    p: &'a str,
    a: Option<&'a str>,
    q: Option<&'a str>,
    ac: &'static str,
    c: &'a str,
    s: &'a str,
    v: i32,
    id: i32,
    b: Option<&'a str>,
    af: Option<&'a str>,
    n: Option<i64>,
    ph: Option<String>,
    hh: Option<String>,
    e: Option<String>,
    st: i64,
    h: Option<String>,
    ty: &'static str,
    x: Option<&'a str>,
    m: Option<String>,
    ru: Option<String>,
}

/// Writes those versions whose stamp holds, in a transaction of its own, and leaves in `end` what the next append may try to go by. After
/// an error the connection may be inside that transaction.
pub(in super::super::super) async fn append(
    connection: &mut SqliteConnection,
    versions: &[Append],
    end: &mut Option<End>,
) -> Result<Vec<Appended>, StoreError> {
    let mut connection = Connection::Sqlite(connection);
    if let Some(known) = end.take()
        && let Some((appended, after)) = try_at(&mut connection, versions, known).await?
    {
        *end = Some(after);
        return Ok(appended);
    }
    let (known, mut found) = check(&mut connection, versions).await?;
    let (rows, appended) = plan(versions, &known, &mut found)?;
    if rows.is_empty() {
        connection.execute(ROLLBACK, &[]).await?;
        return Ok(appended);
    }
    connection.execute(WRITE_AND_COMMIT, &[Arg::Text(&json(&rows)?)]).await?;
    let all_new = known.iter().all(|known| known.id.is_none()) && rows.len() == versions.len();
    *end = Some(found).filter(|found| all_new && found.seal.is_some());
    Ok(appended)
}

/// Writes the versions if all subjects are as they were judged, all contents are new, and `end` is still where things stand. Otherwise
/// nothing is changed.
async fn try_at(
    connection: &mut Connection<'_>,
    versions: &[Append],
    mut end: End,
) -> Result<Option<(Vec<Appended>, End)>, StoreError> {
    if versions.iter().any(|version| !end.contexts.contains_key(&version.subject.context)) {
        return Ok(None);
    }
    let known = versions.iter().map(|version| Known { stamp: version.stamp.subject, id: None });
    let (rows, appended) = plan(versions, &known.collect::<Vec<_>>(), &mut end)?;
    if rows.is_empty() {
        return Ok(None);
    }
    match connection.execute(WRITE, &[Arg::Text(&json(&rows)?)]).await {
        Ok(_) => Ok(Some((appended, end))),
        Err(StoreError::Conflict(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn check(
    connection: &mut Connection<'_>,
    versions: &[Append],
) -> Result<(Vec<Known>, End), StoreError> {
    fn key(version: &Append) -> Key<'_> {
        Key {
            c: version.subject.context.as_str(),
            s: &version.subject.subject,
            h: hex::encode(version.schema.hash.as_bytes()),
        }
    }
    let keys: Vec<Key<'_>> = versions.iter().map(key).collect();
    let found = connection.fetch_all(CHECK, &[Arg::Text(&json(&keys)?)]).await?;
    let mut end = found.first().map(end).transpose()?.unwrap_or_else(|| End {
        revision: 0,
        seal: None,
        contexts: HashMap::new(),
    });
    let mut known = Vec::with_capacity(found.len());
    for (version, row) in versions.iter().zip(&found) {
        let id = row.optional_integer(2)?.map(rows::schema_id).transpose()?;
        known.push(Known { stamp: row.integer(0)?, id });
        let scope = Scope { stamp: row.integer(1)?, next_id: row.integer(3)? };
        end.contexts.insert(version.subject.context.clone(), scope);
    }
    Ok((known, end))
}

fn end(row: &Row) -> Result<End, StoreError> {
    let hash = row.optional_blob(6)?.unwrap_or_default();
    let seal = row.optional_integer(5)?.map(|number| (number, hash));
    Ok(End { revision: row.integer(4)?, seal, contexts: HashMap::new() })
}

/// The rows to write after `end`, which they move, and what becomes of each version.
fn plan<'a>(
    versions: &'a [Append],
    known: &[Known],
    end: &mut End,
) -> Result<(Vec<NewRow<'a>>, Vec<Appended>), StoreError> {
    let mut rows = Vec::with_capacity(versions.len());
    let mut appended = Vec::with_capacity(versions.len());
    // Ids of the contents that these rows bring.
    let mut ids: HashMap<(&Context, Guid), SchemaId> = HashMap::new();
    for (version, known) in versions.iter().zip(known) {
        let Append { subject: QualifiedSubject { context, .. }, stamp, schema, .. } = version;
        let scope = end.contexts.get_mut(context).filter(|scope| scope.stamp == stamp.scopes);
        let Some(scope) = scope.filter(|_| known.stamp == stamp.subject) else {
            appended.push(Appended::Stale);
            continue;
        };
        let stored = known.id.or_else(|| ids.get(&(context, schema.hash)).copied());
        let id = match stored {
            Some(id) => id,
            None => scope.take_id(context)?,
        };
        ids.insert((context, schema.hash), id);
        let row = end.row(version, id, stored.is_none())?;
        appended.push(Appended::Written { id, revision: row.r });
        rows.push(row);
    }
    if let (Some(last), Some((number, hash))) = (rows.last_mut(), &end.seal) {
        last.e = Some(events::chain_end(*number, hash));
    }
    Ok((rows, appended))
}

impl Scope {
    fn take_id(&mut self, context: &Context) -> Result<SchemaId, StoreError> {
        let id = rows::schema_id(self.next_id)
            .map_err(|_| StoreError::IdsExhausted { context: context.as_str().to_owned() })?;
        self.next_id += 1;
        Ok(id)
    }
}

impl End {
    /// The row of a version that comes next, with its content if that is new.
    fn row<'a>(&mut self, version: &'a Append, id: SchemaId, new: bool) -> Result<NewRow<'a>, StoreError> {
        let Append { subject, schema, event, stamp, .. } = version;
        self.revision += 1;
        let (mut number, mut previous, mut hash) = (None, None, None);
        if let Some((last, chain)) = &mut self.seal {
            *last += 1;
            let next = recorded(version, id, self.revision).chained_hash(chain).to_vec();
            (number, previous, hash) = (Some(*last), Some(hex::encode(&*chain)), Some(hex::encode(&next)));
            *chain = next;
        }
        Ok(NewRow {
            r: self.revision,
            ts: event.ts_ms,
            p: &event.principal,
            a: event.address.as_deref(),
            q: event.request_id.as_deref(),
            ac: event.action,
            c: subject.context.as_str(),
            s: &subject.subject,
            v: version.version.get(),
            id: id.get(),
            b: event.before.as_deref(),
            af: event.after.as_deref(),
            n: number,
            ph: previous,
            hh: hash,
            e: None,
            st: stamp.subject,
            h: new.then(|| hex::encode(schema.hash.as_bytes())),
            ty: schema.schema_type.as_str(),
            x: new.then_some(schema.text.as_str()),
            m: schema.metadata.as_ref().map(json).transpose()?,
            ru: schema.rule_set.as_ref().map(json).transpose()?,
        })
    }
}

/// The event as it will be read.
fn recorded(version: &Append, id: SchemaId, revision: i64) -> Event {
    let event = version.event.clone();
    Event {
        revision,
        ts_ms: event.ts_ms,
        principal: event.principal,
        address: event.address,
        request_id: event.request_id,
        action: event.action.to_owned(),
        subject: version.subject.clone(),
        version: Some(version.version),
        id: Some(id),
        before: event.before,
        after: event.after,
        seal: None,
        prev_hash: None,
        hash: None,
    }
}
