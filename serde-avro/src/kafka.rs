//! A typed producer and consumer over librdkafka. Feature `rdkafka`.
//!
//! ```no_run
//! use assay_serde_avro::kafka::{Consumer, Decoder, Encoder, Producer, Record};
//! use assay_serde_avro::{CachedClient, Deserializer, RegistryClient, Serializer};
//! # #[derive(serde::Serialize, serde::Deserialize)] struct Order { id: i64 }
//! # const ORDER: &str = r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"long"}]}"#;
//! # #[tokio::main] async fn main() -> Result<(), assay_serde_avro::kafka::Error> {
//! let registry = CachedClient::new(RegistryClient::new("http://localhost:8081")?);
//! let orders = Serializer::<Order>::builder(&registry).schema(ORDER).build()?;
//! let producer = Producer::new("localhost:9092", Encoder::plain(), orders)?;
//! producer.send(Record::new("orders", &Order { id: 7 }).key("o-7")).await?;
//!
//! let orders = Deserializer::<Order>::new(&registry);
//! let consumer = Consumer::new("localhost:9092", "billing", &["orders"], Decoder::text(), orders)?;
//! while let Some(order) = consumer.recv().await? {
//!     println!("{:?} {:?}", order.key(), order.value().map(|order| order.id));
//!     consumer.done(&order)?;
//! }
//! # Ok(()) }
//! ```
//!
//! | wanted | look at |
//! |---|---|
//! | one record, acknowledged | [`Producer::send`] |
//! | many in flight, in order | [`Producer::enqueue`] |
//! | records one by one, or as a stream | [`Consumer::recv`], [`Consumer::stream`] |
//! | offsets | [`Consumer::done`], [`Consumer::commit`], [`Consumer::commit_async`] |
//! | an end without loss | [`Consumer::stopper`], [`Consumer::close`], [`Producer::close`] |
//! | retry topics and dead letters | [`Consumer::run`], [`OnFailure`] |
//! | any setting of librdkafka | [`ProducerBuilder::set`], [`ConsumerBuilder::set`] |
//!
//! Records travel as the Java clients send them: keys choose the partition by murmur2, schema headers are added under
//! [`Framing::Header`](crate::Framing::Header), and nothing as value is a tombstone. Only broker compression codecs and security
//! protocols that librdkafka was built with work; depend on `rdkafka` with its features `ssl`, `gssapi` or `zstd` to add to them.

mod codec;
mod consumer;
mod error;
mod producer;
mod received;
mod record;

pub use ::rdkafka;
pub use codec::{Decoder, Encoder};
pub use consumer::{Consumer, ConsumerBuilder, OnFailure, Stopper};
pub use error::{Error, RecordError};
pub use producer::{Delivery, Placed, Producer, ProducerBuilder};
pub use received::Received;
pub use record::Record;
