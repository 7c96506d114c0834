//! One node on one file.
//!
//! One connection writes, a pool reads. Changes that wait for the writer share one commit: each runs in a savepoint of an open
//! transaction, and the first of them to get the writer back after all that were waiting have run commits for all. A change is
//! acknowledged after that commit, never before; a change that fails undoes its own savepoint alone.

use std::path::Path;
use std::str::FromStr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use assay_schema_core::QualifiedSubject;
use async_trait::async_trait;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{ConnectOptions as _, Connection as _, Row as _};
use tokio::sync::{Mutex, OwnedMutexGuard, watch};

use super::connection::Connection;
use super::error::{OpenError, StoreError};
use super::observers::{Observers, Told};
use super::session::{AppendEnd, Session, append_sqlite, seal};
use super::{Append, Appended, Changes, Lock, Observer, Snapshot, Store, StoreTx, migrations};

/// Connections that read at the same time.
const READERS_MAX: u32 = 8;
/// How long a connection waits for a lock held by another process.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a reader waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Changes in one commit. Bounds the work lost when that commit fails.
const GROUP_CHANGES_MAX: u32 = 256;

const CLUSTER_ID: &str = "SELECT value FROM meta WHERE name = 'cluster_id'";
const SET_CLUSTER_ID: &str =
    "INSERT INTO meta (name, value) VALUES ('cluster_id', $1) ON CONFLICT (name) DO NOTHING";

/// The `SQLite` backend.
pub struct SqliteStore {
    readers: SqlitePool,
    writer: Arc<Mutex<Writer>>,
    observers: Observers,
    cluster_id: String,
}

/// The writing connection; who holds the mutex may write.
struct Writer {
    options: SqliteConnectOptions,
    /// `None` after a failure that may have left the connection inside a transaction; reopened by the next change.
    connection: Option<SqliteConnection>,
    /// Where the last append left things; the next one finds out whether they still are.
    end: Option<AppendEnd>,
    /// The open transaction, if one.
    group: Option<Group>,
    /// A change ended without commit or rollback (it was dropped); its savepoint must be undone first.
    abandoned: bool,
    observers: Observers,
}

/// Changes whose savepoints are released but not yet committed.
struct Group {
    changes: u32,
    /// Scopes of those changes.
    touched: Vec<QualifiedSubject>,
    outcome: watch::Sender<Outcome>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Open,
    Committed,
    Lost,
}

/// The commit that carried this change failed for another member of the group.
#[derive(Debug, thiserror::Error)]
#[error("the commit shared with other changes failed")]
struct GroupLost;

impl SqliteStore {
    /// Opens or creates the file, runs the migrations and checks the durability settings.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(path: &Path) -> Result<Self, OpenError> {
        let options = SqliteConnectOptions::from_str("sqlite:")
            .map_err(connect)?
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY_TIMEOUT)
            .pragma("journal_size_limit", "67108864")
            .disable_statement_logging();
        let mut connection = options.connect().await.map_err(connect)?;
        assert_settings(&mut connection).await?;
        migrations::run(&migrations::sqlite(), &mut connection).await?;
        let fresh = uuid::Uuid::new_v4().simple().to_string();
        sqlx::query(SET_CLUSTER_ID).bind(fresh).execute(&mut connection).await.map_err(connect)?;
        let cluster_id = sqlx::query(CLUSTER_ID).fetch_one(&mut connection).await.map_err(connect)?.get(0);
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS_MAX)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .test_before_acquire(false)
            .after_connect(|connection, _| {
                Box::pin(async move {
                    assert_settings(connection)
                        .await
                        .map_err(|error| sqlx::Error::Configuration(Box::new(error)))
                })
            })
            .connect_lazy_with(options.clone().create_if_missing(false).pragma("query_only", "on"));
        let observers = Observers::default();
        let writer = Writer {
            options,
            connection: Some(connection),
            end: None,
            group: None,
            abandoned: false,
            observers: observers.clone(),
        };
        Ok(Self { readers, writer: Arc::new(Mutex::new(writer)), observers, cluster_id })
    }
}

fn connect(error: sqlx::Error) -> OpenError {
    OpenError::Connect { source: Box::new(error) }
}

/// Reads back what makes an acknowledged write durable. A setting that did not take is refused, on every connection.
async fn assert_settings(connection: &mut SqliteConnection) -> Result<(), OpenError> {
    let journal: String =
        sqlx::query("PRAGMA journal_mode").fetch_one(&mut *connection).await.map_err(connect)?.get(0);
    if journal != "wal" {
        return Err(OpenError::UnsafeSetting { setting: "journal_mode", found: journal, expected: "wal" });
    }
    for (setting, query, expected, text) in [
        ("synchronous", "PRAGMA synchronous", 2, "2 (FULL)"),
        ("foreign_keys", "PRAGMA foreign_keys", 1, "1"),
    ] {
        let found: i64 = sqlx::query(query).fetch_one(&mut *connection).await.map_err(connect)?.get(0);
        if found != expected {
            return Err(OpenError::UnsafeSetting { setting, found: found.to_string(), expected: text });
        }
    }
    Ok(())
}

