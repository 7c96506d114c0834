//! What is known of the registry, shared by all serializers and deserializers of a program.
//!
//! - An id names one schema for ever, so what is known stays known: neither time nor an outage of the registry takes it
//!   away, only room for newer entries does.
//! - Callers that miss the same thing wait for one request, and share its outcome.
//! - That something does *not* exist is remembered for a time ([`CacheSettings::missing_id_ttl`]); an outage or a throttled
//!   request is never remembered.
//! - "Latest" answers are asked for again after [`CacheSettings::latest_ttl`]; while the registry is away the old answer goes
//!   on being used.

mod coalesced;
mod references;
mod registered;
mod registrations;
mod rules;
mod settings;
mod table;
mod versions;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use assay_schema_core::{Context, QualifiedSubject, Version};
use moka::future::Cache;

pub use registered::RegisteredSchema;
pub(crate) use rules::Use;
pub use settings::CacheSettings;
pub(crate) use table::Table;

use crate::client::{SchemaSource, SourceSchema};
use crate::error::Error;
use crate::metrics::{CacheLookup, Metrics};
use crate::wire::{Part, SchemaKey};
use coalesced::{bounded, remember};
use registrations::RegistrationKey;
use versions::LatestKey;

/// A registry, or another [`SchemaSource`], with everything that is known of it. Cheap to clone; clones share what they know.
///
/// ```
/// use std::time::Duration;
/// use assay_serde_avro::{CacheSettings, CachedClient, RegistryClient};
///
/// let client = RegistryClient::new("http://localhost:8081")?;
/// let settings = CacheSettings { latest_ttl: Some(Duration::from_secs(10)), ..CacheSettings::default() };
/// let registry = CachedClient::with_settings(client, settings);
/// # Ok::<(), assay_serde_avro::Error>(())
/// ```
#[derive(Clone)]
pub struct CachedClient {
    inner: Arc<Inner>,
}

struct Inner {
    source: Arc<dyn SchemaSource>,
    settings: CacheSettings,
    known: Table<Arc<RegisteredSchema>>,
    schemas: Cache<SchemaKey, Arc<RegisteredSchema>>,
    missing_schemas: Cache<SchemaKey, Error>,
    versions: Cache<(String, Version), Arc<SourceSchema>>,
    missing_versions: Cache<(String, Version), Error>,
    registrations: Cache<Arc<RegistrationKey>, Arc<RegisteredSchema>>,
    missing_registrations: Cache<Arc<RegistrationKey>, Error>,
    latest: Cache<Arc<LatestKey>, Arc<RegisteredSchema>>,
    /// The last answer for each, for as long as the registry cannot give a newer one.
    stale: Cache<Arc<LatestKey>, Arc<RegisteredSchema>>,
    associations: Cache<(String, String, Part), Option<String>>,
    metrics: Option<Arc<dyn Metrics>>,
    /// What is known of other contexts of the same source.
    contexts: Mutex<HashMap<Context, CachedClient>>,
}

/// Other contexts that a client keeps what it knows of.
const CONTEXTS_MAX: usize = 64;

impl std::fmt::Debug for CachedClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CachedClient").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

impl CachedClient {
    /// Remembers what `source` answers, within the default bounds.
    pub fn new(source: impl SchemaSource) -> Self {
        Self::with_settings(source, CacheSettings::default())
    }

    /// Remembers what `source` answers.
    pub fn with_settings(source: impl SchemaSource, settings: CacheSettings) -> Self {
        Self::over(Arc::new(source), settings)
    }

    fn over(source: Arc<dyn SchemaSource>, settings: CacheSettings) -> Self {
        let entries = settings.entries_max;
        let missing = settings.missing_entries_max;
        Self {
            inner: Arc::new(Inner {
                metrics: source.metrics(),
                source,
                contexts: Mutex::default(),
                known: Table::new(entries),
                schemas: bounded(entries, None),
                missing_schemas: bounded(missing, Some(settings.missing_id_ttl)),
                versions: bounded(entries, None),
                missing_versions: bounded(missing, Some(settings.missing_version_ttl)),
                registrations: bounded(entries, None),
                missing_registrations: bounded(missing, Some(settings.missing_schema_ttl)),
                latest: bounded(settings.latest_entries_max, settings.latest_ttl),
                stale: bounded(settings.latest_entries_max, None),
                associations: bounded(settings.association_entries_max, settings.association_ttl),
                settings,
            }),
        }
    }

