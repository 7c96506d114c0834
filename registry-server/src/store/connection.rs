//! One way to run a query on either backend, so that the queries exist once.
//!
//! Placeholders are `$1..`, which both databases understand; every value is bound, never formatted into the text.

use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteConnection, SqliteRow};
use sqlx::{Arguments as _, Row as _};

use super::error::StoreError;

/// A bound value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Arg<'a> {
    Text(&'a str),
    OptionalText(Option<&'a str>),
    Integer(i64),
    OptionalInteger(Option<i64>),
    Blob(&'a [u8]),
}

/// A borrowed connection of either backend.
pub(super) enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Connection<'_> {
    /// The text for this backend, where one for both does not do.
    pub(super) fn pick(&self, sqlite: &'static str, postgres: &'static str) -> &'static str {
        match self {
            Self::Sqlite(_) => sqlite,
            Self::Postgres(_) => postgres,
        }
    }

    /// Runs a query and returns all its rows; the callers bound their number.
    pub(super) async fn fetch_all(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite(connection) => {
                let rows =
                    sqlx::query_with(sql, sqlite_arguments(args)?).fetch_all(&mut **connection).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Self::Postgres(connection) => {
                let rows =
                    sqlx::query_with(sql, postgres_arguments(args)?).fetch_all(&mut **connection).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    /// Runs a query that yields at most one row.
    pub(super) async fn fetch_optional(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Option<Row>, StoreError> {
        Ok(match self {
            Self::Sqlite(connection) => sqlx::query_with(sql, sqlite_arguments(args)?)
                .fetch_optional(&mut **connection)
                .await?
                .map(Row::Sqlite),
            Self::Postgres(connection) => sqlx::query_with(sql, postgres_arguments(args)?)
                .fetch_optional(&mut **connection)
                .await?
                .map(Row::Postgres),
        })
    }

    /// Runs a statement and returns the number of rows it changed.
    pub(super) async fn execute(&mut self, sql: &'static str, args: &[Arg<'_>]) -> Result<u64, StoreError> {
        Ok(match self {
            Self::Sqlite(connection) => sqlx::query_with(sql, sqlite_arguments(args)?)
                .execute(&mut **connection)
                .await?
                .rows_affected(),
            Self::Postgres(connection) => sqlx::query_with(sql, postgres_arguments(args)?)
                .execute(&mut **connection)
                .await?
                .rows_affected(),
        })
    }
}

fn sqlite_arguments<'q>(args: &[Arg<'_>]) -> Result<SqliteArguments<'q>, StoreError> {
    let mut bound = SqliteArguments::default();
    for arg in args {
        match *arg {
            Arg::Text(value) => bound.add(value.to_owned()),
            Arg::OptionalText(value) => bound.add(value.map(str::to_owned)),
            Arg::Integer(value) => bound.add(value),
            Arg::OptionalInteger(value) => bound.add(value),
            Arg::Blob(value) => bound.add(value.to_vec()),
        }
        .map_err(StoreError::Failed)?;
    }
    Ok(bound)
}

fn postgres_arguments(args: &[Arg<'_>]) -> Result<PgArguments, StoreError> {
    let mut bound = PgArguments::default();
    for arg in args {
        match *arg {
            Arg::Text(value) => bound.add(value),
            Arg::OptionalText(value) => bound.add(value),
            Arg::Integer(value) => bound.add(value),
            Arg::OptionalInteger(value) => bound.add(value),
            Arg::Blob(value) => bound.add(value),
        }
        .map_err(StoreError::Failed)?;
    }
    Ok(bound)
}

/// A result row of either backend; columns are read by position.
pub(super) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    pub(super) fn text(&self, column: usize) -> Result<String, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(super) fn optional_text(&self, column: usize) -> Result<Option<String>, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(super) fn integer(&self, column: usize) -> Result<i64, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(super) fn optional_integer(&self, column: usize) -> Result<Option<i64>, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(super) fn blob(&self, column: usize) -> Result<Vec<u8>, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }

    pub(super) fn optional_blob(&self, column: usize) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(match self {
            Self::Sqlite(row) => row.try_get(column)?,
            Self::Postgres(row) => row.try_get(column)?,
        })
    }
}
