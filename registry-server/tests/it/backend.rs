//! The two backends as a parameter of a test.

use std::sync::Arc;

use assay_registry_server::store::Store;
use assay_registry_server::store::postgres::PostgresStore;
use assay_registry_server::store::sqlite::SqliteStore;

use crate::postgres;

/// A fresh database that lives as long as this value.
pub struct Database {
    pub url: String,
    _folder: Option<tempfile::TempDir>,
}

impl Database {
    #[expect(clippy::unnecessary_wraps, reason = "the other backend may be missing")]
    pub fn sqlite() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        Some(Self {
            url: format!("sqlite:{}", folder.path().join("registry.db").display()),
            _folder: Some(folder),
        })
    }

    pub fn postgres() -> Option<Self> {
        Some(Self { url: postgres::fresh_database()?, _folder: None })
    }

    pub async fn open(&self) -> Arc<dyn Store> {
        match self.url.strip_prefix("sqlite:") {
            Some(path) => Arc::new(SqliteStore::open(path.as_ref()).await.unwrap()),
            None => Arc::new(PostgresStore::open(&self.url).await.unwrap()),
        }
    }
}

/// Runs each named `async fn(Database)` as one test per backend.
macro_rules! on_both_backends {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(database) = $crate::backend::Database::sqlite() {
                    super::$name(database).await;
                }
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(database) = $crate::backend::Database::postgres() {
                    super::$name(database).await;
                }
            })+
        }
    };
}
pub(crate) use on_both_backends;
