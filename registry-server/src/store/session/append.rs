//! Appending many versions with a few statements: what is stored is handed over as one JSON text.

use std::collections::HashMap;

use assay_schema_core::{Context, Guid, QualifiedSubject, SchemaId};
use serde::Serialize;

use super::super::connection::{Arg, Connection};
use super::super::error::StoreError;
use super::super::model::{Append, Appended, Stamp};
use super::{Session, changes, rows};

/// Per version, in order: the stamp of its subject and the id that its content has.
const CHECK_SQLITE: &str = "SELECT \
    COALESCE((SELECT revision FROM events WHERE context = j.value ->> 'c' AND subject = j.value ->> 's' ORDER BY revision DESC LIMIT 1), 0), \
    COALESCE((SELECT revision FROM events WHERE context = j.value ->> 'c' AND subject = '' ORDER BY revision DESC LIMIT 1), 0) \
    + COALESCE((SELECT revision FROM events WHERE context = '.' AND subject = '' ORDER BY revision DESC LIMIT 1), 0) \
    + COALESCE((SELECT revision FROM events WHERE context = '.__GLOBAL' AND subject = '' ORDER BY revision DESC LIMIT 1), 0), \
    (SELECT id FROM preferred_ids WHERE context = j.value ->> 'c' AND hash = unhex(j.value ->> 'h')), \
    COALESCE((SELECT next_id FROM id_allocators WHERE context = j.value ->> 'c'), 1) \
    FROM json_each($1) j ORDER BY j.key";
const CHECK_POSTGRES: &str = "SELECT \
    COALESCE((SELECT revision FROM events e WHERE e.context = r.c AND e.subject = r.s ORDER BY revision DESC LIMIT 1), 0), \
    COALESCE((SELECT revision FROM events e WHERE e.context = r.c AND e.subject = '' ORDER BY revision DESC LIMIT 1), 0) \
    + COALESCE((SELECT revision FROM events WHERE context = '.' AND subject = '' ORDER BY revision DESC LIMIT 1), 0) \
    + COALESCE((SELECT revision FROM events WHERE context = '.__GLOBAL' AND subject = '' ORDER BY revision DESC LIMIT 1), 0), \
    (SELECT id FROM preferred_ids p WHERE p.context = r.c AND p.hash = decode(r.h, 'hex')), \
    CAST(NULL AS bigint) FROM json_to_recordset(CAST($1 AS json)) AS r(n bigint, c text, s text, h text) ORDER BY r.n";

/// The first id of a block of `$2`.
const ALLOCATE: &str = "INSERT INTO id_allocators (context, next_id) VALUES ($1, 1 + $2) \
    ON CONFLICT (context) DO UPDATE SET next_id = id_allocators.next_id + $2 RETURNING next_id - $2";

const WRITE_SQLITE: &str = "INSERT INTO contexts (context, created_ms) SELECT value ->> 'c', MIN(value ->> 'ts') \
    FROM json_each($1) WHERE true GROUP BY value ->> 'c' ON CONFLICT (context) DO NOTHING; \
    INSERT INTO id_allocators (context, next_id) SELECT value ->> 'c', MAX(value ->> 'id') + 1 FROM json_each($1) \
    WHERE value ->> 'fresh' GROUP BY value ->> 'c' ON CONFLICT (context) DO UPDATE SET next_id = excluded.next_id; \
    INSERT INTO schemas (context, id, hash, schema_type, text, metadata, rule_set, created_ms) \
    SELECT value ->> 'c', value ->> 'id', unhex(value ->> 'h'), value ->> 'ty', value ->> 'x', value ->> 'm', value ->> 'ru', value ->> 'ts' \
    FROM json_each($1) WHERE value ->> 'fresh'; \
    INSERT INTO preferred_ids (context, hash, id) SELECT value ->> 'c', unhex(value ->> 'h'), value ->> 'id' \
    FROM json_each($1) WHERE value ->> 'fresh'; \
    INSERT INTO versions (context, subject, version, id, ts_ms) \
    SELECT value ->> 'c', value ->> 's', value ->> 'v', value ->> 'id', value ->> 'ts' FROM json_each($1); \
    INSERT INTO events (ts_ms, principal, address, request_id, action, context, subject, version, id, before, after) \
    SELECT value ->> 'ts', value ->> 'p', value ->> 'a', value ->> 'q', value ->> 'ac', value ->> 'c', value ->> 's', value ->> 'v', \
    value ->> 'id', value ->> 'b', value ->> 'af' FROM json_each($1) RETURNING revision, context, subject";
