//! From values to framed bytes.

mod builder;
mod datum;
mod target;

use std::marker::PhantomData;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use assay_schema_core::avro::Schema;
use std::hash::RandomState;
use tokio::sync::OnceCell;

pub use builder::{Selection, SerializerBuilder, SerializerSettings};
pub use datum::{Datum, Generic, OwnedDatum, ReadDatum};
use target::Target;

use crate::cache::{CachedClient, Table};
use crate::client::NewSchema;
use crate::error::Error;
use crate::metrics::Operation;
use crate::properties::{Properties, SerdeProperties};
use crate::wire::{Framed, Part, SchemaHeader};

/// Most topics whose schema a serializer keeps ready.
const TOPICS_MAX: usize = 10_000;

/// Turns values into framed bytes: schema in front, or in a header, and then the Avro datum.
///
/// Owned, cheap to clone and safe to share. The first value of a topic costs the requests that find its schema;
/// [`prepare`](Self::prepare) makes them ahead of time, and gives an object whose encoding is synchronous.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = assay_registry_server::testing::Registry::start().await?;
/// # use assay_serde_avro::{CachedClient, RegistryClient};
/// # let registry = CachedClient::new(RegistryClient::new(&server.url())?);
/// use assay_serde_avro::{Framing, Serializer, SubjectStrategy};
///
/// let serializer = Serializer::<i64>::builder(&registry)
///     .schema(r#""long""#)
///     .subject(SubjectStrategy::TOPIC)
///     .framing(Framing::Header)
///     .build()?;
/// let framed = serializer.encode("counts", &7).await?;
/// assert_eq!(framed.payload, [14]);
/// assert_eq!(framed.header.map(|header| header.name), Some("__value_schema_id"));
/// assert_eq!(serializer.encode_option("counts", None).await?, None); // a tombstone
/// # Ok(()) }
/// ```
pub struct Serializer<T: ?Sized> {
    core: Arc<Core>,
    value: PhantomData<fn(&T)>,
}

struct Core {
    registry: CachedClient,
    settings: SerializerSettings,
    own: Option<OwnSchema>,
    targets: Table<Arc<Target>, Arc<str>, RandomState>,
    /// Held while a plan is compiled, so that one caller compiles for all.
    compiling: Mutex<()>,
}

/// The program's own schema.
struct OwnSchema {
    text: NewSchema,
    /// Parsed when it is first used, because its references have to be fetched.
    parsed: OnceCell<Schema>,
}

impl<T: ?Sized> Clone for Serializer<T> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone(), value: PhantomData }
    }
}

impl<T: ?Sized> std::fmt::Debug for Serializer<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Serializer").field("settings", &self.core.settings).finish_non_exhaustive()
    }
}

impl<T: ?Sized> Serializer<T> {
    /// Settings of a serializer that uses `registry`.
    pub fn builder(registry: &CachedClient) -> SerializerBuilder<T> {
        SerializerBuilder::new(registry.clone())
    }

    /// A serializer for one part of records, configured by name. `schema` is the text of the program's own schema; without
    /// one, the properties have to select a schema of the registry.
    pub fn from_properties(properties: &Properties, part: Part, schema: Option<&str>) -> Result<Self, Error> {
        let settings = SerdeProperties::serializer(properties, part)?;
        let builder = SerializerBuilder::new(properties.registry()?).settings(settings);
        match schema {
            Some(schema) => builder.schema(schema),
            None => builder,
        }
        .build()
    }

    /// How it was set up.
    pub fn settings(&self) -> &SerializerSettings {
        &self.core.settings
    }

    /// Finds the schema for `topic`, registering it if that is configured, and compiles it.
    ///
    /// The result keeps its schema for ever; with [`Selection::Latest`], prepare again to notice a newer version.
    /// Errors: whatever the registry answers; [`Error::IncompatibleSelection`] when the selected schema cannot read the
    /// program's own; [`Error::UnsupportedRule`].
    pub async fn prepare(&self, topic: &str) -> Result<Prepared<T>, Error> {
        Ok(Prepared { target: self.target(topic).await?, value: PhantomData })
    }

    /// What was found before and may still be used.
    #[inline]
    fn known(&self, topic: &str) -> Option<Arc<Target>> {
        let known = self.core.targets.read().get(topic).cloned();
        known.filter(|target| target.expires_at.is_none_or(|expires_at| Instant::now() < expires_at))
    }

