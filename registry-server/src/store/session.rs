//! The queries: one implementation of [`Snapshot`] and [`StoreTx`](super::StoreTx) over a connection of either backend.

mod append;
mod associations;
mod changes;
mod events;
mod history;
mod rows;
mod subject;

use assay_schema_core::{Context, Guid, QualifiedSubject, SchemaId, Version};
use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

use super::connection::{Arg, Connection};
use super::error::StoreError;
use super::model::{
    Event, EventFilter, Referrer, SchemaRow, ScopeSettings, SubjectRow, SubjectRows, VersionCursor,
    VersionRow,
};
use super::{Snapshot, postgres, sqlite};

pub(super) use append::{AppendEnd, append_postgres, append_sqlite};
pub(super) use events::{event, seal};

/// A connection with what it takes to end its transaction. Readers take theirs from the pool at the first query.
pub(super) enum Session {
    SqliteReader(SqlitePool, Option<PoolConnection<Sqlite>>),
    SqliteChange(sqlite::Change),
    /// Reads that see one moment.
    SqliteView(Transaction<'static, Sqlite>),
    PostgresReader(PgPool, Option<PoolConnection<Postgres>>),
    /// Reads that see one moment.
    PostgresView(Transaction<'static, Postgres>),
    PostgresChange(postgres::Change),
}

impl Session {
    pub(super) async fn connection(&mut self) -> Result<Connection<'_>, StoreError> {
        Ok(match self {
            Self::SqliteReader(pool, connection) => {
                let connection = match connection.take() {
                    Some(taken) => connection.insert(taken),
                    None => connection.insert(pool.acquire().await?),
                };
                Connection::Sqlite(&mut *connection)
            }
            Self::SqliteChange(change) => Connection::Sqlite(change.connection()?),
            Self::SqliteView(view) => Connection::Sqlite(&mut *view),
            Self::PostgresView(view) => Connection::Postgres(&mut *view),
            Self::PostgresReader(pool, connection) => {
                let connection = match connection.take() {
                    Some(taken) => connection.insert(taken),
                    None => connection.insert(pool.acquire().await?),
                };
                Connection::Postgres(&mut *connection)
            }
            Self::PostgresChange(change) => Connection::Postgres(change.connection()),
        })
    }

    /// Notes a scope of this change, for the observers of its commit.
    fn touched(&mut self, scope: &QualifiedSubject) {
        match self {
            Self::SqliteChange(change) => change.touched.push(scope.clone()),
            Self::PostgresChange(change) => change.touched.push(scope.clone()),
            _ => {}
        }
    }
}

const SCHEMA: &str =
    "SELECT hash, schema_type, text, refs, metadata, rule_set FROM schemas WHERE context = $1 AND id = $2";
const PREFERRED_ID: &str = "SELECT id FROM preferred_ids WHERE context = $1 AND hash = $2";
const IDS_OF_HASH: &str = "SELECT context, id FROM schemas WHERE hash = $1 ORDER BY context, id";
const VERSIONS: &str = "SELECT context, subject, version, id, ts_ms, deleted_ms FROM versions \
    WHERE context = $1 AND subject = $2 ORDER BY version";
const VERSIONS_OF_ID: &str = "SELECT context, subject, version, id, ts_ms, deleted_ms FROM versions \
    WHERE context = $1 AND id = $2 ORDER BY subject, version";
const REFERRERS: &str = "SELECT r.target_version, v.id, v.context, v.subject, v.version, v.deleted_ms \
    FROM schema_references r JOIN versions v ON v.context = r.context AND v.id = r.id \
    WHERE r.target_context = $1 AND r.target_subject = $2 AND r.target_version BETWEEN $3 AND $4 \
    ORDER BY v.context, v.id, v.subject, v.version";
const SETTINGS: &str = "SELECT context, subject, config, mode FROM settings \
    WHERE (context = $1 AND subject = $2) OR (context = $1 AND subject = '') OR (context = '.' AND subject = '') \
    OR (context = '.__GLOBAL' AND subject = '') ORDER BY context, subject";
const SETTINGS_IN: &str = "SELECT context, subject, config, mode FROM settings \
    WHERE ($1 = '' OR context = $1) ORDER BY context, subject";
const SUBJECTS: &str = "SELECT context, subject, COUNT(*) - COUNT(deleted_ms), COUNT(deleted_ms) FROM versions \
    WHERE subject >= $1 AND subject < $2 GROUP BY context, subject ORDER BY context, subject";
const SUBJECTS_IN: &str = "SELECT context, subject, COUNT(*) - COUNT(deleted_ms), COUNT(deleted_ms) FROM versions \
    WHERE context = $3 AND subject >= $1 AND subject < $2 GROUP BY context, subject ORDER BY context, subject";
const VERSIONS_AFTER: &str = "SELECT context, subject, version, id, ts_ms, deleted_ms FROM versions \
    WHERE (context, subject, version) > ($1, $2, $3) AND subject >= $4 AND subject < $5 \
    ORDER BY context, subject, version LIMIT $6";
const VERSIONS_AFTER_IN: &str = "SELECT context, subject, version, id, ts_ms, deleted_ms FROM versions \
    WHERE context = $1 AND (subject, version) > ($2, $3) AND subject >= $4 AND subject < $5 \
    ORDER BY context, subject, version LIMIT $6";
const CONTEXTS: &str = "SELECT context FROM contexts ORDER BY context";
const MAX_ID: &str = "SELECT next_id - 1 FROM id_allocators WHERE context = $1";

/// Sorts after every subject that starts with the prefix: U+10FFFF has the highest UTF-8 encoding.
fn prefix_end(prefix: &str) -> String {
    format!("{prefix}\u{10FFFF}\u{10FFFF}\u{10FFFF}\u{10FFFF}")
}

#[async_trait]
impl Snapshot for Session {
    fn sees_only_committed(&self) -> bool {
        !matches!(self, Self::SqliteChange(_) | Self::PostgresChange(_))
    }