    /// The bounds of the caches.
    pub fn settings(&self) -> &CacheSettings {
        &self.inner.settings
    }

    /// The schema, if it is known already. Takes no lock.
    #[inline]
    pub fn known(&self, key: SchemaKey) -> Option<Arc<RegisteredSchema>> {
        self.inner.known.read().get(&key).cloned()
    }

    /// How many schemas are known, of this client's context.
    pub fn known_schemas(&self) -> usize {
        self.inner.known.read().len()
    }

    /// The schema, asked for if it is not known.
    pub async fn schema(&self, key: SchemaKey) -> Result<Arc<RegisteredSchema>, Error> {
        if let Some(schema) = self.known(key) {
            self.inner.count(CacheLookup::Hit);
            return Ok(schema);
        }
        if let Some(error) = self.inner.missing_schemas.get(&key).await {
            self.inner.count(CacheLookup::Missing);
            return Err(error);
        }
        let schema = self.inner.coalesced(&self.inner.schemas, key, self.fetch(key)).await;
        match &schema {
            Ok(schema) => self.inner.known.insert(&key, schema),
            Err(error @ Error::SchemaNotFound { .. }) => {
                remember(&self.inner.missing_schemas, self.inner.settings.missing_id_ttl, key, error).await;
            }
            Err(_) => {}
        }
        schema
    }

    async fn fetch(&self, key: SchemaKey) -> Result<Arc<RegisteredSchema>, Error> {
        let scope = self.scope();
        let found = match key {
            SchemaKey::Id(id) => self.inner.source.by_id(id, scope.as_deref()).await,
            SchemaKey::Guid(guid) => self.inner.source.by_guid(guid).await,
        };
        let mut found = found?;
        match key {
            SchemaKey::Id(id) => found.id = Some(id),
            SchemaKey::Guid(guid) => found.guid = Some(guid),
        }
        self.parse(found, None).await
    }

    /// The subject associated with one part of a topic, if there is one.
    pub async fn associated_subject(
        &self,
        namespace: &str,
        topic: &str,
        part: Part,
    ) -> Result<Option<String>, Error> {
        let fetched = async {
            let mut subjects = self.inner.source.associated_subjects(namespace, topic, part).await?;
            if subjects.len() > 1 {
                return Err(Error::AmbiguousAssociation { topic: topic.to_owned() });
            }
            Ok(subjects.pop())
        };
        let key = (namespace.to_owned(), topic.to_owned(), part);
        self.inner.coalesced(&self.inner.associations, key, fetched).await
    }

    /// Who is told what is done with the schemas.
    pub(crate) fn metrics(&self) -> Option<&Arc<dyn Metrics>> {
        self.inner.metrics.as_ref()
    }

    /// What is known of another context of the same source, whose ids are numbers of their own.
    pub(crate) fn in_context(&self, context: &Context) -> Self {
        let mut known = self.inner.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = known.get(context) {
            return client.clone();
        }
        let settings = CacheSettings { context: context.clone(), ..self.inner.settings.clone() };
        let client = Self::over(self.inner.source.clone(), settings);
        if known.len() < CONTEXTS_MAX {
            known.insert(context.clone(), client.clone());
        }
        client
    }

    /// The context that `subject` names, unless it is this client's own.
    pub(crate) fn foreign_context(&self, subject: &str) -> Option<Context> {
        if !QualifiedSubject::is_qualified(subject) {
            return None;
        }
        let context = QualifiedSubject::parse(subject).context;
        (context != self.inner.settings.context).then_some(context)
    }

    /// Remembers a schema that came with a subject. Its id counts in the subject's context alone.
    fn learn(&self, subject: &str, schema: &Arc<RegisteredSchema>) {
        let by_guid = matches!(schema.key(), SchemaKey::Guid(_));
        if by_guid || self.foreign_context(subject).is_none() {
            self.inner.known.insert(&schema.key(), schema);
        }
    }

    /// The context as a subject, for look-ups by id; nothing for the default one.
    fn scope(&self) -> Option<String> {
        let context = &self.inner.settings.context;
        (!context.is_default()).then(|| context.prefix())
    }

    /// A subject in this client's context, unless it names one itself.
    pub(crate) fn qualify(&self, subject: &str) -> String {
        match self.scope() {
            Some(scope) if !QualifiedSubject::is_qualified(subject) => {
                format!("{scope}{subject}")
            }
            _ => subject.to_owned(),
        }
    }
}