impl Writer {
    async fn execute(&mut self, sql: &'static str) -> Result<(), StoreError> {
        let connection =
            self.connection.as_mut().ok_or_else(|| StoreError::Unavailable(Box::new(GroupLost)))?;
        sqlx::query(sql).execute(connection).await?;
        Ok(())
    }

    /// Gives up the open transaction and every change in it. The connection is replaced, because after a failed rollback or
    /// commit its state is unknown.
    async fn lose_group(&mut self) {
        self.abandoned = false;
        if let Some(group) = self.group.take() {
            // A commit that failed may still have happened.
            self.observers.tell(&group.touched);
            group.outcome.send_replace(Outcome::Lost);
        }
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "closing the writing connection failed");
        }
    }

    /// Undoes the savepoint of a change that was dropped.
    async fn undo_abandoned(&mut self) {
        if self.abandoned {
            self.undo_savepoint().await;
        }
    }

    async fn undo_savepoint(&mut self) {
        self.abandoned = false;
        let undone = match self.execute("ROLLBACK TO change").await {
            Ok(()) => self.execute("RELEASE change").await,
            Err(error) => Err(error),
        };
        if let Err(error) = undone {
            tracing::warn!(%error, "undoing a change failed; the shared transaction is given up");
            self.lose_group().await;
        }
    }

    async fn connect(&self) -> Result<SqliteConnection, StoreError> {
        let mut connection = self.options.connect().await?;
        assert_settings(&mut connection).await.map_err(|error| StoreError::Failed(Box::new(error)))?;
        Ok(connection)
    }

    /// The connection without an open transaction, taken out: unless it is put back, the next change opens another.
    async fn free_connection(&mut self) -> Result<SqliteConnection, StoreError> {
        self.undo_abandoned().await;
        self.commit_group().await?;
        match self.connection.take() {
            Some(connection) => Ok(connection),
            None => self.connect().await,
        }
    }

    /// Opens the transaction unless one is open, and a savepoint in it.
    async fn start_change(&mut self) -> Result<(), StoreError> {
        self.undo_abandoned().await;
        if self.connection.is_none() {
            self.connection = Some(self.connect().await?);
        }
        if self.group.as_ref().is_some_and(|group| group.changes >= GROUP_CHANGES_MAX) {
            self.commit_group().await?;
        }
        let begin =
            if self.group.is_some() { "SAVEPOINT change" } else { "BEGIN IMMEDIATE; SAVEPOINT change" };
        if let Err(error) = self.execute(begin).await {
            self.lose_group().await;
            return Err(error);
        }
        let fresh = || Group { changes: 0, touched: Vec::new(), outcome: watch::Sender::new(Outcome::Open) };
        self.group.get_or_insert_with(fresh);
        self.abandoned = true;
        Ok(())
    }

    /// Ends a transaction in which nothing is left.
    async fn end_if_empty(&mut self) -> Result<(), StoreError> {
        if self.group.as_ref().is_some_and(|group| group.changes == 0) {
            self.group = None;
            if let Err(error) = self.execute("ROLLBACK").await {
                self.lose_group().await;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Undoes a change that was dropped, and ends a transaction that nobody waits for any more.
    async fn settle(&mut self) {
        if !self.abandoned {
            return;
        }
        self.undo_savepoint().await;
        if let Err(error) = self.end_if_empty().await {
            tracing::warn!(%error, "ending an empty transaction failed");
        }
    }

    /// Commits the open transaction, if one.
    async fn commit_group(&mut self) -> Result<(), StoreError> {
        if self.group.is_none() { Ok(()) } else { self.end_group("COMMIT").await }
    }

    async fn end_group(&mut self, commit: &'static str) -> Result<(), StoreError> {
        if let Err(error) = self.execute(commit).await {
            self.lose_group().await;
            return Err(error);
        }
        if let Some(group) = self.group.take() {
            self.observers.tell(&group.touched);
            group.outcome.send_replace(Outcome::Committed);
        }
        Ok(())
    }
}

/// One change that holds the writer.
pub(super) struct Change {
    /// Empty once the change has ended.
    writer: Option<OwnedMutexGuard<Writer>>,
    shared: Arc<Mutex<Writer>>,
    /// Scopes of its events.
    pub(super) touched: Vec<QualifiedSubject>,
}

impl Drop for Change {
    /// A change that is dropped without an end is undone by the next one, or, if none comes, by a task of its own: the transaction
    /// must not stay open.
    fn drop(&mut self) {
        if self.writer.take().is_some()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            let shared = Arc::clone(&self.shared);
            runtime.spawn(async move { shared.lock().await.settle().await });
        }
    }
}

impl Change {
    pub(super) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        let connection = self.writer.as_mut().and_then(|writer| writer.connection.as_mut());
        connection.ok_or_else(|| StoreError::Unavailable(Box::new(GroupLost)))
    }

    /// Releases the savepoint, lets the changes that are waiting run, and returns once the shared transaction is on disk.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        let lost = || StoreError::Failed(Box::new(GroupLost));
        let mut writer = self.writer.take().ok_or_else(lost)?;
        let shared = Arc::clone(&self.shared);
        if let Err(error) = writer.execute("RELEASE change").await {
            writer.lose_group().await;
            return Err(error);
        }
        writer.abandoned = false;
        let group = writer.group.as_mut().ok_or_else(lost)?;
        group.changes += 1;
        group.touched.append(&mut self.touched);
        let mut outcome = group.outcome.subscribe();
        drop(writer);
        // The mutex is fair: everyone who waits now runs before this change gets the writer back. Both branches are cancel-safe:
        // a lost place in the queue only means that somebody else commits.
        let committed = tokio::select! {
            biased;
            ended = wait_for_end(&mut outcome) => ended,
            mut writer = shared.lock() => {
                let ended = *outcome.borrow_and_update();
                if ended == Outcome::Open {
                    writer.undo_abandoned().await;
                    let still_open = *outcome.borrow_and_update() == Outcome::Open;
                    if still_open {
                        return writer.commit_group().await;
                    }
                    Outcome::Lost
                } else {
                    ended
                }
            }
        };
        if committed == Outcome::Committed { Ok(()) } else { Err(lost()) }
    }

    /// Undoes this change alone.
    pub(super) async fn rollback(mut self) -> Result<(), StoreError> {
        let Some(mut writer) = self.writer.take() else { return Ok(()) };
        writer.undo_savepoint().await;
        writer.end_if_empty().await
    }
}