    async fn subject_rows(&mut self, subject: &QualifiedSubject) -> Result<SubjectRows, StoreError> {
        subject::read(&mut self.connection().await?, subject).await
    }

    async fn schema(&mut self, context: &Context, id: SchemaId) -> Result<Option<SchemaRow>, StoreError> {
        let args = [Arg::Text(context.as_str()), Arg::Integer(id.get().into())];
        let row = self.connection().await?.fetch_optional(SCHEMA, &args).await?;
        row.map(|row| rows::schema(context, id, &row)).transpose()
    }

    async fn preferred_id(&mut self, context: &Context, hash: &Guid) -> Result<Option<SchemaId>, StoreError> {
        let args = [Arg::Text(context.as_str()), Arg::Blob(hash.as_bytes())];
        let row = self.connection().await?.fetch_optional(PREFERRED_ID, &args).await?;
        row.map(|row| rows::schema_id(row.integer(0)?)).transpose()
    }

    async fn ids_of_hash(&mut self, hash: &Guid) -> Result<Vec<(Context, SchemaId)>, StoreError> {
        let rows = self.connection().await?.fetch_all(IDS_OF_HASH, &[Arg::Blob(hash.as_bytes())]).await?;
        rows.iter()
            .map(|row| Ok((rows::context(&row.text(0)?)?, rows::schema_id(row.integer(1)?)?)))
            .collect()
    }

    async fn versions(&mut self, subject: &QualifiedSubject) -> Result<Vec<VersionRow>, StoreError> {
        let args = [Arg::Text(subject.context.as_str()), Arg::Text(&subject.subject)];
        let rows = self.connection().await?.fetch_all(VERSIONS, &args).await?;
        rows.iter().map(rows::version).collect()
    }

