//! The migrations, embedded at build time, and the check that the database is not newer than they are.

use std::borrow::Cow;

use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};

use super::error::OpenError;

/// Number, description, `SQLite` text, Postgres text. Same numbers on both sides.
const MIGRATIONS: &[(i64, &str, &str, &str)] = &[
    (
        1,
        "registry",
        include_str!("../../../migrations/sqlite/0001_registry.sql"),
        include_str!("../../../migrations/postgres/0001_registry.sql"),
    ),
    (
        2,
        "versions by id",
        include_str!("../../../migrations/sqlite/0002_versions_by_id.sql"),
        include_str!("../../../migrations/postgres/0002_versions_by_id.sql"),
    ),
    (
        3,
        "history",
        include_str!("../../../migrations/sqlite/0003_history.sql"),
        include_str!("../../../migrations/postgres/0003_history.sql"),
    ),
    (
        4,
        "append",
        include_str!("../../../migrations/sqlite/0004_append.sql"),
        include_str!("../../../migrations/postgres/0004_append.sql"),
    ),
];

pub(super) fn sqlite() -> Migrator {
    migrator(|(version, description, text, _)| migration(*version, description, text))
}

pub(super) fn postgres() -> Migrator {
    migrator(|(version, description, _, text)| migration(*version, description, text))
}

fn migrator(pick: impl Fn(&(i64, &'static str, &'static str, &'static str)) -> Migration) -> Migrator {
    Migrator { migrations: Cow::Owned(MIGRATIONS.iter().map(pick).collect()), ..Migrator::DEFAULT }
}

fn migration(version: i64, description: &'static str, text: &'static str) -> Migration {
    Migration::new(version, Cow::Borrowed(description), MigrationType::Simple, Cow::Borrowed(text), false)
}

/// Runs what is missing. Nodes that start together on one database take turns (the migrator's own lock).
///
/// # Errors
/// [`OpenError::NewerDatabase`] if the database has a migration this binary does not know, before anything is changed.
pub(super) async fn run<C: Migrate>(migrator: &Migrator, connection: &mut C) -> Result<(), OpenError> {
    connection.lock().await.map_err(failed)?;
    let outcome = check_and_run(migrator, connection).await;
    connection.unlock().await.map_err(failed)?;
    outcome
}

async fn check_and_run<C: Migrate>(migrator: &Migrator, connection: &mut C) -> Result<(), OpenError> {
    let known = MIGRATIONS.last().map_or(0, |migration| migration.0);
    connection.ensure_migrations_table().await.map_err(failed)?;
    let applied = connection.list_applied_migrations().await.map_err(failed)?;
    let found = applied.iter().map(|migration| migration.version).max().unwrap_or(0);
    if found > known {
        return Err(OpenError::NewerDatabase { found, known });
    }
    migrator.run_direct(connection).await.map_err(failed)
}

fn failed(error: MigrateError) -> OpenError {
    OpenError::Migrate { source: Box::new(error) }
}
