//! Values out.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use rdkafka::config::ClientConfig;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer as _};

use super::codec::Encoder;
use super::error::Error;
use super::record::{Record, headers};
use crate::dead_letter::OutgoingRecord;
use crate::serializer::Datum;
use crate::wire::{Part, SchemaHeader};

/// Between attempts to put a record into a full queue.
const QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// Sends records. Cheap to clone; clones share one connection to the cluster.
///
/// Settings unless changed: `acks=all`, `enable.idempotence=true`, and Java's partitioner (`murmur2_random`), so that keys
/// reach the partitions where Java producers put them.
#[derive(Debug)]
pub struct Producer<K: ?Sized, V: ?Sized> {
    keys: Encoder<K>,
    values: Encoder<V>,
    outlet: Outlet,
}

impl<K: ?Sized, V: ?Sized> Clone for Producer<K, V> {
    fn clone(&self) -> Self {
        Self { keys: self.keys.clone(), values: self.values.clone(), outlet: self.outlet.clone() }
    }
}

/// Settings of a [`Producer`].
#[derive(Debug)]
#[must_use]
pub struct ProducerBuilder<K: ?Sized, V: ?Sized> {
    config: ClientConfig,
    keys: Encoder<K>,
    values: Encoder<V>,
}

impl<K: ?Sized, V: ?Sized> ProducerBuilder<K, V> {
    /// Sets one of librdkafka's configuration properties.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.config.set(key, value);
        self
    }

    /// Checks the settings and starts librdkafka's threads. Connects in the background.
    pub fn build(self) -> Result<Producer<K, V>, Error> {
        let Self { config, keys, values } = self;
        keys.check_part(Part::Key)?;
        values.check_part(Part::Value)?;
        Ok(Producer { keys, values, outlet: Outlet::new(&config)? })
    }
}

/// What a producer sets before the program's own settings.
pub(super) fn defaults(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", brokers)
        .set("client.id", "assay")
        .set("acks", "all")
        .set("enable.idempotence", "true")
        .set("partitioner", "murmur2_random");
    config
}

impl<K: ?Sized, V: ?Sized> Producer<K, V> {
    /// A producer with default settings. `brokers` is a comma-separated list of `host:port`.
    pub fn new(
        brokers: &str,
        keys: impl Into<Encoder<K>>,
        values: impl Into<Encoder<V>>,
    ) -> Result<Self, Error> {
        Self::builder(brokers, keys, values).build()
    }

    /// Settings of a producer.
    pub fn builder(
        brokers: &str,
        keys: impl Into<Encoder<K>>,
        values: impl Into<Encoder<V>>,
    ) -> ProducerBuilder<K, V> {
        ProducerBuilder { config: defaults(brokers), keys: keys.into(), values: values.into() }
    }

    /// Finds the schemas for `topic` ahead of the first record, so that a mistake in them shows at start-up.
    pub async fn prepare(&self, topic: &str) -> Result<(), Error> {
        self.keys.prepare(topic).await?;
        Ok(self.values.prepare(topic).await?)
    }

    /// Sends a record that is ready, byte for byte: one that [`RetryTopics`](crate::RetryTopics) or
    /// [`DeadLetter`](crate::DeadLetter) made.
    pub async fn forward(&self, record: &OutgoingRecord) -> Result<Placed, Error> {
        self.outlet.forward(record).await
    }

    /// Waits until every record that was enqueued is acknowledged or has failed, at most for `timeout`.
    pub async fn flush(&self, timeout: Duration) -> Result<(), Error> {
        self.outlet.flush(timeout).await
    }

    /// Flushes, and ends the producer if this is the last clone.
    pub async fn close(self, timeout: Duration) -> Result<(), Error> {
        self.outlet.flush(timeout).await
    }

    /// Records that are enqueued and not yet acknowledged.
    pub fn in_flight(&self) -> usize {
        usize::try_from(self.outlet.producer.in_flight_count()).unwrap_or(0)
    }

    /// librdkafka's producer, for what this one does not offer.
    pub fn inner(&self) -> &FutureProducer {
        &self.outlet.producer
    }
}