async fn wait_for_end(outcome: &mut watch::Receiver<Outcome>) -> Outcome {
    match outcome.wait_for(|outcome| *outcome != Outcome::Open).await {
        Ok(outcome) => *outcome,
        Err(_) => Outcome::Lost,
    }
}

impl SqliteStore {
    async fn start(&self) -> Result<Change, StoreError> {
        let mut writer = Arc::clone(&self.writer).lock_owned().await;
        writer.start_change().await?;
        Ok(Change { writer: Some(writer), shared: Arc::clone(&self.writer), touched: Vec::new() })
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn read(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(Session::SqliteReader(self.readers.clone(), None)))
    }

    async fn read_at_once(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(Session::SqliteView(self.readers.begin().await?)))
    }

    async fn begin(&self, _locks: &[Lock]) -> Result<Box<dyn StoreTx>, StoreError> {
        Ok(Box::new(Session::SqliteChange(self.start().await?)))
    }

    async fn append(&self, versions: &[Append]) -> Result<Vec<Appended>, StoreError> {
        let mut writer = self.writer.lock().await;
        let mut connection = writer.free_connection().await?;
        let subjects = versions.iter().map(|version| version.subject.clone()).collect();
        let _told = Told(&self.observers, subjects);
        let appended = append_sqlite(&mut connection, versions, &mut writer.end).await;
        if appended.is_ok() {
            writer.connection = Some(connection);
        } else if let Err(error) = connection.close().await {
            tracing::warn!(%error, "closing the writing connection failed");
        }
        appended
    }

    fn observe(&self, observer: Weak<dyn Observer>) {
        self.observers.add(observer);
    }

    fn is_shared(&self) -> bool {
        false
    }

    fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.readers).await?;
        Ok(())
    }

    async fn seal_events(&self, limit: u32) -> Result<u32, StoreError> {
        let mut change = self.start().await?;
        match seal(&mut Connection::Sqlite(change.connection()?), limit).await {
            Ok(0) => change.rollback().await.map(|()| 0),
            Ok(sealed) => change.commit().await.map(|()| sealed),
            Err(error) => {
                change.rollback().await?;
                Err(error)
            }
        }
    }

    async fn changes(&self) -> Result<Option<Box<dyn Changes>>, StoreError> {
        Ok(None)
    }

    fn backend(&self) -> &'static str {
        "sqlite"
    }

    async fn close(&self) {
        let mut writer = self.writer.lock().await;
        writer.undo_abandoned().await;
        if let Err(error) = writer.commit_group().await {
            tracing::error!(%error, "the last commit failed");
        }
        self.readers.close().await;
        if let Some(connection) = writer.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(%error, "closing the writing connection failed");
        }
    }
}
