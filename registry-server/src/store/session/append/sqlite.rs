//! `SQLite`: one exchange to begin and look, one to write and commit. Its only writer knows the revisions that come, so the events go into
//! the hash chain as they are written.

use std::collections::HashMap;

use assay_schema_core::{Context, Guid, SchemaId};
use serde::Serialize;
use sqlx::sqlite::SqliteConnection;

use super::super::super::connection::{Arg, Connection, Row};
use super::super::super::error::StoreError;
use super::super::super::model::{Append, Appended, Event, Stamp};
use super::super::changes::json;
use super::super::{events, rows};

/// Per version, in order: the stamp of its subject, the id that its content has, the next id of its context; and the last revision, the
/// end of the hash chain (no number while events outside the chain wait for it).
const CHECK: &str = "BEGIN IMMEDIATE; SELECT \
    COALESCE((SELECT revision FROM events WHERE context = j.value ->> 'c' AND subject = j.value ->> 's' ORDER BY revision DESC LIMIT 1), 0), \
    COALESCE((SELECT revision FROM events WHERE context = j.value ->> 'c' AND subject = '' ORDER BY revision DESC LIMIT 1), 0) \
    + COALESCE((SELECT revision FROM events WHERE context = '.' AND subject = '' ORDER BY revision DESC LIMIT 1), 0) \
    + COALESCE((SELECT revision FROM events WHERE context = '.__GLOBAL' AND subject = '' ORDER BY revision DESC LIMIT 1), 0), \
    (SELECT id FROM preferred_ids WHERE context = j.value ->> 'c' AND hash = unhex(j.value ->> 'h')), \
    COALESCE((SELECT next_id FROM id_allocators WHERE context = j.value ->> 'c'), 1), \
    COALESCE((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0), \
    CASE WHEN NOT EXISTS (SELECT 1 FROM events WHERE seal IS NULL) THEN COALESCE((SELECT MAX(seal) FROM events), 0) END, \
    (SELECT hash FROM events WHERE seal IS NOT NULL ORDER BY seal DESC LIMIT 1) \
    FROM json_each($1) j ORDER BY j.key";

/// `$1` the contents, `$2` the versions with their events, `$3` the contexts, `$4` the end of the chain, empty if it stays.
const WRITE: &str = "INSERT INTO contexts (context, created_ms) SELECT value ->> 'c', value ->> 'ts' FROM json_each($3) \
    WHERE true ON CONFLICT (context) DO NOTHING; \
    INSERT INTO id_allocators (context, next_id) SELECT value ->> 'c', value ->> 'next' FROM json_each($3) \
    WHERE true ON CONFLICT (context) DO UPDATE SET next_id = excluded.next_id; \
    INSERT INTO schemas (context, id, hash, schema_type, text, metadata, rule_set, created_ms) \
    SELECT value ->> 'c', value ->> 'id', unhex(value ->> 'h'), value ->> 'ty', value ->> 'x', value ->> 'm', value ->> 'ru', value ->> 'ts' \
    FROM json_each($1); \
    INSERT INTO preferred_ids (context, hash, id) SELECT value ->> 'c', unhex(value ->> 'h'), value ->> 'id' FROM json_each($1); \
    INSERT INTO versions (context, subject, version, id, ts_ms) \
    SELECT value ->> 'c', value ->> 's', value ->> 'v', value ->> 'id', value ->> 'ts' FROM json_each($2); \
    INSERT INTO events (revision, ts_ms, principal, address, request_id, action, context, subject, version, id, before, after, \
    seal, prev_hash, hash) \
    SELECT value ->> 'r', value ->> 'ts', value ->> 'p', value ->> 'a', value ->> 'q', value ->> 'ac', value ->> 'c', value ->> 's', \
    value ->> 'v', value ->> 'id', value ->> 'b', value ->> 'af', value ->> 'n', unhex(value ->> 'ph'), unhex(value ->> 'hh') \
    FROM json_each($2); \
    INSERT INTO meta (name, value) SELECT 'chain_end', $4 WHERE $4 <> '' ON CONFLICT (name) DO UPDATE SET value = excluded.value; \
    COMMIT";
const ROLLBACK: &str = "ROLLBACK";

/// What identifies one version and its content.
#[derive(Serialize)]
struct Key<'a> {
    c: &'a str,
    s: &'a str,
    h: String,
}

/// A content that is not stored yet.
#[derive(Serialize)]
struct NewContent<'a> {
    c: &'a str,
    id: i32,
    h: String,
    ty: &'static str,
    x: &'a str,
    m: Option<String>,
    ru: Option<String>,
    ts: i64,
}

/// A version and its event, with its place in the chain if it has one.
#[derive(Serialize)]
struct NewRow<'a> {
    c: &'a str,
    s: &'a str,
    v: i32,
    id: i32,
    ts: i64,
    r: i64,
    p: &'a str,
    a: Option<&'a str>,
    q: Option<&'a str>,
    ac: &'static str,
    b: Option<&'a str>,
    af: Option<&'a str>,
    n: Option<i64>,
    ph: Option<String>,
    hh: Option<String>,
}

/// A context that gets a version, and its next id after that.
#[derive(Serialize)]
struct UsedContext<'a> {
    c: &'a str,
    ts: i64,
    next: i64,
}

/// What is stored about one version's subject and content.
struct Checked {
    stamp: Stamp,
    id: Option<SchemaId>,
    next: i64,
}

