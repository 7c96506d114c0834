//! From framed bytes to values.

mod batch;
mod builder;
mod raw;

use std::collections::BTreeMap;
use std::hash::RandomState;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use assay_schema_core::Context;
use assay_schema_core::avro::Schema;

pub use builder::{DeserializerBuilder, DeserializerSettings, ReaderSchema};
pub(crate) use raw::RawBytes;

use crate::cache::{CachedClient, RegisteredSchema, Table, Use};
use crate::error::Error;
use crate::metrics::Operation;
use crate::plan::{Limits, Plan};
use crate::properties::{ConfigError, Properties, SerdeProperties};
use crate::serializer::{OwnedDatum, ReadDatum};
use crate::subject::SubjectStrategy;
use crate::wire::{Message, Part, SchemaKey, unframe};

/// Turns framed bytes into values.
///
/// Owned, cheap to clone and safe to share. The first record of a schema costs the request that fetches it;
/// every later one is decoded without waiting or locking, also while the registry is away.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = assay_registry_server::testing::Registry::start().await?;
/// # use assay_serde_avro::{CachedClient, Deserializer, Error, RegistryClient, Serializer};
/// # let registry = CachedClient::new(RegistryClient::new(&server.url())?);
/// # let serializer = Serializer::<i64>::builder(&registry).schema(r#""long""#).build()?;
/// # let framed = serializer.encode("counts", &7).await?;
/// let deserializer = Deserializer::<i64>::new(&registry);
/// let count = match deserializer.try_decode(framed.as_message("counts")) {
///     Err(Error::NeedsSchema(key)) => {
///         deserializer.load("counts", key).await?;
///         deserializer.try_decode(framed.as_message("counts"))?
///     }
///     outcome => outcome?,
/// };
/// assert_eq!(count, 7);
/// # Ok(()) }
/// ```
pub struct Deserializer<T> {
    core: Arc<Core>,
    value: PhantomData<fn() -> T>,
}

struct Core {
    registry: CachedClient,
    settings: DeserializerSettings,
    /// Plans where the topic does not matter.
    plans: Arc<Table<Arc<Entry>>>,
    /// Plans by topic, where it decides the reader's schema or the context of ids. Topics that decide neither share `plans`.
    topics: Table<Arc<Table<Arc<Entry>>>, Arc<str>, RandomState>,
    /// Held while a plan is compiled, so that one caller compiles for all.
    compiling: Mutex<()>,
}

/// What decoding records of one schema needs.
struct Entry {
    plan: Plan,
    /// Top-level bytes are read without a length.
    raw: bool,
    /// When the reader's schema has to be asked for again; never unless it is the latest version.
    expires_at: Option<Instant>,
}

impl<T> Clone for Deserializer<T> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone(), value: PhantomData }
    }
}

impl<T> std::fmt::Debug for Deserializer<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Deserializer").field("settings", &self.core.settings).finish_non_exhaustive()
    }
}

impl<T> Deserializer<T> {
    /// A deserializer with default settings: value, dual framing, records as they were written.
    pub fn new(registry: &CachedClient) -> Self {
        Self::from_parts(registry.clone(), DeserializerSettings::default())
    }

    /// Settings of a deserializer that uses `registry`.
    pub fn builder(registry: &CachedClient) -> DeserializerBuilder<T> {
        DeserializerBuilder::new(registry.clone())
    }

    /// A deserializer for one part of records, configured by name.
    pub fn from_properties(properties: &Properties, part: Part) -> Result<Self, Error> {
        let settings = SerdeProperties::deserializer(properties, part)?;
        Ok(Self::from_parts(properties.registry()?, settings))
    }

    fn from_parts(registry: CachedClient, settings: DeserializerSettings) -> Self {
        let plans = Arc::new(Table::new(settings.plans_max));
        let topics = Table::new(settings.plans_max);
        let compiling = Mutex::new(());
        Self { core: Arc::new(Core { registry, settings, plans, topics, compiling }), value: PhantomData }
    }