    async fn versions_of_id(
        &mut self,
        context: &Context,
        id: SchemaId,
    ) -> Result<Vec<VersionRow>, StoreError> {
        let args = [Arg::Text(context.as_str()), Arg::Integer(id.get().into())];
        let rows = self.connection().await?.fetch_all(VERSIONS_OF_ID, &args).await?;
        rows.iter().map(rows::version).collect()
    }

    async fn referrers(
        &mut self,
        target: &QualifiedSubject,
        version: Option<Version>,
    ) -> Result<Vec<Referrer>, StoreError> {
        let (first, last) =
            version.map_or((1, i64::from(i32::MAX)), |version| (version.get().into(), version.get().into()));
        let args = [
            Arg::Text(target.context.as_str()),
            Arg::Text(&target.subject),
            Arg::Integer(first),
            Arg::Integer(last),
        ];
        let rows = self.connection().await?.fetch_all(REFERRERS, &args).await?;
        rows.iter().map(rows::referrer).collect()
    }

    async fn settings(&mut self, subject: &QualifiedSubject) -> Result<Vec<ScopeSettings>, StoreError> {
        let args = [Arg::Text(subject.context.as_str()), Arg::Text(&subject.subject)];
        let rows = self.connection().await?.fetch_all(SETTINGS, &args).await?;
        rows.iter().map(rows::settings).collect()
    }

    async fn settings_in(&mut self, context: Option<&Context>) -> Result<Vec<ScopeSettings>, StoreError> {
        let rows = self
            .connection()
            .await?
            .fetch_all(SETTINGS_IN, &[Arg::Text(context.map_or("", Context::as_str))])
            .await?;
        rows.iter().map(rows::settings).collect()
    }

    async fn subjects(
        &mut self,
        context: Option<&Context>,
        prefix: &str,
    ) -> Result<Vec<SubjectRow>, StoreError> {
        let end = prefix_end(prefix);
        let mut connection = self.connection().await?;
        let rows = match context {
            Some(context) => {
                let args = [Arg::Text(prefix), Arg::Text(&end), Arg::Text(context.as_str())];
                connection.fetch_all(SUBJECTS_IN, &args).await?
            }
            None => connection.fetch_all(SUBJECTS, &[Arg::Text(prefix), Arg::Text(&end)]).await?,
        };
        rows.iter().map(rows::subject).collect()
    }

    async fn versions_after(
        &mut self,
        context: Option<&Context>,
        prefix: &str,
        after: Option<&VersionCursor>,
        limit: u32,
    ) -> Result<Vec<VersionRow>, StoreError> {
        let end = prefix_end(prefix);
        let args = [
            Arg::Text(context.or(after.map(|after| &after.subject.context)).map_or("", Context::as_str)),
            Arg::Text(after.map_or("", |after| &after.subject.subject)),
            Arg::Integer(after.map_or(0, |after| after.version.get().into())),
            Arg::Text(prefix),
            Arg::Text(&end),
            Arg::Integer(limit.into()),
        ];
        let sql = if context.is_some() { VERSIONS_AFTER_IN } else { VERSIONS_AFTER };
        let rows = self.connection().await?.fetch_all(sql, &args).await?;
        rows.iter().map(rows::version).collect()
    }

    async fn contexts(&mut self) -> Result<Vec<Context>, StoreError> {
        let rows = self.connection().await?.fetch_all(CONTEXTS, &[]).await?;
        rows.iter().map(|row| rows::context(&row.text(0)?)).collect()
    }

    async fn max_id(&mut self, context: &Context) -> Result<Option<SchemaId>, StoreError> {
        let row = self.connection().await?.fetch_optional(MAX_ID, &[Arg::Text(context.as_str())]).await?;
        row.map(|row| rows::schema_id(row.integer(0)?)).transpose()
    }

    async fn events(&mut self, filter: &EventFilter) -> Result<Vec<Event>, StoreError> {
        events::read(&mut self.connection().await?, filter).await
    }

    async fn sealed_after(&mut self, seal: i64, limit: u32) -> Result<Vec<Event>, StoreError> {
        events::sealed_after(&mut self.connection().await?, seal, limit).await
    }
}
