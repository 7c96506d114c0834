//! Queries of history and its verification.

use assay_schema_core::{Context, Guid, SchemaId};
use async_trait::async_trait;

use super::super::connection::{Arg, Row};
use super::super::error::StoreError;
use super::super::history::{
    ArchivedCursor, Census, ChainEnd, EventCursor, HistoryReads, ReferenceRow, StoredContentRow,
};
use super::super::model::{Event, SchemaRow};
use super::{Session, events, prefix_end, rows};

const EVENTS_AFTER: &str = "SELECT revision, ts_ms, principal, address, request_id, action, context, subject, version, id, \
    before, after, seal, prev_hash, hash FROM events \
    WHERE (context, subject, revision) > ($1, $2, $3) AND subject >= $4 AND subject < $5 \
    ORDER BY context, subject, revision LIMIT $6";
const EVENTS_AFTER_IN: &str = "SELECT revision, ts_ms, principal, address, request_id, action, context, subject, version, id, \
    before, after, seal, prev_hash, hash FROM events \
    WHERE context = $1 AND (subject, revision) > ($2, $3) AND subject >= $4 AND subject < $5 \
    ORDER BY context, subject, revision LIMIT $6";
const CONTENT: &str = "SELECT hash, schema_type, text, refs, metadata, rule_set FROM schemas \
    WHERE context = $1 AND id = $2 AND hash = $3";
const ARCHIVED: &str = "SELECT hash, schema_type, text, refs, metadata, rule_set FROM archived_schemas \
    WHERE context = $1 AND id = $2 AND hash = $3";
const CONTENTS_AFTER: &str = "SELECT hash, schema_type, text, refs, metadata, rule_set, context, id FROM schemas \
    WHERE (context, id) > ($1, $2) ORDER BY context, id LIMIT $3";
const ARCHIVED_AFTER: &str = "SELECT hash, schema_type, text, refs, metadata, rule_set, context, id FROM archived_schemas \
    WHERE (context, id, hash) > ($1, $2, $3) ORDER BY context, id, hash LIMIT $4";
const REFERENCES_AFTER: &str = "SELECT context, id, position, target_context, target_subject, target_version FROM schema_references \
    WHERE (context, id, position) > ($1, $2, $3) ORDER BY context, id, position LIMIT $4";
const CHAIN_END: &str = "SELECT value FROM meta WHERE name = 'chain_end'";
const CENSUS: &str = "SELECT (SELECT COUNT(*) FROM schemas), (SELECT COUNT(*) FROM versions), (SELECT COUNT(*) FROM associations)";
const UNSEALED: &str = "SELECT COUNT(*) FROM events WHERE seal IS NULL";

#[async_trait]
impl HistoryReads for Session {
    async fn events_by_subject(
        &mut self,
        context: Option<&Context>,
        prefix: &str,
        after: Option<&EventCursor>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        let end = prefix_end(prefix);
        let args = [
            Arg::Text(context.or(after.map(|after| &after.subject.context)).map_or("", Context::as_str)),
            Arg::Text(after.map_or("", |after| &after.subject.subject)),
            Arg::Integer(after.map_or(0, |after| after.revision)),
            Arg::Text(prefix),
            Arg::Text(&end),
            Arg::Integer(limit.into()),
        ];
        let sql = if context.is_some() { EVENTS_AFTER_IN } else { EVENTS_AFTER };
        let rows = self.connection().await?.fetch_all(sql, &args).await?;
        rows.iter().map(events::event).collect()
    }

    async fn content_ever(
        &mut self,
        context: &Context,
        id: SchemaId,
        hash: &Guid,
    ) -> Result<Option<SchemaRow>, StoreError> {
        let args = [Arg::Text(context.as_str()), Arg::Integer(id.get().into()), Arg::Blob(hash.as_bytes())];
        let mut connection = self.connection().await?;
        let row = match connection.fetch_optional(CONTENT, &args).await? {
            Some(row) => Some(row),
            None => connection.fetch_optional(ARCHIVED, &args).await?,
        };
        row.map(|row| rows::schema(context, id, &row)).transpose()
    }

