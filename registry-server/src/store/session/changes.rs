//! Writes.

use assay_schema_core::{Context, Mode, QualifiedSubject, SchemaId, Version};
use async_trait::async_trait;
use serde::Serialize;

use super::super::StoreTx;
use super::super::connection::Arg;
use super::super::error::StoreError;
use super::super::model::{NewEvent, NewSchema, VersionRow};
use super::{Session, events, rows};

const ALLOCATE_ID: &str = "INSERT INTO id_allocators (context, next_id) VALUES ($1, 2) \
    ON CONFLICT (context) DO UPDATE SET next_id = id_allocators.next_id + 1 RETURNING next_id - 1";
const RAISE_ALLOCATOR: &str = "INSERT INTO id_allocators (context, next_id) VALUES ($1, $2) \
    ON CONFLICT (context) DO UPDATE SET next_id = excluded.next_id WHERE id_allocators.next_id < excluded.next_id";
const CLAIM_HASH: &str = "INSERT INTO preferred_ids (context, hash, id) VALUES ($1, $2, $3) ON CONFLICT (context, hash) DO NOTHING";
const INSERT_SCHEMA: &str = "INSERT INTO schemas (context, id, hash, schema_type, text, refs, metadata, rule_set, created_ms) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
const INSERT_REFERENCE: &str = "INSERT INTO schema_references \
    (context, id, position, target_context, target_subject, target_version) VALUES ($1, $2, $3, $4, $5, $6)";
const INSERT_VERSION: &str =
    "INSERT INTO versions (context, subject, version, id, ts_ms) VALUES ($1, $2, $3, $4, $5)";
const MARK_DELETED: &str = "UPDATE versions SET deleted_ms = $4 WHERE context = $1 AND subject = $2 AND version = $3 AND deleted_ms IS NULL";
const REMOVE_VERSION: &str =
    "DELETE FROM versions WHERE context = $1 AND subject = $2 AND version = $3 RETURNING id";
const ID_IN_USE: &str = "SELECT version FROM versions WHERE context = $1 AND id = $2 LIMIT 1";
const SCHEMA_HASH: &str = "SELECT hash FROM schemas WHERE context = $1 AND id = $2";
const FORGET_PREFERRED: &str = "DELETE FROM preferred_ids WHERE context = $1 AND id = $2";
const ARCHIVE_SCHEMA: &str = "INSERT INTO archived_schemas \
    (context, id, hash, schema_type, text, refs, metadata, rule_set, created_ms) \
    SELECT context, id, hash, schema_type, text, refs, metadata, rule_set, created_ms FROM schemas \
    WHERE context = $1 AND id = $2 ON CONFLICT (context, id, hash) DO NOTHING";
const REMOVE_SCHEMA: &str = "DELETE FROM schemas WHERE context = $1 AND id = $2";
const NEXT_PREFERRED: &str = "INSERT INTO preferred_ids (context, hash, id) \
    SELECT context, hash, MIN(id) FROM schemas WHERE context = $1 AND hash = $2 GROUP BY context, hash \
    ON CONFLICT (context, hash) DO NOTHING";
const PUT_CONFIG: &str = "INSERT INTO settings (context, subject, config) VALUES ($1, $2, $3) \
    ON CONFLICT (context, subject) DO UPDATE SET config = excluded.config";
const PUT_MODE: &str = "INSERT INTO settings (context, subject, mode) VALUES ($1, $2, $3) \
    ON CONFLICT (context, subject) DO UPDATE SET mode = excluded.mode";
const DROP_EMPTY_SETTINGS: &str =
    "DELETE FROM settings WHERE context = $1 AND subject = $2 AND config IS NULL AND mode IS NULL";
const CREATE_CONTEXT: &str =
    "INSERT INTO contexts (context, created_ms) VALUES ($1, $2) ON CONFLICT (context) DO NOTHING";
const REMOVE_CONTEXT: &str = "DELETE FROM contexts WHERE context = $1";
const REMOVE_CONTEXT_SETTINGS: &str = "DELETE FROM settings WHERE context = $1";