    /// How it was set up.
    pub fn settings(&self) -> &DeserializerSettings {
        &self.core.settings
    }

    #[cfg(feature = "rdkafka")]
    pub(crate) fn metrics(&self) -> Option<&Arc<dyn crate::metrics::Metrics>> {
        self.core.registry.metrics()
    }

    /// Which schema a message names. Reads the header or the prefix alone.
    pub fn schema_key<'a>(&self, message: impl Into<Message<'a>>) -> Result<SchemaKey, Error> {
        let message = message.into();
        let (key, _) = unframe(self.core.settings.unframing, message.schema_header(), message.payload())?;
        Ok(key)
    }

    /// Whether records with `key` can be decoded without a request where the topic does not matter: in messages without a
    /// topic, and unless the reader's schema is the latest of the topic's subject. Takes no lock.
    #[inline]
    pub fn is_loaded(&self, key: SchemaKey) -> bool {
        self.core.plans.read().contains_key(&key)
    }

    /// The schema that records with `key` were written with, if it is loaded; an id counts in the client's own context.
    pub fn writer_schema(&self, key: SchemaKey) -> Option<Arc<RegisteredSchema>> {
        self.core.registry.known(key)
    }

    /// Fetches and compiles a schema, so that [`try_decode`](Self::try_decode) can use it for messages of `topic`. The topic
    /// matters when the reader's schema is the latest of the topic's subject, and when the registry associates the topic with
    /// a subject of another context, to which its ids belong then.
    pub async fn load(&self, topic: &str, key: SchemaKey) -> Result<(), Error> {
        self.core.load(topic, key).await.map(drop)
    }

    /// Decodes a message into any type, which may borrow from the payload. Needs the schema to be loaded.
    ///
    /// A default of the reader's schema is not in the payload, so that a `&str` or `&[u8]` cannot hold it unless it is empty:
    /// that is an [`Error::Decode`] which names the field. A field that the writer may lack is an owned one, or a `Cow`:
    ///
    /// ```
    /// # use std::borrow::Cow;
    /// #[derive(serde::Deserialize)]
    /// struct View<'a> {
    ///     id: &'a str, // every writer has it
    ///     #[serde(borrow)]
    ///     region: Cow<'a, str>, // borrowed, or the reader's default
    /// }
    /// ```
    #[inline]
    pub fn try_decode_as<'de, U: ReadDatum<'de>>(
        &self,
        message: impl Into<Message<'de>>,
    ) -> Result<U, Error> {
        self.core.try_decode(message.into())
    }

    /// Decodes a message into any type, which may borrow from the payload; fetches the schema if it is not loaded.
    pub async fn decode_as<'de, U: ReadDatum<'de>>(
        &self,
        message: impl Into<Message<'de>>,
    ) -> Result<U, Error> {
        let message = message.into();
        match self.core.try_decode(message) {
            Err(Error::NeedsSchema(key)) => {
                // in a box: only a missing schema pays, and every call's future stays small
                let entry = Box::pin(self.core.load(message.topic(), key)).await;
                self.core.decode_with(entry.as_deref().map_err(Error::clone), message)
            }
            outcome => outcome,
        }
    }
}

impl<T: OwnedDatum> Deserializer<T> {
    /// Decodes a message without waiting. [`Error::NeedsSchema`] names a schema that is not loaded yet: [`load`](Self::load)
    /// it, or leave the message to [`decode`](Self::decode).
    #[inline]
    pub fn try_decode<'a>(&self, message: impl Into<Message<'a>>) -> Result<T, Error> {
        self.core.try_decode(message.into())
    }

    /// Decodes a message; fetches its schema if it is not loaded.
    pub async fn decode<'a>(&self, message: impl Into<Message<'a>>) -> Result<T, Error> {
        self.decode_as(message).await
    }

    /// Decodes a message that may be absent: a tombstone gives nothing, without any request.
    pub async fn decode_option(&self, message: Option<Message<'_>>) -> Result<Option<T>, Error> {
        match message {
            None => Ok(None),
            Some(message) => self.decode(message).await.map(Some),
        }
    }
}

