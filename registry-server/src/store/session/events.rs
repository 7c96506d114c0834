//! Events and their hash chain.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::super::connection::{Arg, Connection, Row};
use super::super::error::StoreError;
use super::super::model::{Event, EventFilter, NewEvent};
use super::changes::json;
use super::rows;

const APPEND: &str = "INSERT INTO events \
    (ts_ms, principal, address, request_id, action, context, subject, version, id, before, after) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING revision";
const READ: &str = "SELECT revision, ts_ms, principal, address, request_id, action, context, subject, version, id, \
    before, after, seal, prev_hash, hash FROM events \
    WHERE revision > $1 AND ts_ms >= $2 AND ts_ms < $3 ORDER BY revision LIMIT $4";
const READ_SUBJECT: &str = "SELECT revision, ts_ms, principal, address, request_id, action, context, subject, version, id, \
    before, after, seal, prev_hash, hash FROM events \
    WHERE revision > $1 AND ts_ms >= $2 AND ts_ms < $3 AND context = $5 AND subject = $6 ORDER BY revision LIMIT $4";
/// Committed events outside the chain, oldest first.
const UNSEALED: &str = "SELECT revision, ts_ms, principal, address, request_id, action, context, subject, \
    version, id, before, after, seal, prev_hash, hash FROM events WHERE seal IS NULL ORDER BY revision LIMIT $1";
const SEALED_AFTER: &str = "SELECT revision, ts_ms, principal, address, request_id, action, context, subject, version, id, \
    before, after, seal, prev_hash, hash FROM events WHERE seal > $1 ORDER BY seal LIMIT $2";
const LAST_SEAL: &str = "SELECT seal, hash FROM events WHERE seal IS NOT NULL ORDER BY seal DESC LIMIT 1";
/// Where the chain ends, so that the removal of its newest events is noticed.
const CHAIN_END: &str = "INSERT INTO meta (name, value) VALUES ('chain_end', $1) \
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";
const SEAL_SQLITE: &str = "UPDATE events SET seal = j.value ->> 'n', prev_hash = unhex(j.value ->> 'p'), hash = unhex(j.value ->> 'h') \
    FROM json_each($1) j WHERE events.revision = j.value ->> 'r'";
const SEAL_POSTGRES: &str = "UPDATE events e SET seal = j.n, prev_hash = decode(j.p, 'hex'), hash = decode(j.h, 'hex') \
    FROM json_to_recordset(CAST($1 AS json)) AS j(r bigint, n bigint, p text, h text) WHERE e.revision = j.r";

pub(super) async fn append(connection: &mut Connection<'_>, event: &NewEvent) -> Result<i64, StoreError> {
    let args = [
        Arg::Integer(event.ts_ms),
        Arg::Text(&event.principal),
        Arg::OptionalText(event.address.as_deref()),
        Arg::OptionalText(event.request_id.as_deref()),
        Arg::Text(event.action),
        Arg::Text(event.subject.context.as_str()),
        Arg::Text(&event.subject.subject),
        Arg::OptionalInteger(event.version.map(|version| version.get().into())),
        Arg::OptionalInteger(event.id.map(|id| id.get().into())),
        Arg::OptionalText(event.before.as_deref()),
        Arg::OptionalText(event.after.as_deref()),
    ];
    let row = connection.fetch_optional(APPEND, &args).await?;
    row.ok_or(StoreError::CorruptRow { table: "events", column: "revision" })?.integer(0)
}

pub(super) async fn read(
    connection: &mut Connection<'_>,
    filter: &EventFilter,
) -> Result<Vec<Event>, StoreError> {
    let range = [
        Arg::Integer(filter.after_revision),
        Arg::Integer(filter.from_ms.unwrap_or(i64::MIN)),
        Arg::Integer(filter.until_ms.unwrap_or(i64::MAX)),
        Arg::Integer(filter.limit.into()),
    ];
    let rows = match &filter.subject {
        None => connection.fetch_all(READ, &range).await?,
        Some(subject) => {
            let [after, from, until, limit] = range;
            let args =
                [after, from, until, limit, Arg::Text(subject.context.as_str()), Arg::Text(&subject.subject)];
            connection.fetch_all(READ_SUBJECT, &args).await?
        }
    };
    rows.iter().map(event).collect()
}