pub(super) fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Failed(Box::new(error)))
}

/// The content was taken by a transaction that committed first.
#[derive(Debug, thiserror::Error)]
#[error("another transaction stored this content first")]
struct ContentTaken;

impl Session {
    async fn remove_schema_if_unused(&mut self, context: &Context, id: SchemaId) -> Result<bool, StoreError> {
        let args = [Arg::Text(context.as_str()), Arg::Integer(id.get().into())];
        let mut connection = self.connection().await?;
        if connection.fetch_optional(ID_IN_USE, &args).await?.is_some() {
            return Ok(false);
        }
        let Some(row) = connection.fetch_optional(SCHEMA_HASH, &args).await? else { return Ok(false) };
        let hash = row.blob(0)?;
        connection.execute(FORGET_PREFERRED, &args).await?;
        connection.execute(ARCHIVE_SCHEMA, &args).await?;
        connection.execute(REMOVE_SCHEMA, &args).await?;
        connection.execute(NEXT_PREFERRED, &[Arg::Text(context.as_str()), Arg::Blob(&hash)]).await?;
        Ok(true)
    }
}

#[async_trait]
impl StoreTx for Session {
    async fn allocate_id(&mut self, context: &Context) -> Result<SchemaId, StoreError> {
        let args = [Arg::Text(context.as_str())];
        let row = match self {
            Self::PostgresChange(change) => change.allocate(ALLOCATE_ID, &args).await?,
            _ => self.connection().await?.fetch_optional(ALLOCATE_ID, &args).await?,
        };
        let issued = row.map(|row| row.integer(0)).transpose()?;
        issued
            .and_then(|id| rows::schema_id(id).ok())
            .ok_or_else(|| StoreError::IdsExhausted { context: context.as_str().to_owned() })
    }

    async fn insert_schema(
        &mut self,
        id: SchemaId,
        schema: &NewSchema,
        import: bool,
    ) -> Result<bool, StoreError> {
        let (context, number) = (Arg::Text(schema.context.as_str()), Arg::Integer(id.get().into()));
        let hash = Arg::Blob(schema.hash.as_bytes());
        let mut connection = self.connection().await?;
        let claimed = connection.execute(CLAIM_HASH, &[context, hash, number]).await? > 0;
        if !claimed && !import {
            return Err(StoreError::Conflict(Box::new(ContentTaken)));
        }
        let references = if schema.references.is_empty() { None } else { Some(json(&schema.references)?) };
        let metadata = schema.metadata.as_ref().map(json).transpose()?;
        let rule_set = schema.rule_set.as_ref().map(json).transpose()?;
        let args = [
            context,
            number,
            hash,
            Arg::Text(schema.schema_type.as_str()),
            Arg::Text(&schema.text),
            Arg::OptionalText(references.as_deref()),
            Arg::OptionalText(metadata.as_deref()),
            Arg::OptionalText(rule_set.as_deref()),
            Arg::Integer(schema.created_ms),
        ];
        connection.execute(INSERT_SCHEMA, &args).await?;
        for ((position, reference), target) in (0..).zip(&schema.references).zip(&schema.targets) {
            let args = [
                context,
                number,
                Arg::Integer(position),
                Arg::Text(target.context.as_str()),
                Arg::Text(&target.subject),
                Arg::Integer(reference.version.into()),
            ];
            connection.execute(INSERT_REFERENCE, &args).await?;
        }
        Ok(claimed)
    }

    async fn raise_allocator(&mut self, context: &Context, id: SchemaId) -> Result<(), StoreError> {
        let args = [Arg::Text(context.as_str()), Arg::Integer(i64::from(id.get()) + 1)];
        match self {
            Self::PostgresChange(change) => drop(change.allocate(RAISE_ALLOCATOR, &args).await?),
            _ => drop(self.connection().await?.execute(RAISE_ALLOCATOR, &args).await?),
        }
        Ok(())
    }