    async fn contents_after(
        &mut self,
        after: Option<&(Context, SchemaId)>,
        limit: u32,
    ) -> Result<Vec<StoredContentRow>, StoreError> {
        let args = [
            Arg::Text(after.map_or("", |(context, _)| context.as_str())),
            Arg::Integer(after.map_or(-1, |(_, id)| id.get().into())),
            Arg::Integer(limit.into()),
        ];
        let rows = self.connection().await?.fetch_all(CONTENTS_AFTER, &args).await?;
        rows.iter().map(content).collect()
    }

    async fn archived_after(
        &mut self,
        after: Option<&ArchivedCursor>,
        limit: u32,
    ) -> Result<Vec<(ArchivedCursor, StoredContentRow)>, StoreError> {
        let args = [
            Arg::Text(after.map_or("", |after| after.context.as_str())),
            Arg::Integer(after.map_or(-1, |after| after.id.get().into())),
            Arg::Blob(after.map_or(&[], |after| &after.hash)),
            Arg::Integer(limit.into()),
        ];
        let rows = self.connection().await?.fetch_all(ARCHIVED_AFTER, &args).await?;
        let archived = |row: &Row| {
            let content = content(row)?;
            let cursor =
                ArchivedCursor { context: content.context.clone(), id: content.id, hash: row.blob(0)? };
            Ok((cursor, content))
        };
        rows.iter().map(archived).collect()
    }

    async fn references_after(
        &mut self,
        after: Option<&ReferenceRow>,
        limit: u32,
    ) -> Result<Vec<ReferenceRow>, StoreError> {
        let args = [
            Arg::Text(after.map_or("", |after| after.context.as_str())),
            Arg::Integer(after.map_or(-1, |after| after.id.get().into())),
            Arg::Integer(after.map_or(-1, |after| after.position)),
            Arg::Integer(limit.into()),
        ];
        let rows = self.connection().await?.fetch_all(REFERENCES_AFTER, &args).await?;
        rows.iter().map(reference).collect()
    }

    async fn chain_end(&mut self) -> Result<Option<ChainEnd>, StoreError> {
        let Some(row) = self.connection().await?.fetch_optional(CHAIN_END, &[]).await? else {
            return Ok(None);
        };
        let text = row.text(0)?;
        let end = text.split_once(' ').and_then(|(seal, hash)| {
            Some(ChainEnd { seal: seal.parse().ok()?, hash: hex::decode(hash).ok()? })
        });
        end.map(Some).ok_or(StoreError::CorruptRow { table: "meta", column: "value" })
    }

    async fn census(&mut self) -> Result<Census, StoreError> {
        let Some(row) = self.connection().await?.fetch_optional(CENSUS, &[]).await? else {
            return Ok(Census::default());
        };
        Ok(Census { schemas: row.integer(0)?, versions: row.integer(1)?, associations: row.integer(2)? })
    }

    async fn unsealed_events(&mut self) -> Result<i64, StoreError> {
        let row = self.connection().await?.fetch_optional(UNSEALED, &[]).await?;
        row.map_or(Ok(0), |row| row.integer(0))
    }
}

fn reference(row: &Row) -> Result<ReferenceRow, StoreError> {
    Ok(ReferenceRow {
        context: rows::context(&row.text(0)?)?,
        id: rows::schema_id(row.integer(1)?)?,
        position: row.integer(2)?,
        target: rows::qualified(&row.text(3)?, row.text(4)?)?,
        version: row.integer(5)?,
    })
}

fn content(row: &Row) -> Result<StoredContentRow, StoreError> {
    let (context, id) = (rows::context(&row.text(6)?)?, rows::schema_id(row.integer(7)?)?);
    let read = rows::schema(&context, id, row).ok();
    Ok(StoredContentRow { context, id, row: read })
}
