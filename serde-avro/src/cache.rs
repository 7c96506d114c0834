//! What is known of the registry, shared by all serializers and deserializers of a program.
//!
//! - An id names one schema for ever, so what is known stays known: neither time nor an outage of the registry takes it
//!   away, only room for newer entries does.
//! - Callers that miss the same thing wait for one request, and share its outcome.
//! - That something does *not* exist is remembered for a time ([`CacheSettings::missing_id_ttl`]); an outage or a throttled
//!   request is never remembered.
//! - "Latest" answers are asked for again after [`CacheSettings::latest_ttl`]; while the registry is away the old answer goes
//!   on being used.

mod references;
mod rules;
mod table;

use std::collections::BTreeMap;
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use assay_schema_core::avro::{ParseMode, Schema};
use assay_schema_core::{Context, Guid, Metadata, RuleSet, SchemaId, Version, VersionRef};
use moka::future::Cache;

pub(crate) use rules::Use;
pub(crate) use table::Table;

use crate::client::{NewSchema, SchemaSource, SourceSchema};
use crate::error::Error;
use crate::metrics::{CacheLookup, Metrics};
use crate::wire::{Part, SchemaKey};

/// Bounds of the caches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheSettings {
    /// Context that ids and subjects without a context belong to. Default: the default context.
    pub context: Context,
    /// Most entries of each cache. Spelled `max.schemas.per.subject`. Default 1000.
    pub entries_max: usize,
    /// Most "latest" answers. Spelled `latest.cache.size`. Default 1000.
    pub latest_entries_max: usize,
    /// How long a "latest" answer is used; `None` for ever. Spelled `latest.cache.ttl.sec`. Default 60 s.
    pub latest_ttl: Option<Duration>,
    /// How long an unknown id or GUID is remembered; zero turns it off. Default 10 s.
    pub missing_id_ttl: Duration,
    /// How long an unknown numbered version is remembered; zero turns it off. Default off.
    pub missing_version_ttl: Duration,
    /// How long is remembered that a schema is not registered under a subject; zero turns it off. Default off.
    pub missing_schema_ttl: Duration,
    /// Most entries of each of the three. Spelled `missing.cache.size`. Default 10,000.
    pub missing_entries_max: usize,
    /// Most topics whose associated subject is remembered. Default 1000.
    pub association_entries_max: usize,
    /// How long an association, or that there is none, is remembered; `None` for ever, the default.
    pub association_ttl: Option<Duration>,
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self {
            context: Context::default_context(),
            entries_max: 1000,
            latest_entries_max: 1000,
            latest_ttl: Some(Duration::from_mins(1)),
            missing_id_ttl: Duration::from_secs(10),
            missing_version_ttl: Duration::ZERO,
            missing_schema_ttl: Duration::ZERO,
            missing_entries_max: 10_000,
            association_entries_max: 1000,
            association_ttl: None,
        }
    }
}

/// A parsed schema of the registry. Immutable.
#[derive(Debug)]
pub struct RegisteredSchema {
    /// Its number, where the answer carried one.
    pub id: Option<SchemaId>,
    /// Its content hash, where the answer carried one.
    pub guid: Option<Guid>,
    /// A subject it is registered under, where known.
    pub subject: Option<String>,
    /// Its version under that subject, where known.
    pub version: Option<Version>,
    /// The parsed schema, references resolved.
    pub schema: Schema,
    /// Its metadata.
    pub metadata: Option<Metadata>,
    /// Its rules.
    pub rule_set: Option<RuleSet>,
}