pub(super) async fn sealed_after(
    connection: &mut Connection<'_>,
    seal: i64,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let rows = connection.fetch_all(SEALED_AFTER, &[Arg::Integer(seal), Arg::Integer(limit.into())]).await?;
    rows.iter().map(event).collect()
}

/// An event from its columns in the order of the reads above.
pub(in super::super) fn event(row: &Row) -> Result<Event, StoreError> {
    Ok(Event {
        revision: row.integer(0)?,
        ts_ms: row.integer(1)?,
        principal: row.text(2)?,
        address: row.optional_text(3)?,
        request_id: row.optional_text(4)?,
        action: row.text(5)?,
        subject: rows::qualified(&row.text(6)?, row.text(7)?)?,
        version: row.optional_integer(8)?.map(rows::version_number).transpose()?,
        id: row.optional_integer(9)?.map(rows::schema_id).transpose()?,
        before: row.optional_text(10)?,
        after: row.optional_text(11)?,
        seal: row.optional_integer(12)?,
        prev_hash: row.optional_blob(13)?,
        hash: row.optional_blob(14)?,
    })
}

/// Seals up to `limit` events after the last sealed one and returns how many. The caller is the only sealer.
pub(in super::super) async fn seal(connection: &mut Connection<'_>, limit: u32) -> Result<u32, StoreError> {
    let unsealed = connection.fetch_all(UNSEALED, &[Arg::Integer(limit.into())]).await?;
    if unsealed.is_empty() {
        return Ok(0);
    }
    let (mut number, mut previous) = match connection.fetch_optional(LAST_SEAL, &[]).await? {
        Some(row) => (row.integer(0)?, row.blob(1)?),
        None => (0, Vec::new()),
    };
    let mut seals = Vec::with_capacity(unsealed.len());
    for row in &unsealed {
        let event = event(row)?;
        number += 1;
        let hash = event.chained_hash(&previous).to_vec();
        seals.push(Seal { r: event.revision, n: number, p: hex::encode(&previous), h: hex::encode(&hash) });
        previous = hash;
    }
    let sql = connection.pick(SEAL_SQLITE, SEAL_POSTGRES);
    connection.execute(sql, &[Arg::Text(&json(&seals)?)]).await?;
    connection.execute(CHAIN_END, &[Arg::Text(&chain_end(number, &previous))]).await?;
    Ok(u32::try_from(seals.len()).unwrap_or(limit))
}

/// The place of an event in the chain.
#[derive(Serialize)]
struct Seal {
    r: i64,
    n: i64,
    p: String,
    h: String,
}

/// What is noted of the end of the chain: the last number and its hash.
pub(super) fn chain_end(number: i64, hash: &[u8]) -> String {
    format!("{number} {}", hex::encode(hash))
}

impl Event {
    /// SHA-256 over the hash before it and every field of the event, each field with its length, so that no two events share an
    /// input. An absent field hashes differently from an empty one.
    pub fn chained_hash(&self, previous: &[u8]) -> [u8; 32] {
        let mut digest = Sha256::new();
        let mut field = |value: Option<&[u8]>| {
            digest.update([u8::from(value.is_some())]);
            if let Some(value) = value {
                digest.update((value.len() as u64).to_be_bytes());
                digest.update(value);
            }
        };
        field(Some(previous));
        field(Some(&self.revision.to_be_bytes()));
        field(Some(&self.ts_ms.to_be_bytes()));
        field(Some(self.principal.as_bytes()));
        field(self.address.as_deref().map(str::as_bytes));
        field(self.request_id.as_deref().map(str::as_bytes));
        field(Some(self.action.as_bytes()));
        field(Some(self.subject.context.as_str().as_bytes()));
        field(Some(self.subject.subject.as_bytes()));
        field(self.version.map(|version| version.get().to_be_bytes()).as_ref().map(<[u8; 4]>::as_slice));
        field(self.id.map(|id| id.get().to_be_bytes()).as_ref().map(<[u8; 4]>::as_slice));
        field(self.before.as_deref().map(str::as_bytes));
        field(self.after.as_deref().map(str::as_bytes));
        digest.finalize().into()
    }
}
