//! What any node committed, told apart by snapshots.
//!
//! Each look asks for the events that its snapshot sees and the one before it did not. The snapshot says which transactions were
//! still running then, so an event is found whenever its transaction commits, whatever its revision. Looking at intervals, rather
//! than `NOTIFY` inside the changes, keeps commits independent: Postgres lets transactions that notify commit one at a time.

use std::future::Future;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions as _, Row as _};

use super::super::connection::Row;
use super::super::error::StoreError;
use super::super::session::event;
use super::super::{Changes, News};

/// Longest look; a connection that is silent for longer is given up.
const LOOK_TIMEOUT: Duration = Duration::from_secs(2);
/// Most events told one by one.
const EVENTS_MAX: usize = 2000;

const SNAPSHOT: &str = "SELECT CAST(pg_current_snapshot() AS TEXT)";
/// One row without an event if there is none.
const NEWS: &str = "SELECT e.revision, e.ts_ms, e.principal, e.address, e.request_id, e.action, e.context, e.subject, e.version, \
    e.id, e.before, e.after, e.seal, e.prev_hash, e.hash, CAST(pg_current_snapshot() AS TEXT) \
    FROM (SELECT 1) one LEFT JOIN events e ON e.xid >= pg_snapshot_xmin(CAST($1 AS pg_snapshot)) \
    AND NOT pg_visible_in_snapshot(e.xid, CAST($1 AS pg_snapshot)) ORDER BY e.revision LIMIT 2001";

/// The feed, over a connection of its own, so that it never waits for the pool.
pub(super) struct Feed {
    connection: PgConnection,
    snapshot: String,
}

impl Feed {
    pub(super) async fn start(options: &PgConnectOptions) -> Result<Self, StoreError> {
        let started = async {
            let mut connection = options.connect().await?;
            let snapshot = sqlx::query(SNAPSHOT).fetch_one(&mut connection).await?.try_get(0)?;
            Ok(Self { connection, snapshot })
        };
        within(started).await
    }

    async fn look(&mut self) -> Result<News, StoreError> {
        let as_of = Instant::now();
        let rows = sqlx::query(NEWS).bind(&self.snapshot).fetch_all(&mut self.connection).await?;
        let complete = rows.len() <= EVENTS_MAX;
        let mut events = Vec::new();
        for row in rows {
            self.snapshot = row.try_get(15)?;
            let row = Row::Postgres(row);
            if row.optional_integer(0)?.is_some() {
                events.push(event(&row)?);
            }
        }
        Ok(News { as_of, events, complete })
    }
}

async fn within<T>(work: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    let ended = tokio::time::timeout(LOOK_TIMEOUT, work).await;
    ended.unwrap_or_else(|elapsed| Err(StoreError::Unavailable(Box::new(elapsed))))
}

#[async_trait]
impl Changes for Feed {
    async fn next(&mut self, pause: Duration) -> Result<News, StoreError> {
        tokio::time::sleep(pause).await;
        within(self.look()).await
    }
}