impl Core {
    /// Decodes with what is loaded, and reports the outcome unless a schema is missing.
    #[inline]
    fn try_decode<'de, U: ReadDatum<'de>>(&self, message: Message<'de>) -> Result<U, Error> {
        self.reported(message, self.decode_loaded(message))
    }

    #[inline]
    fn reported<U>(&self, message: Message<'_>, outcome: Result<U, Error>) -> Result<U, Error> {
        if let Some(metrics) = self.registry.metrics() {
            let (topic, part) = (message.topic(), self.settings.part);
            match &outcome {
                Ok(_) => metrics.record(Operation::Decode, topic, part, message.payload().len()),
                Err(Error::NeedsSchema(_)) => {}
                Err(error) => metrics.failed(Operation::Decode, topic, part, error),
            }
        }
        outcome
    }

    #[inline]
    fn decode_loaded<'de, U: ReadDatum<'de>>(&self, message: Message<'de>) -> Result<U, Error> {
        let (key, datum) = unframe(self.settings.unframing, message.schema_header(), message.payload())?;
        if self.is_by_topic(message.topic(), key) {
            let topics = self.topics.read();
            let Some(table) = topics.get(message.topic()) else { return Err(Error::NeedsSchema(key)) };
            return match table.read().get(&key) {
                Some(entry) if entry.expires_at.is_none_or(|at| Instant::now() < at) => {
                    self.decode_entry(entry, key, datum)
                }
                _ => Err(Error::NeedsSchema(key)),
            };
        }
        match self.plans.read().get(&key) {
            Some(entry) => self.decode_entry(entry, key, datum),
            None => Err(Error::NeedsSchema(key)),
        }
    }

    /// Decodes with a schema that was just loaded, and reports the outcome.
    fn decode_with<'de, U: ReadDatum<'de>>(
        &self,
        loaded: Result<&Entry, Error>,
        message: Message<'de>,
    ) -> Result<U, Error> {
        let outcome = loaded.and_then(|entry| {
            let (key, datum) = unframe(self.settings.unframing, message.schema_header(), message.payload())?;
            self.decode_entry(entry, key, datum)
        });
        self.reported(message, outcome)
    }

    #[inline]
    fn decode_entry<'de, U: ReadDatum<'de>>(
        &self,
        entry: &Entry,
        key: SchemaKey,
        datum: &'de [u8],
    ) -> Result<U, Error> {
        let value = if entry.raw {
            U::decode_raw(&entry.plan, datum)
        } else {
            U::decode_datum(&entry.plan, datum, self.settings.fail_on_trailing_data)
        };
        value.map_err(|source| Error::Decode { key, source: Box::new(source) })
    }

    /// Whether the topic decides what a key means or what it is read as.
    #[inline]
    fn is_by_topic(&self, topic: &str, key: SchemaKey) -> bool {
        self.settings.reader.is_latest() || self.association(topic, key).is_some()
    }

    /// The namespace to ask for the subject whose context an id belongs to. GUIDs mean the same in all contexts.
    #[inline]
    fn association(&self, topic: &str, key: SchemaKey) -> Option<&str> {
        match (&self.settings.strategy, key) {
            (SubjectStrategy::Associated { namespace, .. }, SchemaKey::Id(_)) if !topic.is_empty() => {
                Some(namespace)
            }
            _ => None,
        }
    }

    /// The context of a topic's ids, where it is not the client's own.
    async fn foreign_context(&self, topic: &str, key: SchemaKey) -> Result<Option<Context>, Error> {
        let Some(namespace) = self.association(topic, key) else { return Ok(None) };
        let subject = self.registry.associated_subject(namespace, topic, self.settings.part).await?;
        Ok(subject.and_then(|subject| self.registry.foreign_context(&subject)))
    }