impl RegisteredSchema {
    /// How a record names this schema, and errors about it: by id, else by GUID.
    pub fn key(&self) -> SchemaKey {
        match (self.id, self.guid) {
            (Some(id), _) => SchemaKey::Id(id),
            (None, Some(guid)) => SchemaKey::Guid(guid),
            (None, None) => SchemaKey::Guid(Guid::from_bytes([0; 16])),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct RegistrationKey {
    subject: String,
    schema: NewSchema,
    normalize: bool,
    /// Registered if missing, or only looked up.
    register: bool,
}

/// Which version of a subject counts as its latest.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct LatestKey {
    subject: String,
    /// Metadata properties the version must have.
    properties: BTreeMap<String, String>,
}

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
}

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
        let entries = settings.entries_max;
        let missing = settings.missing_entries_max;
        Self {
            inner: Arc::new(Inner {
                metrics: source.metrics(),
                source: Arc::new(source),
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

    /// Registers a schema under a subject, or finds it there.
    pub async fn register(
        &self,
        subject: &str,
        schema: &NewSchema,
        normalize: bool,
    ) -> Result<Arc<RegisteredSchema>, Error> {
        self.registration(subject, schema, normalize, true).await
    }

    /// Finds a schema under a subject.
    pub async fn lookup(
        &self,
        subject: &str,
        schema: &NewSchema,
        normalize: bool,
    ) -> Result<Arc<RegisteredSchema>, Error> {
        self.registration(subject, schema, normalize, false).await
    }

    async fn registration(
        &self,
        subject: &str,
        schema: &NewSchema,
        normalize: bool,
        register: bool,
    ) -> Result<Arc<RegisteredSchema>, Error> {
        let subject = self.qualify(subject);
        let key = Arc::new(RegistrationKey { subject, schema: schema.clone(), normalize, register });
        if let Some(error) = self.inner.missing_registrations.get(&key).await {
            self.inner.count(CacheLookup::Missing);
            return Err(error);
        }
        let fetched = async {
            let source = &self.inner.source;
            let found = if register {
                source.register(&key.subject, &key.schema, normalize).await?
            } else {
                source.lookup(&key.subject, &key.schema, normalize).await?
            };
            let registered = self.parse(found, Some(&key)).await?;
            self.inner.known.insert(&registered.key(), &registered);
            Ok(registered)
        };
        let registered = self.inner.coalesced(&self.inner.registrations, key.clone(), fetched).await;
        if let Err(error @ (Error::SchemaNotRegistered { .. } | Error::SubjectNotFound { .. })) = &registered
        {
            remember(&self.inner.missing_registrations, self.inner.settings.missing_schema_ttl, key, error)
                .await;
        }
        registered
    }

    /// The latest version of a subject; with `properties`, the latest whose metadata has all of them.
    pub async fn latest(
        &self,
        subject: &str,
        properties: &BTreeMap<String, String>,
    ) -> Result<Arc<RegisteredSchema>, Error> {
        let key = Arc::new(LatestKey { subject: self.qualify(subject), properties: properties.clone() });
        let fetched = async {
            let found = if key.properties.is_empty() {
                self.inner.source.by_version(&key.subject, VersionRef::Latest).await?
            } else {
                self.inner.source.latest_with_metadata(&key.subject, &key.properties).await?
            };
            let latest = self.parse(found, None).await?;
            self.inner.known.insert(&latest.key(), &latest);
            self.inner.stale.insert(key.clone(), latest.clone()).await;
            Ok(latest)
        };
        match self.inner.coalesced(&self.inner.latest, key.clone(), fetched).await {
            Err(error) if error.is_retriable() => match self.inner.stale.get(&key).await {
                Some(latest) => {
                    self.inner.count(CacheLookup::Stale);
                    tracing::warn!(subject = key.subject, %error, "the latest version known before goes on being used");
                    Ok(latest)
                }
                None => Err(error),
            },
            latest => latest,
        }
    }

    /// A version of a subject as the source hands it out.
    pub(crate) async fn version(
        &self,
        subject: &str,
        version: VersionRef,
    ) -> Result<Arc<SourceSchema>, Error> {
        let VersionRef::Number(number) = version else {
            return self.inner.source.by_version(subject, version).await.map(Arc::new);
        };
        let key = (subject.to_owned(), number);
        if let Some(error) = self.inner.missing_versions.get(&key).await {
            self.inner.count(CacheLookup::Missing);
            return Err(error);
        }
        let fetched = async { self.inner.source.by_version(subject, version).await.map(Arc::new) };
        let found = self.inner.coalesced(&self.inner.versions, key.clone(), fetched).await;
        if let Err(error @ (Error::VersionNotFound { .. } | Error::SubjectNotFound { .. })) = &found {
            remember(&self.inner.missing_versions, self.inner.settings.missing_version_ttl, key, error).await;
        }
        found
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

    /// Parses an answer. What it leaves out is taken from the request.
    async fn parse(
        &self,
        found: SourceSchema,
        request: Option<&RegistrationKey>,
    ) -> Result<Arc<RegisteredSchema>, Error> {
        let SourceSchema { id, guid, subject, version, schema_type, text, references, metadata, rule_set } =
            found;
        let (text, references) = match (text, request) {
            (Some(text), _) => (text, references),
            (None, Some(request)) => (request.schema.text.clone(), request.schema.references.clone()),
            (None, None) => (String::new(), references),
        };
        let subject = subject.or_else(|| request.map(|request| request.subject.clone()));
        let key = id.map(SchemaKey::Id).or(guid.map(SchemaKey::Guid));
        let key = key.unwrap_or(SchemaKey::Guid(Guid::from_bytes([0; 16])));
        if schema_type != "AVRO" {
            return Err(Error::NotAvro { key, schema_type });
        }
        let owner = subject.clone().or_else(|| self.scope());
        let texts = self.reference_texts(key, owner.as_deref(), &references).await?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let schema = Schema::parse_with_references(&text, &texts, ParseMode::Lax)
            .map_err(|source| Error::UnreadableSchema { key, source: Arc::new(source) })?;
        Ok(Arc::new(RegisteredSchema { id, guid, subject, version, schema, metadata, rule_set }))
    }

    /// The context as a subject, for look-ups by id; nothing for the default one.
    fn scope(&self) -> Option<String> {
        let context = &self.inner.settings.context;
        (!context.is_default()).then(|| context.prefix())
    }

    /// A subject in this client's context, unless it names one itself.
    pub(crate) fn qualify(&self, subject: &str) -> String {
        match self.scope() {
            Some(scope) if !assay_schema_core::QualifiedSubject::is_qualified(subject) => {
                format!("{scope}{subject}")
            }
            _ => subject.to_owned(),
        }
    }
}

fn bounded<K, V>(entries: usize, ttl: Option<Duration>) -> Cache<K, V>
where
    K: Hash + Eq + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    let builder = Cache::builder().max_capacity(entries as u64);
    match ttl {
        Some(ttl) => builder.time_to_live(ttl).build(),
        None => builder.build(),
    }
}

async fn remember<K>(cache: &Cache<K, Error>, ttl: Duration, key: K, error: &Error)
where
    K: Hash + Eq + Send + Sync + 'static,
{
    if !ttl.is_zero() {
        cache.insert(key, error.clone()).await;
    }
}

impl Inner {
    fn count(&self, lookup: CacheLookup) {
        if let Some(metrics) = &self.metrics {
            metrics.cache(lookup);
        }
    }

    /// Gets a value, with one initializer for all that wait for the same key. Failures reach all of them and are not kept.
    async fn coalesced<K, V>(
        &self,
        cache: &Cache<K, V>,
        key: K,
        fetched: impl Future<Output = Result<V, Error>>,
    ) -> Result<V, Error>
    where
        K: Hash + Eq + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        if let Some(value) = cache.get(&key).await {
            self.count(CacheLookup::Hit);
            return Ok(value);
        }
        let mut asked = false;
        // in a box, so that the futures of encoding and decoding stay small: they seldom get here
        let fetched = Box::pin(async {
            asked = true;
            fetched.await
        });
        let outcome = cache.try_get_with(key, fetched).await.map_err(|error| Error::clone(&error));
        self.count(if asked { CacheLookup::Miss } else { CacheLookup::Coalesced });
        outcome
    }
}

impl RegisteredSchema {
    /// Whether the schema is `bytes` itself, with or without a logical type; such data is framed without a length.
    pub(crate) fn is_bytes(&self) -> bool {
        self.schema.node(self.schema.root()).kind() == assay_schema_core::avro::Kind::Bytes
    }
}

impl CachedClient {
    /// Parses a program's own schema, with references as the registry has them.
    pub(crate) async fn parse_own(&self, own: &NewSchema) -> Result<Schema, Error> {
        let key = SchemaKey::Guid(Guid::from_bytes([0; 16]));
        let texts = self.reference_texts(key, self.scope().as_deref(), &own.references).await?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Schema::parse_with_references(&own.text, &texts, ParseMode::Lax)
            .map_err(|source| Error::UnreadableSchema { key, source: Arc::new(source) })
    }
}