/// Contents are inserted in the order of their hashes, so that two nodes that store the same ones do not wait for each other.
const WRITE_POSTGRES: &str = "WITH r AS MATERIALIZED (SELECT * FROM json_to_recordset(CAST($1 AS json)) AS \
    r(n bigint, c text, s text, h text, v bigint, id bigint, fresh boolean, ty text, x text, m text, ru text, ts bigint, p text, \
    a text, q text, ac text, b text, af text)), \
    contexts_added AS (INSERT INTO contexts (context, created_ms) SELECT c, MIN(ts) FROM r GROUP BY c ORDER BY c \
    ON CONFLICT (context) DO NOTHING), \
    claimed AS (INSERT INTO preferred_ids (context, hash, id) SELECT c, decode(h, 'hex'), id FROM r WHERE fresh ORDER BY c, h), \
    stored AS (INSERT INTO schemas (context, id, hash, schema_type, text, metadata, rule_set, created_ms) \
    SELECT c, id, decode(h, 'hex'), ty, x, m, ru, ts FROM r WHERE fresh ORDER BY c, h), \
    appended AS (INSERT INTO versions (context, subject, version, id, ts_ms) SELECT c, s, v, id, ts FROM r), \
    noted AS (INSERT INTO events (ts_ms, principal, address, request_id, action, context, subject, version, id, before, after) \
    SELECT ts, p, a, q, ac, c, s, v, id, b, af FROM r ORDER BY n RETURNING revision, context, subject) \
    SELECT revision, context, subject FROM noted";

/// One version as the statements see it.
#[derive(Serialize)]
struct Item<'a> {
    n: usize,
    c: &'a str,
    s: &'a str,
    h: String,
    v: i32,
    id: i32,
    /// Whether the content is not stored yet.
    fresh: bool,
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
        let Append { subject, schema, event, .. } = version;
        Ok(Self {
            n,
            c: subject.context.as_str(),
            s: &subject.subject,
            h: hex::encode(schema.hash.as_bytes()),
            v: version.version.get(),
            id: 0,
            fresh: false,
            ty: schema.schema_type.as_str(),
            x: &schema.text,
            m: schema.metadata.as_ref().map(changes::json).transpose()?,
            ru: schema.rule_set.as_ref().map(changes::json).transpose()?,
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

/// What is stored about one version's subject and content.
struct Checked {
    stamp: Stamp,
    /// The id its content has.
    id: Option<SchemaId>,
    /// The next id of its context; `None` where ids are issued by a transaction of their own.
    next: Option<i64>,
}

type Ids<'a> = HashMap<(&'a Context, Guid), SchemaId>;

/// Writes those versions whose stamp holds. The caller holds the locks of all their subjects and commits; if it answers an error,
/// the transaction must be undone.
pub(in super::super) async fn append(
    session: &mut Session,
    versions: &[Append],
) -> Result<Vec<Appended>, StoreError> {
    let items: Result<Vec<_>, _> =
        versions.iter().enumerate().map(|(n, version)| Item::new(n, version)).collect();
    let items = items?;
    let checked = check(&mut session.connection().await?, &items).await?;
    let ids = assign(session, versions, &checked).await?;
    let mut written: Vec<Item<'_>> = Vec::with_capacity(items.len());
    for (item, (version, checked)) in items.into_iter().zip(versions.iter().zip(&checked)) {
        if checked.stamp == version.stamp
            && let Some(id) = ids.get(&(&version.subject.context, version.schema.hash))
        {
            let first_use = !written.iter().any(|known| known.c == item.c && known.h == item.h);
            written.push(Item { id: id.get(), fresh: checked.id.is_none() && first_use, ..item });
        }
    }
    let revisions = write(&mut session.connection().await?, &written).await?;
    let mut appended = Vec::with_capacity(versions.len());
    for (version, checked) in versions.iter().zip(&checked) {
        if checked.stamp != version.stamp {
            appended.push(Appended::Stale);
            continue;
        }
        let QualifiedSubject { context, subject } = &version.subject;
        let revision = revisions.get(&(context.as_str().to_owned(), subject.clone()));
        let (Some(&id), Some(&revision)) = (ids.get(&(context, version.schema.hash)), revision) else {
            return Err(StoreError::CorruptRow { table: "events", column: "revision" });
        };
        session.touched(&version.subject);
        appended.push(Appended::Written { id, revision });
    }
    Ok(appended)
}

/// The id of every content to write: the one it has, else a fresh one.
async fn assign<'a>(
    session: &mut Session,
    versions: &'a [Append],
    checked: &[Checked],
) -> Result<Ids<'a>, StoreError> {
    let mut ids = Ids::new();
    let mut missing: HashMap<&Context, (Option<i64>, Vec<Guid>)> = HashMap::new();
    for (version, checked) in versions.iter().zip(checked) {
        let (context, hash) = (&version.subject.context, version.schema.hash);
        if checked.stamp != version.stamp {
            continue;
        }
        if let Some(id) = checked.id {
            ids.insert((context, hash), id);
            continue;
        }
        let (_, hashes) = missing.entry(context).or_insert((checked.next, Vec::new()));
        if !hashes.contains(&hash) {
            hashes.push(hash);
        }
    }
    for (context, (next, hashes)) in missing {
        let exhausted = || StoreError::IdsExhausted { context: context.as_str().to_owned() };
        let first = match next {
            Some(next) => next,
            None => allocate(session, context, hashes.len()).await?,
        };
        for (id, hash) in (first..).zip(hashes) {
            ids.insert((context, hash), rows::schema_id(id).map_err(|_| exhausted())?);
        }
    }
    Ok(ids)
}