    async fn insert_version(&mut self, version: &VersionRow) -> Result<(), StoreError> {
        let args = [
            Arg::Text(version.subject.context.as_str()),
            Arg::Text(&version.subject.subject),
            Arg::Integer(version.version.get().into()),
            Arg::Integer(version.id.get().into()),
            Arg::Integer(version.ts_ms),
        ];
        self.connection().await?.execute(INSERT_VERSION, &args).await?;
        Ok(())
    }

    async fn mark_deleted(
        &mut self,
        subject: &QualifiedSubject,
        versions: &[Version],
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut connection = self.connection().await?;
        for version in versions {
            let args = [
                Arg::Text(subject.context.as_str()),
                Arg::Text(&subject.subject),
                Arg::Integer(version.get().into()),
                Arg::Integer(now_ms),
            ];
            connection.execute(MARK_DELETED, &args).await?;
        }
        Ok(())
    }

    async fn remove_versions(
        &mut self,
        subject: &QualifiedSubject,
        versions: &[Version],
    ) -> Result<Vec<SchemaId>, StoreError> {
        let mut ids = Vec::with_capacity(versions.len());
        for version in versions {
            let args = [
                Arg::Text(subject.context.as_str()),
                Arg::Text(&subject.subject),
                Arg::Integer(version.get().into()),
            ];
            if let Some(row) = self.connection().await?.fetch_optional(REMOVE_VERSION, &args).await? {
                ids.push(rows::schema_id(row.integer(0)?)?);
            }
        }
        ids.sort_unstable();
        ids.dedup();
        let mut gone = Vec::new();
        for id in ids {
            if self.remove_schema_if_unused(&subject.context, id).await? {
                gone.push(id);
            }
        }
        Ok(gone)
    }

    async fn put_config(&mut self, scope: &QualifiedSubject, config: Option<&str>) -> Result<(), StoreError> {
        let (context, subject) = (Arg::Text(scope.context.as_str()), Arg::Text(&scope.subject));
        let mut connection = self.connection().await?;
        connection.execute(PUT_CONFIG, &[context, subject, Arg::OptionalText(config)]).await?;
        connection.execute(DROP_EMPTY_SETTINGS, &[context, subject]).await?;
        Ok(())
    }

    async fn put_mode(&mut self, scope: &QualifiedSubject, mode: Option<Mode>) -> Result<(), StoreError> {
        let (context, subject) = (Arg::Text(scope.context.as_str()), Arg::Text(&scope.subject));
        let mut connection = self.connection().await?;
        connection.execute(PUT_MODE, &[context, subject, Arg::OptionalText(mode.map(Mode::as_str))]).await?;
        connection.execute(DROP_EMPTY_SETTINGS, &[context, subject]).await?;
        Ok(())
    }

    async fn create_context(&mut self, context: &Context, now_ms: i64) -> Result<(), StoreError> {
        let args = [Arg::Text(context.as_str()), Arg::Integer(now_ms)];
        self.connection().await?.execute(CREATE_CONTEXT, &args).await?;
        Ok(())
    }

    async fn remove_context(&mut self, context: &Context) -> Result<(), StoreError> {
        let args = [Arg::Text(context.as_str())];
        let mut connection = self.connection().await?;
        connection.execute(REMOVE_CONTEXT_SETTINGS, &args).await?;
        connection.execute(REMOVE_CONTEXT, &args).await?;
        Ok(())
    }

    async fn append_event(&mut self, event: &NewEvent) -> Result<i64, StoreError> {
        let revision = events::append(&mut self.connection().await?, event).await?;
        self.touched(&event.subject);
        Ok(revision)
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        match *self {
            Self::SqliteChange(change) => change.commit().await,
            Self::PostgresChange(change) => change.commit().await,
            _ => Ok(()),
        }
    }

    async fn rollback(self: Box<Self>) -> Result<(), StoreError> {
        match *self {
            Self::SqliteChange(change) => change.rollback().await,
            Self::PostgresChange(change) => change.rollback().await,
            _ => Ok(()),
        }
    }
}