impl<K: Datum + ?Sized, V: Datum + ?Sized> Producer<K, V> {
    /// Sends a record and waits until it is acknowledged.
    ///
    /// Errors: [`Error::Serde`] before anything is sent; [`Error::Kafka`] when the record was refused, or not acknowledged
    /// within `message.timeout.ms`.
    pub async fn send(&self, record: Record<'_, K, V>) -> Result<Placed, Error> {
        self.enqueue(record).await?.await
    }

    /// Encodes a record and enqueues it; waits only for a schema that is not known yet, and for room in the queue.
    /// Records of one partition are stored in the order of these calls. The [`Delivery`] tells how it went; to drop it does
    /// not stop the record.
    pub async fn enqueue(&self, record: Record<'_, K, V>) -> Result<Delivery, Error> {
        let mut schemas: Vec<SchemaHeader> = Vec::new();
        let key = match record.key {
            Some(key) => Some(self.keys.encode(record.topic, key).await?),
            None => None,
        };
        let value = match record.value {
            Some(value) => Some(self.values.encode(record.topic, value).await?),
            None => None,
        };
        schemas.extend(key.iter().filter_map(|(_, header)| *header));
        schemas.extend(value.iter().filter_map(|(_, header)| *header));
        let mut outgoing = FutureRecord::<[u8], [u8]>::to(record.topic);
        outgoing.key = key.as_ref().map(|(bytes, _)| &**bytes);
        outgoing.payload = value.as_ref().map(|(bytes, _)| &**bytes);
        outgoing.headers = headers(&record.headers, &schemas);
        outgoing.partition = record.partition;
        outgoing.timestamp = record.timestamp_ms;
        self.outlet.enqueue(outgoing).await
    }
}

/// The way to the brokers, without types.
#[derive(Clone)]
pub(super) struct Outlet {
    producer: FutureProducer,
}

impl std::fmt::Debug for Outlet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outlet").field("in_flight", &self.producer.in_flight_count()).finish()
    }
}

impl Outlet {
    pub(super) fn new(config: &ClientConfig) -> Result<Self, Error> {
        Ok(Self { producer: config.create()? })
    }

    async fn enqueue(&self, mut record: FutureRecord<'_, [u8], [u8]>) -> Result<Delivery, Error> {
        loop {
            record = match self.producer.send_result(record) {
                Ok(delivery) => return Ok(Delivery { delivery }),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), record)) => record,
                Err((error, _)) => return Err(error.into()),
            };
            tokio::time::sleep(QUEUE_PAUSE).await;
        }
    }

    pub(super) async fn forward(&self, record: &OutgoingRecord) -> Result<Placed, Error> {
        let sent = self.forward_to(record, record.partition).await;
        match sent {
            Err(Error::Kafka(error))
                if record.partition.is_some()
                    && error.rdkafka_error_code() == Some(RDKafkaErrorCode::UnknownPartition) =>
            {
                self.forward_to(record, None).await
            }
            sent => sent,
        }
    }

    async fn forward_to(&self, record: &OutgoingRecord, partition: Option<i32>) -> Result<Placed, Error> {
        let mut outgoing = FutureRecord::<[u8], [u8]>::to(&record.topic);
        outgoing.key = record.key.as_deref();
        outgoing.payload = record.value.as_deref();
        outgoing.headers = headers(&record.headers, &[]);
        outgoing.partition = partition;
        outgoing.timestamp = record.timestamp_ms;
        self.enqueue(outgoing).await?.await
    }

    async fn flush(&self, timeout: Duration) -> Result<(), Error> {
        let producer = self.producer.clone();
        let flushed = tokio::task::spawn_blocking(move || producer.flush(timeout)).await;
        Ok(flushed.map_err(|_| Error::Abandoned)??)
    }
}

/// A record on its way. Waiting for it tells where it was stored.
#[must_use = "a record can fail after it was enqueued"]
pub struct Delivery {
    delivery: DeliveryFuture,
}

impl std::fmt::Debug for Delivery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Delivery")
    }
}

/// Where a record was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// Its partition.
    pub partition: i32,
    /// Its offset in the partition.
    pub offset: i64,
}

impl Future for Delivery {
    type Output = Result<Placed, Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Ready(match ready!(Pin::new(&mut self.delivery).poll(context)) {
            Ok(Ok(stored)) => Ok(Placed { partition: stored.partition, offset: stored.offset }),
            Ok(Err((error, _))) => Err(error.into()),
            Err(_) => Err(Error::Abandoned),
        })
    }
}