async fn check(connection: &mut Connection<'_>, items: &[Item<'_>]) -> Result<Vec<Checked>, StoreError> {
    #[derive(Serialize)]
    struct Key<'a> {
        n: usize,
        c: &'a str,
        s: &'a str,
        h: &'a str,
    }
    let keys: Vec<Key<'_>> =
        items.iter().map(|item| Key { n: item.n, c: item.c, s: item.s, h: &item.h }).collect();
    let sql = connection.pick(CHECK_SQLITE, CHECK_POSTGRES);
    let rows = connection.fetch_all(sql, &[Arg::Text(&changes::json(&keys)?)]).await?;
    rows.iter()
        .map(|row| {
            Ok(Checked {
                stamp: Stamp { subject: row.integer(0)?, scopes: row.integer(1)? },
                id: row.optional_integer(2)?.map(rows::schema_id).transpose()?,
                next: row.optional_integer(3)?,
            })
        })
        .collect()
}

/// The first of some fresh ids.
async fn allocate(session: &mut Session, context: &Context, count: usize) -> Result<i64, StoreError> {
    let exhausted = || StoreError::IdsExhausted { context: context.as_str().to_owned() };
    let args = [Arg::Text(context.as_str()), Arg::Integer(i64::try_from(count).map_err(|_| exhausted())?)];
    let row = match session {
        Session::PostgresChange(change) => change.allocate(ALLOCATE, &args).await?,
        _ => session.connection().await?.fetch_optional(ALLOCATE, &args).await?,
    };
    row.ok_or_else(exhausted)?.integer(0)
}

/// Writes the items and returns the revision of each one's event, by context and subject.
async fn write(
    connection: &mut Connection<'_>,
    items: &[Item<'_>],
) -> Result<HashMap<(String, String), i64>, StoreError> {
    if items.is_empty() {
        return Ok(HashMap::new());
    }
    let sql = connection.pick(WRITE_SQLITE, WRITE_POSTGRES);
    let rows = connection.fetch_all(sql, &[Arg::Text(&changes::json(&items)?)]).await?;
    rows.iter().map(|row| Ok(((row.text(1)?, row.text(2)?), row.integer(0)?))).collect()
}