    async fn load(&self, topic: &str, key: SchemaKey) -> Result<Arc<Entry>, Error> {
        let context = self.foreign_context(topic, key).await?;
        let writer = match &context {
            Some(context) => self.registry.in_context(context).schema(key).await?,
            None => self.registry.schema(key).await?,
        };
        if !self.settings.ignore_rules {
            writer.refuse_rules(Use::ReadWriter)?;
        }
        let none = BTreeMap::new();
        let latest = match &self.settings.reader {
            ReaderSchema::Writer | ReaderSchema::Given(_) => None,
            ReaderSchema::Latest => Some(self.latest(topic, &writer, &none).await?),
            ReaderSchema::LatestWithMetadata(properties) => {
                Some(self.latest(topic, &writer, properties).await?)
            }
        };
        let table = self.table(topic, key, context.is_some());
        let _turn = self.compiling.lock().unwrap_or_else(PoisonError::into_inner);
        let before = table.read().get(&key).cloned();
        if let Some(entry) = before
            && entry.expires_at.is_none_or(|at| Instant::now() < at)
        {
            return Ok(entry);
        }
        let reader = match (&self.settings.reader, &latest) {
            (ReaderSchema::Given(reader), _) => Some(reader),
            (_, Some(latest)) => Some(&latest.schema),
            _ => None,
        };
        if let Some(metrics) = self.registry.metrics() {
            metrics.compiled(key);
        }
        let ttl = self.registry.settings().latest_ttl.filter(|_| latest.is_some());
        let expires_at = ttl.and_then(|ttl| Instant::now().checked_add(ttl));
        let entry = Arc::new(Entry::new(key, &writer, reader, expires_at, self.settings.limits)?);
        table.insert(&key, &entry);
        Ok(entry)
    }

    /// The latest version of the subject that a topic and a writer's schema belong to.
    async fn latest(
        &self,
        topic: &str,
        writer: &RegisteredSchema,
        properties: &BTreeMap<String, String>,
    ) -> Result<Arc<RegisteredSchema>, Error> {
        let strategy = &self.settings.strategy;
        if topic.is_empty() && strategy.needs_topic() {
            return Err(ConfigError::TopicNeeded.into());
        }
        let record_name = writer.schema.full_name();
        let subject = strategy.subject(&self.registry, topic, self.settings.part, record_name).await?;
        let reader = self.registry.latest(&subject, properties).await?;
        if !self.settings.ignore_rules {
            reader.refuse_rules(Use::ReadReader)?;
        }
        Ok(reader)
    }

    fn table(&self, topic: &str, key: SchemaKey, is_foreign: bool) -> Arc<Table<Arc<Entry>>> {
        if !self.is_by_topic(topic, key) {
            return self.plans.clone();
        }
        if let Some(table) = self.topics.read().get(topic) {
            return table.clone();
        }
        let is_own = self.settings.reader.is_latest() || is_foreign;
        let table = if is_own { Arc::new(Table::new(self.settings.plans_max)) } else { self.plans.clone() };
        self.topics.insert(&Arc::from(topic), &table);
        table
    }
}

impl Entry {
    fn new(
        key: SchemaKey,
        writer: &RegisteredSchema,
        reader: Option<&Schema>,
        expires_at: Option<Instant>,
        limits: Limits,
    ) -> Result<Self, Error> {
        let plan = match reader {
            // top-level bytes are handed out as they are, whatever the reader's schema says
            Some(reader) if !writer.is_bytes() => Plan::resolve(&writer.schema, reader),
            _ => Plan::compile(&writer.schema),
        };
        let plan =
            plan.map_err(|source| Error::Resolution { key, source: Arc::new(source) })?.with_limits(limits);
        Ok(Self { plan, raw: writer.is_bytes(), expires_at })
    }
}
