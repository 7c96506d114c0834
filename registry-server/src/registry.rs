//! The rules of the registry. They know no HTTP and no SQL; time and the caller's identity are parameters.
//!
//! One module per family: `register`, `lookup`, `read`, `list`, `delete`, `settings`, `mode`, `check`,
//! `contexts`, `tags`. A change runs in one store transaction together with its event and is run again when a concurrent one
//! got in between; reads outside changes see what is committed.

mod aliases;
mod associations;
mod check;
mod content;
mod contexts;
mod delete;
mod diff;
pub mod error;
mod events;
mod explain;
mod group;
mod history;
mod input;
mod list;
mod lookup;
mod mode;
mod origin;
mod read;
mod references;
mod register;
mod settings;
mod stored;
mod subjects;
mod tags;
mod view;

use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use assay_schema_core::{Context, QualifiedSubject, SchemaId};

pub use associations::{
    Associated, AssociationFilter, AssociationInput, AssociationRequest, Lifecycle, RESOURCE_TYPE, Write,
    association_type,
};
pub use check::{CheckAgainst, Checked};
pub use diff::{BeforeAfter, Difference};
pub use error::{InvalidSchema, NotPermitted, Place, RegistryError};
pub use explain::Refusal;
pub use history::{AsOf, Finding, HistoryCheck, parse_time};
pub use input::{Deleted, Found, Page, Registered, SchemaInput, SchemaTags, StoredContent, SubjectVersion};
pub use list::{SchemaFilter, SubjectFilter};
pub use origin::{Clock, Origin, SystemClock};
pub use read::VersionOfId;
pub use register::RegisterOptions;
pub use settings::StoredConfig;
pub use stored::StoredSchema;
pub use subjects::SUBJECT_BYTES_MAX;
pub use tags::TagChange;
pub(crate) use view::SubjectView;

use crate::cache::Caches;
use crate::config::RegistryConfig;
use crate::store::{Observer, Store, StoreError};

/// How often a change is run before the caller is told that it timed out.
const CHANGE_ATTEMPTS_MAX: u32 = 20;

/// A registry. Cheap to clone; all clones share one store and one set of caches.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    store: Arc<dyn Store>,
    config: RegistryConfig,
    clock: Arc<dyn Clock>,
    caches: Caches,
    aliases: aliases::Aliases,
    group: group::Group,
}

impl std::fmt::Debug for Registry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registry").field("backend", &self.store().backend()).finish_non_exhaustive()
    }
}

impl Registry {
    /// A registry over an open store.
    pub fn new(store: Arc<dyn Store>, config: RegistryConfig, clock: Arc<dyn Clock>) -> Self {
        let caches = Caches::new(config.cache_bytes_max, store.is_shared());
        let observer: Weak<dyn Observer> =
            Arc::downgrade(&(Arc::clone(caches.subjects()) as Arc<dyn Observer>));
        store.observe(observer);
        let group = group::Group::new(store.is_shared());
        let aliases = aliases::Aliases::default();
        Self { inner: Arc::new(Inner { store, config, clock, caches, aliases, group }) }
    }

    /// The store.
    pub fn store(&self) -> &dyn Store {
        &*self.inner.store
    }

    /// The settings of the rules.
    pub fn config(&self) -> &RegistryConfig {
        &self.inner.config
    }

    pub(crate) fn caches(&self) -> &Caches {
        &self.inner.caches
    }

    pub(crate) fn now_ms(&self) -> i64 {
        self.inner.clock.now_ms()
    }

    /// Invalidates what a committed change made untrue.
    fn changed(&self, context: &Context, touched: &[SchemaId], gone: &[SchemaId]) {
        self.caches().forget(context, touched, gone);
    }

    /// Runs a change until no concurrent one gets in between, at most [`CHANGE_ATTEMPTS_MAX`] times.
    async fn retrying<T, F>(
        &self,
        operation: &'static str,
        attempt: impl Fn() -> F + Send + Sync,
    ) -> Result<T, RegistryError>
    where
        F: Future<Output = Result<T, RegistryError>> + Send,
    {
        for tried in 0..CHANGE_ATTEMPTS_MAX {
            match attempt().await {
                Err(RegistryError::Store(StoreError::Conflict(cause))) => {
                    tracing::debug!(operation, tried, %cause, "a concurrent change got in between");
                    tokio::time::sleep(Duration::from_millis(u64::from(tried.min(10)))).await;
                }
                ended => return ended,
            }
        }
        Err(RegistryError::Contended { operation })
    }

    /// Whether the id is one of this subject's, soft-deleted versions included.
    ///
    /// # Errors
    /// Store errors.
    pub async fn subject_has_id(
        &self,
        subject: &QualifiedSubject,
        id: SchemaId,
    ) -> Result<bool, RegistryError> {
        let mut snapshot = self.store().read().await?;
        let versions = snapshot.versions_of_id(&subject.context, id).await?;
        Ok(versions.iter().any(|row| row.subject == *subject))
    }
}
