//! Avro records for Kafka: values in, framed bytes out, and back, with a schema registry between.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = assay_registry_server::testing::Registry::start().await?;
//! # let registry_url = server.url();
//! use assay_serde_avro::{CachedClient, Deserializer, RegistryClient, Serializer};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Debug, PartialEq, Serialize, Deserialize)]
//! struct Order {
//!     id: i64,
//!     item: String,
//!     note: Option<String>,
//! }
//!
//! const ORDER: &str = r#"{"type":"record","name":"Order","namespace":"shop","fields":[
//!     {"name":"id","type":"long"},
//!     {"name":"item","type":"string"},
//!     {"name":"note","type":["null","string"],"default":null}]}"#;
//!
//! let registry = CachedClient::new(RegistryClient::new(&registry_url)?);
//!
//! // the producer: finds or registers the schema once, then encodes without waiting
//! let serializer = Serializer::<Order>::builder(&registry).schema(ORDER).build()?;
//! let orders = serializer.prepare("orders").await?;
//! let order = Order { id: 7, item: "tea".into(), note: None };
//! let mut payload = Vec::new();
//! orders.encode_into(&order, &mut payload)?;
//! assert_eq!(payload[..5], [0, 0, 0, 0, 1]); // magic byte, then the schema's id
//!
//! // the consumer: fetches each schema once, then decodes without waiting
//! let deserializer = Deserializer::<Order>::new(&registry);
//! assert_eq!(deserializer.decode(&payload).await?, order);
//!
//! // a consumer of a later release, whose schema has one more field
//! #[derive(Debug, PartialEq, Deserialize)]
//! struct OrderV2 {
//!     id: i64,
//!     item: String,
//!     quantity: i32,
//! }
//! let later = Deserializer::<OrderV2>::builder(&registry)
//!     .reader_schema(
//!         r#"{"type":"record","name":"Order","namespace":"shop","fields":[
//!             {"name":"id","type":"long"},
//!             {"name":"item","type":"string"},
//!             {"name":"quantity","type":"int","default":1}]}"#,
//!     )
//!     .build()?;
//! let decoded = later.decode(&payload).await?;
//! assert_eq!(decoded, OrderV2 { id: 7, item: "tea".into(), quantity: 1 });
//! # Ok(()) }
//! ```
//!
//! | wanted | look at |
//! |---|---|
//! | values to bytes | [`Serializer`], [`Prepared`] |
//! | bytes to values | [`Deserializer`] |
//! | a Kafka producer and consumer of typed records | `kafka`, with the feature `rdkafka` |
//! | no asynchronous runtime | [`blocking`] |
//! | schemas known only at run time | [`Generic`] |
//! | configuration as the Java clients spell it | [`Properties`] |
//! | the registry's REST interface | [`RegistryClient`] |
//! | what is remembered, and for how long | [`CachedClient`], [`CacheSettings`] |
//! | numbers about what is done | [`metrics`] |
//! | bounds on what a record may cost | [`Limits`] |
//! | what to do about an error | [`Error::disposition`], [`DeadLetter`], [`RetryTopics`] |
//! | Avro without a registry | [`Plan`] |
//! | the schema of a Rust type | [`trait@AvroSchema`], [`assert_schema_matches`] |
//! | dates, times, decimals, uuids | [`logical`] |
//!
//! # Features
//!
//! | feature | adds |
//! |---|---|
//! | `rdkafka` | the module `kafka`: typed producer and consumer over librdkafka |
//! | `encrypted-keys` | client keys in encrypted PKCS #8 files |
//! | `chrono`, `jiff`, `uuid`, `rust_decimal`, `bigdecimal` | the types of these crates in [`logical`] and [`trait@AvroSchema`] |
//!
//! # Differences from the Java serializers
//!
//! Bytes, subjects, and the meaning of properties are the same, but for these:
//!
//! - The registry is waited for 5 s to connect and 10 s to read, not for a minute; a failing address is passed over at once,
//!   and waits come only after all addresses failed.
//! - Unknown ids are remembered for 10 s; a latest version is asked for again after 60 s, everywhere.
//! - `use.latest.version=true` without `auto.register.schemas=false` is an error, because it would have no effect.
//! - A schema with rules that cannot be run here is refused, rather than read or written unprotected.
//! - Unknown configuration keys are errors. The host name of a TLS certificate is always checked.
//! - A refused connection counts as retriable.

mod avro_schema;
pub mod blocking;
mod cache;
pub mod client;
mod dead_letter;
mod decode;
mod deserializer;
mod encode;
mod error;
mod json;
#[cfg(feature = "rdkafka")]
pub mod kafka;
pub mod logical;
pub mod metrics;
mod plan;
mod properties;
mod retry_topics;
mod serializer;
mod subject;
mod validate;
mod value;
pub mod wire;

pub use apache_avro;
pub use assay_schema_core as schema;
pub use assay_schema_core::naming::SubjectNameStrategy;
pub use assay_serde_avro_derive::AvroSchema;
pub use avro_schema::{
    AvroSchema, AvroSchemaError, Definitions, FieldHead, Fields, SchemaJson, TypeHead, assert_schema_matches,
};
pub use cache::{CacheSettings, CachedClient, RegisteredSchema};
pub use client::{
    Auth, BearerScope, NewSchema, OAuth, RegistryClient, RetryPolicy, SchemaSource, SourceSchema, Tls,
};
pub use dead_letter::{
    DeadLetter, FIRST_BYTES_HEADER, Failure, Header, OutgoingRecord, SCHEMA_HEADER, SourceRecord, Style,
    TimestampType,
};
pub use deserializer::{Deserializer, DeserializerBuilder, DeserializerSettings, ReaderSchema};
pub use error::{
    Disposition, Error, ErrorResponse, LastFailure, TransportError, TransportKind, UNREADABLE_BODY_CODE,
};
pub use json::JsonForm;
pub use metrics::{Counters, Metrics};
pub use plan::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, Limits, Plan, PlanError};
pub use properties::{ConfigError, Properties};
pub use retry_topics::{
    ATTEMPTS_HEADER, BACKOFF_HEADER, Backoff, Forward, RetryNames, RetryTopics, TIMESTAMP_HEADER,
};
pub use serializer::{
    Datum, Generic, OwnedDatum, Prepared, ReadDatum, Selection, Serializer, SerializerBuilder,
    SerializerSettings,
};
pub use subject::SubjectStrategy;
pub use wire::{Framed, Framing, Message, Part, SchemaHeader, SchemaKey, Unframing};