    /// In a box: only the first call for a topic pays, and every call's future stays small.
    #[inline]
    async fn target(&self, topic: &str) -> Result<Arc<Target>, Error> {
        match self.known(topic) {
            Some(target) => Ok(target),
            None => Box::pin(self.find(topic)).await,
        }
    }

    async fn find(&self, topic: &str) -> Result<Arc<Target>, Error> {
        let core = &*self.core;
        core.find(topic).await.inspect_err(|error| {
            if let Some(metrics) = core.registry.metrics() {
                metrics.failed(Operation::Encode, topic, core.settings.part, error);
            }
        })
    }
}

impl<T: Datum + ?Sized> Serializer<T> {
    /// Encodes a value for `topic`.
    pub async fn encode(&self, topic: &str, value: &T) -> Result<Framed, Error> {
        let target = self.target(topic).await?;
        let payload = target.encode(value)?;
        Ok(Framed { payload, header: target.header() })
    }

    /// Appends a value for `topic` to `out`, and gives the header to send with it under header framing. On error `out` is as
    /// it was.
    pub async fn encode_into(
        &self,
        topic: &str,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<Option<SchemaHeader>, Error> {
        let target = self.target(topic).await?;
        target.encode_into(value, out)?;
        Ok(target.header())
    }

    /// Encodes a value that may be absent. Nothing is a tombstone: no bytes, no header, and no request.
    pub async fn encode_option(&self, topic: &str, value: Option<&T>) -> Result<Option<Framed>, Error> {
        match value {
            None => Ok(None),
            Some(value) => self.encode(topic, value).await.map(Some),
        }
    }
}

/// A serializer for one topic, whose schema is known. Encodes without waiting, locking, or allocating beyond the buffer.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = assay_registry_server::testing::Registry::start().await?;
/// # use assay_serde_avro::{CachedClient, RegistryClient};
/// # let registry = CachedClient::new(RegistryClient::new(&server.url())?);
/// use assay_serde_avro::Serializer;
///
/// let serializer = Serializer::<str>::builder(&registry).schema(r#""string""#).build()?;
/// let words = serializer.prepare("words").await?; // at start-up: finds what is misconfigured
/// let mut payload = Vec::new();
/// for word in ["tea", "milk"] {
///     payload.clear();
///     words.encode_into(word, &mut payload)?;
///     assert_eq!(payload.len(), 5 + 1 + word.len());
/// }
/// # Ok(()) }
/// ```
pub struct Prepared<T: ?Sized> {
    target: Arc<Target>,
    value: PhantomData<fn(&T)>,
}

impl<T: ?Sized> Clone for Prepared<T> {
    fn clone(&self) -> Self {
        Self { target: self.target.clone(), value: PhantomData }
    }
}

impl<T: ?Sized> std::fmt::Debug for Prepared<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared").field("subject", &self.subject()).finish_non_exhaustive()
    }
}

impl<T: ?Sized> Prepared<T> {
    /// The subject of the schema.
    pub fn subject(&self) -> &str {
        &self.target.subject
    }

    /// The schema that records are written with.
    pub fn schema(&self) -> &crate::cache::RegisteredSchema {
        &self.target.registered
    }

    /// The header to send with every record; nothing under prefix framing.
    pub fn header(&self) -> Option<SchemaHeader> {
        self.target.header()
    }
}

impl<T: Datum + ?Sized> Prepared<T> {
    /// Appends a framed value to `out`. On error `out` is as it was.
    #[inline]
    pub fn encode_into(&self, value: &T, out: &mut Vec<u8>) -> Result<(), Error> {
        self.target.encode_into(value, out)
    }

    /// A framed value in a new buffer.
    pub fn encode(&self, value: &T) -> Result<Framed, Error> {
        Ok(Framed { payload: self.target.encode(value)?, header: self.header() })
    }
}

impl Core {
    /// The program's own schema, if it has one.
    async fn own(&self) -> Result<Option<(&NewSchema, &Schema)>, Error> {
        let Some(own) = &self.own else { return Ok(None) };
        let schema = own.parsed.get_or_try_init(|| self.registry.parse_own(&own.text)).await?;
        Ok(Some((&own.text, schema)))
    }
}
