//! Columns to domain values. A value that does not convert is a [`StoreError::CorruptRow`].

use assay_schema_core::{Context, Guid, Mode, QualifiedSubject, SchemaId, SchemaType, Version};
use serde::de::DeserializeOwned;

use super::super::connection::Row;
use super::super::error::StoreError;
use super::super::model::{Referrer, SchemaRow, ScopeSettings, SubjectRow, VersionRow};

fn corrupt(table: &'static str, column: &'static str) -> StoreError {
    StoreError::CorruptRow { table, column }
}

pub(super) fn context(text: &str) -> Result<Context, StoreError> {
    Context::parse(text).map_err(|_| corrupt("contexts", "context"))
}

pub(super) fn qualified(context_text: &str, subject: String) -> Result<QualifiedSubject, StoreError> {
    Ok(QualifiedSubject { context: context(context_text)?, subject })
}

pub(super) fn schema_id(value: i64) -> Result<SchemaId, StoreError> {
    i32::try_from(value).ok().and_then(SchemaId::new).ok_or_else(|| corrupt("schemas", "id"))
}

pub(super) fn version_number(value: i64) -> Result<Version, StoreError> {
    i32::try_from(value).ok().and_then(Version::new).ok_or_else(|| corrupt("versions", "version"))
}

fn json<T: DeserializeOwned>(text: Option<String>, column: &'static str) -> Result<Option<T>, StoreError> {
    text.map(|text| serde_json::from_str(&text).map_err(|_| corrupt("schemas", column))).transpose()
}

pub(super) fn guid(hash: &[u8]) -> Result<Guid, StoreError> {
    Ok(Guid::from_bytes(<[u8; 16]>::try_from(hash).map_err(|_| corrupt("schemas", "hash"))?))
}

/// `hash, schema_type, text, refs, metadata, rule_set`
pub(super) fn schema(context: &Context, id: SchemaId, row: &Row) -> Result<SchemaRow, StoreError> {
    Ok(SchemaRow {
        context: context.clone(),
        id,
        hash: guid(&row.blob(0)?)?,
        schema_type: SchemaType::parse(&row.text(1)?).map_err(|_| corrupt("schemas", "schema_type"))?,
        text: row.text(2)?,
        references: json(row.optional_text(3)?, "refs")?.unwrap_or_default(),
        metadata: json(row.optional_text(4)?, "metadata")?,
        rule_set: json(row.optional_text(5)?, "rule_set")?,
    })
}

/// `context, subject, version, id, ts_ms, deleted_ms`
pub(super) fn version(row: &Row) -> Result<VersionRow, StoreError> {
    Ok(VersionRow {
        subject: qualified(&row.text(0)?, row.text(1)?)?,
        version: version_number(row.integer(2)?)?,
        id: schema_id(row.integer(3)?)?,
        ts_ms: row.integer(4)?,
        deleted: row.optional_integer(5)?.is_some(),
    })
}

/// `target_version, id, context, subject, version, deleted_ms`
pub(super) fn referrer(row: &Row) -> Result<Referrer, StoreError> {
    Ok(Referrer {
        target_version: version_number(row.integer(0)?)?,
        id: schema_id(row.integer(1)?)?,
        subject: qualified(&row.text(2)?, row.text(3)?)?,
        version: version_number(row.integer(4)?)?,
        deleted: row.optional_integer(5)?.is_some(),
    })
}

/// `context, subject, live count, deleted count`
pub(super) fn subject(row: &Row) -> Result<SubjectRow, StoreError> {
    Ok(SubjectRow {
        subject: qualified(&row.text(0)?, row.text(1)?)?,
        live: row.integer(2)? > 0,
        has_deleted: row.integer(3)? > 0,
    })
}

/// `context, subject, config, mode`
pub(super) fn settings(row: &Row) -> Result<ScopeSettings, StoreError> {
    scope(&row.text(0)?, row.text(1)?, row.optional_text(2)?, row.optional_text(3)?)
}

pub(super) fn scope(
    context: &str,
    subject: String,
    config: Option<String>,
    mode: Option<String>,
) -> Result<ScopeSettings, StoreError> {
    let mode = mode.map(|text| Mode::parse(&text).map_err(|_| corrupt("settings", "mode"))).transpose()?;
    Ok(ScopeSettings { scope: qualified(context, subject)?, config, mode })
}