/// Where the events end.
struct End {
    revision: i64,
    /// Number and hash of the last sealed event; `None` while there are others before it.
    seal: Option<(i64, Vec<u8>)>,
}

/// All that a group writes.
#[derive(Default)]
struct Batch<'a> {
    contents: Vec<NewContent<'a>>,
    rows: Vec<NewRow<'a>>,
    contexts: HashMap<&'a Context, UsedContext<'a>>,
    /// Ids of the contents, those that are stored already included.
    ids: HashMap<(&'a Context, Guid), SchemaId>,
}

/// Writes those versions whose stamp holds, in a transaction of its own. After an error the connection may be inside that transaction.
pub(in super::super::super) async fn append(
    connection: &mut SqliteConnection,
    versions: &[Append],
) -> Result<Vec<Appended>, StoreError> {
    let mut connection = Connection::Sqlite(connection);
    let (checked, mut end) = check(&mut connection, versions).await?;
    let mut batch = Batch::default();
    let mut appended = Vec::with_capacity(versions.len());
    for (version, checked) in versions.iter().zip(&checked) {
        if checked.stamp != version.stamp {
            appended.push(Appended::Stale);
            continue;
        }
        let id = batch.content(version, checked)?;
        let revision = batch.event(version, id, &mut end);
        appended.push(Appended::Written { id, revision });
    }
    if batch.rows.is_empty() {
        connection.execute(ROLLBACK, &[]).await?;
        return Ok(appended);
    }
    let used: Vec<_> = batch.contexts.values().collect();
    let chain_end = end.seal.map(|(number, hash)| events::chain_end(number, &hash)).unwrap_or_default();
    let (contents, rows, used) = (json(&batch.contents)?, json(&batch.rows)?, json(&used)?);
    let args = [Arg::Text(&contents), Arg::Text(&rows), Arg::Text(&used), Arg::Text(&chain_end)];
    connection.execute(WRITE, &args).await?;
    Ok(appended)
}

async fn check(
    connection: &mut Connection<'_>,
    versions: &[Append],
) -> Result<(Vec<Checked>, End), StoreError> {
    fn key(version: &Append) -> Key<'_> {
        Key {
            c: version.subject.context.as_str(),
            s: &version.subject.subject,
            h: hex::encode(version.schema.hash.as_bytes()),
        }
    }
    let keys: Vec<Key<'_>> = versions.iter().map(key).collect();
    let found = connection.fetch_all(CHECK, &[Arg::Text(&json(&keys)?)]).await?;
    let end = found.first().map(end).transpose()?.unwrap_or(End { revision: 0, seal: None });
    Ok((found.iter().map(checked).collect::<Result<_, _>>()?, end))
}

fn checked(row: &Row) -> Result<Checked, StoreError> {
    Ok(Checked {
        stamp: Stamp { subject: row.integer(0)?, scopes: row.integer(1)? },
        id: row.optional_integer(2)?.map(rows::schema_id).transpose()?,
        next: row.integer(3)?,
    })
}

fn end(row: &Row) -> Result<End, StoreError> {
    let hash = row.optional_blob(6)?.unwrap_or_default();
    Ok(End { revision: row.integer(4)?, seal: row.optional_integer(5)?.map(|number| (number, hash)) })
}

impl<'a> Batch<'a> {
    /// The id of a version's content: the one it has, else the next of its context.
    fn content(&mut self, version: &'a Append, checked: &Checked) -> Result<SchemaId, StoreError> {
        let Append { subject, schema, event, .. } = version;
        let context = &subject.context;
        let used = self.contexts.entry(context).or_insert_with(|| UsedContext {
            c: context.as_str(),
            ts: event.ts_ms,
            next: checked.next,
        });
        if let Some(id) = checked.id.or_else(|| self.ids.get(&(context, schema.hash)).copied()) {
            return Ok(id);
        }
        let id = rows::schema_id(used.next)
            .map_err(|_| StoreError::IdsExhausted { context: context.as_str().to_owned() })?;
        used.next += 1;
        self.ids.insert((context, schema.hash), id);
        self.contents.push(NewContent {
            c: context.as_str(),
            id: id.get(),
            h: hex::encode(schema.hash.as_bytes()),
            ty: schema.schema_type.as_str(),
            x: &schema.text,
            m: schema.metadata.as_ref().map(json).transpose()?,
            ru: schema.rule_set.as_ref().map(json).transpose()?,
            ts: schema.created_ms,
        });
        Ok(id)
    }

    /// Adds a version with its event, and gives the event's revision.
    fn event(&mut self, version: &'a Append, id: SchemaId, end: &mut End) -> i64 {
        let Append { subject, event, .. } = version;
        end.revision += 1;
        let (mut number, mut previous, mut hash) = (None, None, None);
        if let Some((last, chain)) = &mut end.seal {
            *last += 1;
            let next = recorded(version, id, end.revision).chained_hash(chain).to_vec();
            (number, previous, hash) = (Some(*last), Some(hex::encode(&*chain)), Some(hex::encode(&next)));
            *chain = next;
        }
        self.rows.push(NewRow {
            c: subject.context.as_str(),
            s: &subject.subject,
            v: version.version.get(),
            id: id.get(),
            ts: event.ts_ms,
            r: end.revision,
            p: &event.principal,
            a: event.address.as_deref(),
            q: event.request_id.as_deref(),
            ac: event.action,
            b: event.before.as_deref(),
            af: event.after.as_deref(),
            n: number,
            ph: previous,
            hh: hash,
        });
        end.revision
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
