//! Many nodes on one Postgres; no leader. What serialises writers is the subject: see [`Lock`].

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgListener, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Postgres, Row as _, Transaction};

use super::connection::{Arg, Connection, Row};
use super::error::{OpenError, StoreError};
use super::session::{Session, seal};
use super::{Changes, EventFilter, Lock, Snapshot, Store, StoreTx, lock, migrations};

/// Connections for reads and changes together.
const CONNECTIONS_MAX: u32 = 16;
/// Connections that only issue ids; apart from the pool above, so that a change that holds a connection there can always get one.
const ID_CONNECTIONS_MAX: u32 = 2;
/// How long a caller waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Advisory lock of the one node that seals events at a time ("seal" in ASCII).
const SEAL_KEY: i64 = 0x73_65_61_6c;

const CLUSTER_ID: &str = "SELECT value FROM meta WHERE name = 'cluster_id'";
const SET_CLUSTER_ID: &str =
    "INSERT INTO meta (name, value) VALUES ('cluster_id', $1) ON CONFLICT (name) DO NOTHING";
const LOCK_EXCLUSIVE: &str = "SELECT pg_advisory_xact_lock($1)";
const LOCK_SHARED: &str = "SELECT pg_advisory_xact_lock_shared($1)";
const NOTIFY: &str = "SELECT pg_notify('assay_events', $1)";
const ONE_SNAPSHOT: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";
const TRY_LOCK: &str = "SELECT pg_try_advisory_xact_lock($1)";

/// The Postgres backend.
pub struct PostgresStore {
    pool: PgPool,
    ids: PgPool,
    cluster_id: String,
    /// Names this process in notifications, so that it can tell its own.
    node: Arc<str>,
}

impl PostgresStore {
    /// Connects, runs the migrations and checks the durability settings.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(url: &str) -> Result<Self, OpenError> {
        let options = PgConnectOptions::from_str(url)
            .map_err(connect)?
            .application_name("assay")
            .options([("statement_timeout", "30000"), ("lock_timeout", "10000")])
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS_MAX)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_with(options.clone())
            .await
            .map_err(connect)?;
        // An id matters only once a version with it is committed; that commit flushes the log up to its end, and with it the
        // allocation that came before. So the allocation itself need not wait for the disk.
        let ids = PgPoolOptions::new()
            .max_connections(ID_CONNECTIONS_MAX)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options.options([("synchronous_commit", "off")]));
        let mut connection = pool.acquire().await.map_err(connect)?;
        assert_settings(&mut connection).await?;
        migrations::run(&migrations::postgres(), &mut *connection).await?;
        let fresh = uuid::Uuid::new_v4().simple().to_string();
        sqlx::query(SET_CLUSTER_ID).bind(fresh).execute(&mut *connection).await.map_err(connect)?;
        let cluster_id = sqlx::query(CLUSTER_ID).fetch_one(&mut *connection).await.map_err(connect)?.get(0);
        drop(connection);
        let node = uuid::Uuid::new_v4().simple().to_string().into();
        Ok(Self { pool, ids, cluster_id, node })
    }
}

fn connect(error: sqlx::Error) -> OpenError {
    OpenError::Connect { source: Box::new(error) }
}

async fn assert_settings(connection: &mut PgConnection) -> Result<(), OpenError> {
    for setting in ["synchronous_commit", "fsync", "full_page_writes"] {
        let found: String = sqlx::query("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut *connection)
            .await
            .map_err(connect)?
            .get(0);
        if found == "off" {
            return Err(OpenError::UnsafeSetting { setting, found, expected: "on" });
        }
    }
    Ok(())
}

/// One change: a transaction that holds its advisory locks.
pub(super) struct Change {
    transaction: Transaction<'static, Postgres>,
    ids: PgPool,
    node: Arc<str>,
}

impl Change {
    /// Tells the other nodes about an event, once this transaction commits.
    pub(super) async fn notify(&mut self, revision: i64) -> Result<(), StoreError> {
        let payload = format!("{revision} {}", self.node);
        sqlx::query(NOTIFY).bind(payload).execute(&mut *self.transaction).await?;
        Ok(())
    }

    pub(super) fn connection(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    /// Runs an allocator statement in a transaction of its own, so that no change waits for another's commit to get an id.
    pub(super) async fn allocate(
        &self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Option<Row>, StoreError> {
        let mut connection = self.ids.acquire().await?;
        Connection::Postgres(&mut connection).fetch_optional(sql, args).await
    }

    pub(super) async fn commit(self) -> Result<(), StoreError> {
        Ok(self.transaction.commit().await?)
    }

    pub(super) async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.transaction.rollback().await?)
    }
}

/// Notifications, sent inside the transactions that write the events and so delivered in commit order. Each names one revision,
/// which is read then: nothing is inferred from the order of revisions.
struct Feed {
    listener: PgListener,
    pool: PgPool,
    node: Arc<str>,
}

#[async_trait]
impl Changes for Feed {
    async fn next(&mut self) -> Result<super::Change, StoreError> {
        let revision = loop {
            let Some(notification) = self.listener.try_recv().await? else {
                return Ok(super::Change::Interrupted);
            };
            match notification.payload().split_once(' ') {
                Some((_, node)) if *node == *self.node => {}
                Some((revision, _)) => break revision.parse::<i64>().unwrap_or(0),
                None => return Ok(super::Change::Interrupted),
            }
        };
        let filter =
            EventFilter { after_revision: revision.saturating_sub(1), limit: 1, ..EventFilter::default() };
        let mut snapshot = Session::PostgresReader(self.pool.acquire().await?);
        let event = snapshot.events(&filter).await?.into_iter().next();
        let event = event.filter(|event| event.revision == revision);
        Ok(event.map_or(super::Change::Interrupted, |event| super::Change::Event(Box::new(event))))
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn read(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(Session::PostgresReader(self.pool.acquire().await?)))
    }

    async fn read_at_once(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(ONE_SNAPSHOT).execute(&mut *transaction).await?;
        Ok(Box::new(Session::PostgresView(transaction)))
    }

    async fn begin(&self, locks: &[Lock]) -> Result<Box<dyn StoreTx>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        for (key, exclusive) in lock::advisory(locks) {
            let sql = if exclusive { LOCK_EXCLUSIVE } else { LOCK_SHARED };
            sqlx::query(sql).bind(key).execute(&mut *transaction).await?;
        }
        Ok(Box::new(Session::PostgresChange(Change {
            transaction,
            ids: self.ids.clone(),
            node: Arc::clone(&self.node),
        })))
    }

    fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.pool).await?;
        Ok(())
    }

    async fn seal_events(&self, limit: u32) -> Result<u32, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let held: bool = sqlx::query(TRY_LOCK).bind(SEAL_KEY).fetch_one(&mut *transaction).await?.get(0);
        if !held {
            return Ok(0);
        }
        let sealed = seal(&mut Connection::Postgres(&mut transaction), limit).await?;
        transaction.commit().await?;
        Ok(sealed)
    }

    async fn changes(&self) -> Result<Option<Box<dyn Changes>>, StoreError> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen("assay_events").await?;
        Ok(Some(Box::new(Feed { listener, pool: self.pool.clone(), node: Arc::clone(&self.node) })))
    }

    fn backend(&self) -> &'static str {
        "postgres"
    }

    async fn close(&self) {
        self.pool.close().await;
        self.ids.close().await;
    }
}
