//! Many nodes on one Postgres; no leader. What serialises writers is the subject: see [`Lock`].

mod feed;

use std::str::FromStr;
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use assay_schema_core::QualifiedSubject;
use async_trait::async_trait;
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use sqlx::{ConnectOptions as _, Connection as _, Postgres, Row as _, Transaction};

use super::connection::{Arg, Connection, Row};
use super::error::{OpenError, StoreError};
use super::observers::{Observers, Told};
use super::session::{Session, append_postgres, seal};
use super::{Append, Appended, Changes, Lock, Observer, Snapshot, Store, StoreTx, lock, migrations};

/// Connections for reads and changes together.
const CONNECTIONS_MAX: u32 = 16;
/// Connections that only issue ids; apart from the pool above, so that a change that holds a connection there can always get one.
const ID_CONNECTIONS_MAX: u32 = 2;
/// A connection that was idle for longer is tried before it is used.
const TRUSTED_FOR: Duration = Duration::from_secs(1);
/// Connections of the first pool that appends may keep between them.
const APPENDERS_KEPT: usize = 2;
/// How long a caller waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Advisory lock of the one node that seals events at a time ("seal" in ASCII).
const SEAL_KEY: i64 = 0x73_65_61_6c;

const CLUSTER_ID: &str = "SELECT value FROM meta WHERE name = 'cluster_id'";
const SET_CLUSTER_ID: &str =
    "INSERT INTO meta (name, value) VALUES ('cluster_id', $1) ON CONFLICT (name) DO NOTHING";
/// Takes the locks in the order given: a function scan hands out its rows in order.
const LOCK: &str = "SELECT CASE WHEN exclusive THEN pg_advisory_xact_lock(key) ELSE pg_advisory_xact_lock_shared(key) END \
    FROM unnest(CAST($1 AS bigint[]), CAST($2 AS boolean[])) AS wanted(key, exclusive)";
const ONE_SNAPSHOT: &str = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY";
const TRY_LOCK: &str = "SELECT pg_try_advisory_xact_lock($1)";

/// The Postgres backend.
pub struct PostgresStore {
    pool: PgPool,
    ids: PgPool,
    appenders: Appenders,
    /// For the feed's own connection.
    options: PgConnectOptions,
    observers: Observers,
    cluster_id: String,
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
        let pool = pool_of(CONNECTIONS_MAX).connect_with(options.clone()).await.map_err(connect)?;
        // An id matters only once a version with it is committed; that commit flushes the log up to its end, and with it the
        // allocation that came before. So the allocation itself need not wait for the disk.
        let ids = pool_of(ID_CONNECTIONS_MAX)
            .connect_lazy_with(options.clone().options([("synchronous_commit", "off")]));
        let mut connection = pool.acquire().await.map_err(connect)?;
        assert_settings(&mut connection).await?;
        migrations::run(&migrations::postgres(), &mut *connection).await?;
        let fresh = uuid::Uuid::new_v4().simple().to_string();
        sqlx::query(SET_CLUSTER_ID).bind(fresh).execute(&mut *connection).await.map_err(connect)?;
        let cluster_id = sqlx::query(CLUSTER_ID).fetch_one(&mut *connection).await.map_err(connect)?.get(0);
        drop(connection);
        let appenders = Appenders { pool: pool.clone(), kept: Mutex::default() };
        Ok(Self { pool, ids, appenders, options, observers: Observers::default(), cluster_id })
    }
}

/// Connections that appends keep for one another: to give one back to the pool costs an exchange with the database.
struct Appenders {
    pool: PgPool,
    /// With the time of their last use.
    kept: Mutex<Vec<(PoolConnection<Postgres>, Instant)>>,
}

impl Appenders {
    fn kept(&self) -> MutexGuard<'_, Vec<(PoolConnection<Postgres>, Instant)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn take(&self) -> Result<PoolConnection<Postgres>, StoreError> {
        let kept = self.kept().pop();
        match kept {
            Some((connection, used)) if used.elapsed() < TRUSTED_FOR => Ok(connection),
            _ => Ok(self.pool.acquire().await?),
        }
    }

    fn keep(&self, connection: PoolConnection<Postgres>) {
        let mut kept = self.kept();
        if kept.len() < APPENDERS_KEPT && !self.pool.is_closed() {
            kept.push((connection, Instant::now()));
        }
    }
}

fn pool_of(connections_max: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .before_acquire(|connection, state| {
            Box::pin(async move {
                if state.idle_for > TRUSTED_FOR {
                    connection.ping().await?;
                }
                Ok(true)
            })
        })
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
    observers: Observers,
    /// Scopes of its events.
    pub(super) touched: Vec<QualifiedSubject>,
}

impl Change {
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
        let _told = Told(&self.observers, self.touched);
        Ok(self.transaction.commit().await?)
    }

    pub(super) async fn rollback(self) -> Result<(), StoreError> {
        Ok(self.transaction.rollback().await?)
    }
}

impl PostgresStore {
    async fn change(&self, locks: &[Lock]) -> Result<Change, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let (keys, exclusive): (Vec<i64>, Vec<bool>) = lock::advisory(locks).into_iter().unzip();
        sqlx::query(LOCK).bind(keys).bind(exclusive).execute(&mut *transaction).await?;
        Ok(Change {
            transaction,
            ids: self.ids.clone(),
            observers: self.observers.clone(),
            touched: Vec::new(),
        })
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn read(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        Ok(Box::new(Session::PostgresReader(self.pool.clone(), None)))
    }

    async fn read_at_once(&self) -> Result<Box<dyn Snapshot>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(ONE_SNAPSHOT).execute(&mut *transaction).await?;
        Ok(Box::new(Session::PostgresView(transaction)))
    }

    async fn begin(&self, locks: &[Lock]) -> Result<Box<dyn StoreTx>, StoreError> {
        Ok(Box::new(Session::PostgresChange(self.change(locks).await?)))
    }

    async fn append(&self, versions: &[Append]) -> Result<Vec<Appended>, StoreError> {
        let locks: Vec<Lock> = versions.iter().map(|version| Lock::Change(version.subject.clone())).collect();
        let subjects = versions.iter().map(|version| version.subject.clone()).collect();
        let mut connection = self.appenders.take().await?;
        let _told = Told(&self.observers, subjects);
        let appended = append_postgres(&mut connection, lock::advisory(&locks), versions).await?;
        self.appenders.keep(connection);
        Ok(appended)
    }

    fn observe(&self, observer: Weak<dyn Observer>) {
        self.observers.add(observer);
    }

    fn is_shared(&self) -> bool {
        true
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
        Ok(Some(Box::new(feed::Feed::start(&self.options).await?)))
    }

    fn backend(&self) -> &'static str {
        "postgres"
    }

    async fn close(&self) {
        let closing = self.pool.close();
        self.appenders.kept().clear();
        closing.await;
        self.ids.close().await;
    }
}
