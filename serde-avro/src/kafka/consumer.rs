//! Values in.

mod builder;
mod parked;
mod run;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{self, BoxStream, StreamExt};
use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::topic_partition_list::TopicPartitionList;
use tokio::sync::{Mutex, watch};

pub use builder::{ConsumerBuilder, OnFailure};

use super::codec::Decoder;
use super::error::{Error, RecordError};
use super::producer::Outlet;
use super::received::{Raw, Received};
use crate::error::Disposition;
use crate::serializer::OwnedDatum;
use parked::Waiting;

/// Reads records as a member of a consumer group. Wrap it in an [`Arc`] to share it.
///
/// Settings unless changed: `auto.offset.reset=earliest`, and offsets are committed every five seconds and at the end, but
/// only those of records that the program called [`done`](Self::done) for: every record is handled at least once.
pub struct Consumer<K, V> {
    keys: Decoder<K>,
    values: Decoder<V>,
    client: Arc<StreamConsumer>,
    group: String,
    waiting: Mutex<Waiting>,
    stop: watch::Sender<bool>,
    on_failure: OnFailure,
    outlet: Option<Outlet>,
}

impl<K, V> std::fmt::Debug for Consumer<K, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer")
            .field("group", &self.group)
            .field("keys", &self.keys)
            .field("values", &self.values)
            .finish_non_exhaustive()
    }
}

/// Ends a consumer from elsewhere, such as a signal handler.
#[derive(Debug, Clone)]
pub struct Stopper(watch::Sender<bool>);

impl Stopper {
    /// Lets [`Consumer::recv`] give no more records. What is being handled is handled to its end.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

mod private {
    /// Where a record stood.
    pub trait Position {
        fn place(&self) -> (&str, i32, i64);
    }
}

impl<K, V> private::Position for Received<K, V> {
    fn place(&self) -> (&str, i32, i64) {
        self.raw().place()
    }
}

impl private::Position for RecordError {
    fn place(&self) -> (&str, i32, i64) {
        self.raw().place()
    }
}

impl private::Position for Raw {
    fn place(&self) -> (&str, i32, i64) {
        (self.topic(), self.partition(), self.offset())
    }
}

impl<K, V> Consumer<K, V> {
    /// A consumer with default settings, in group `group`. `brokers` is a comma-separated list of `host:port`.
    pub fn new(
        brokers: &str,
        group: &str,
        topics: &[&str],
        keys: impl Into<Decoder<K>>,
        values: impl Into<Decoder<V>>,
    ) -> Result<Self, Error> {
        Self::builder(brokers, group, topics, keys, values).build()
    }

    /// Settings of a consumer.
    pub fn builder(
        brokers: &str,
        group: &str,
        topics: &[&str],
        keys: impl Into<Decoder<K>>,
        values: impl Into<Decoder<V>>,
    ) -> ConsumerBuilder<K, V> {
        ConsumerBuilder::new(brokers, group, topics, keys.into(), values.into())
    }

    /// Marks a record, or one that could not be decoded, as handled: its offset is committed in the background, at the latest
    /// at the end. Records of a partition are to be marked in order: an offset stands for all before it. Where the
    /// partition went to another member nothing happens; that member reads the record again.
    pub fn done(&self, record: &impl private::Position) -> Result<(), Error> {
        let (topic, partition, offset) = record.place();
        match self.client.store_offset(topic, partition, offset) {
            Err(KafkaError::StoreOffset(RDKafkaErrorCode::State | RDKafkaErrorCode::UnknownPartition)) => {
                tracing::debug!(topic, partition, offset, "the partition is no longer this member's");
                Ok(())
            }
            outcome => Ok(outcome?),
        }
    }

    /// Commits the offsets of all records marked as [`done`](Self::done), and waits until the group has them on record.
    pub async fn commit(&self) -> Result<(), Error> {
        let consumer = self.client.clone();
        let committed = tokio::task::spawn_blocking(move || consumer.commit_consumer_state(CommitMode::Sync));
        nothing_is_fine(committed.await.map_err(|_| Error::Abandoned)?)
    }

    /// Starts to commit the offsets of all records marked as [`done`](Self::done), and does not wait.
    pub fn commit_async(&self) -> Result<(), Error> {
        nothing_is_fine(self.client.commit_consumer_state(CommitMode::Async))
    }

    /// Reads no more records of a partition, until [`resume`](Self::resume). The member keeps the partition.
    pub fn pause(&self, topic: &str, partition: i32) -> Result<(), Error> {
        Ok(self.client.pause(&list(topic, partition))?)
    }

    /// Goes on reading a partition.
    pub fn resume(&self, topic: &str, partition: i32) -> Result<(), Error> {
        Ok(self.client.resume(&list(topic, partition))?)
    }

    /// Ends this consumer from elsewhere.
    pub fn stopper(&self) -> Stopper {
        Stopper(self.stop.clone())
    }

    /// Commits what is [`done`](Self::done) and leaves the group, so that its other members take over at once.
    pub async fn close(self) -> Result<(), Error> {
        let committed = self.commit().await;
        self.client.unsubscribe();
        let Self { client, .. } = self;
        // librdkafka leaves the group when its last handle is dropped, which waits
        let closed = tokio::task::spawn_blocking(move || drop(client)).await;
        committed.and(closed.map_err(|_| Error::Abandoned))
    }

    /// librdkafka's consumer, for what this one does not offer.
    pub fn inner(&self) -> &StreamConsumer {
        &self.client
    }

    /// The next record whose time has come, or nothing when the consumer was stopped.
    async fn next(&self, waiting: &mut Waiting) -> Result<Option<Arc<Raw>>, Error> {
        if let Some(raw) = waiting.current.clone() {
            return Ok(Some(raw));
        }
        let mut stop = self.stop.subscribe();
        loop {
            if *stop.borrow_and_update() {
                return Ok(None);
            }
            if let Some(raw) = waiting.take_due(Instant::now(), &self.client)? {
                return Ok(Some(raw));
            }
            let due = waiting.next_due();
            let message = tokio::select! {
                message = self.client.recv() => Some(message?),
                () = until(due), if due.is_some() => None,
                _ = stop.changed() => None,
            };
            let Some(message) = message else { continue };
            let raw = Arc::new(Raw::new(&message, &self.group));
            if let Some(raw) = waiting.arrived(raw) {
                return Ok(Some(raw));
            }
        }
    }

    /// Lets a record rest, and with it all that follow it in its partition.
    fn park(&self, waiting: &mut Waiting, raw: Arc<Raw>, rest: Duration) -> Result<(), Error> {
        self.pause(raw.topic(), raw.partition())?;
        waiting.park(raw, Instant::now() + rest);
        Ok(())
    }
}

impl<K: OwnedDatum, V: OwnedDatum> Consumer<K, V> {
    /// The next record, or nothing after [`Stopper::stop`]. One caller at a time gets a record; no record is lost when the
    /// call is dropped before its end.
    ///
    /// Errors: [`Error::Record`] for a record that cannot be decoded; the next call gives the one after it, except when the
    /// error is retriable: then the record comes again after a second, and its partition rests so long. [`Error::Kafka`]: call
    /// again if it is retriable.
    pub async fn recv(&self) -> Result<Option<Received<K, V>>, Error> {
        let mut waiting = self.waiting.lock().await;
        let Some(raw) = self.next(&mut waiting).await? else { return Ok(None) };
        waiting.current = Some(raw.clone());
        let outcome = raw.decode(&self.keys, &self.values).await;
        waiting.current = None;
        match outcome {
            Ok(received) => {
                waiting.passed(&raw);
                Ok(Some(received))
            }
            Err(error) => {
                if error.disposition() == Disposition::Retry {
                    let rest = waiting.rest(&raw);
                    self.park(&mut waiting, raw, rest)?;
                }
                Err(error.into())
            }
        }
    }
}

impl<K: OwnedDatum + Send, V: OwnedDatum + Send> Consumer<K, V> {
    /// The records and errors of [`recv`](Self::recv) as a stream that ends after [`Stopper::stop`].
    pub fn stream(&self) -> BoxStream<'_, Result<Received<K, V>, Error>> {
        stream::unfold((), move |()| async move {
            let item = self.recv().await.transpose()?;
            Some((item, ()))
        })
        .boxed()
    }
}

async fn until(due: Option<Instant>) {
    if let Some(due) = due {
        tokio::time::sleep_until(due.into()).await;
    }
}

fn list(topic: &str, partition: i32) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition(topic, partition);
    list
}

/// That there is nothing to commit is no error.
fn nothing_is_fine(outcome: Result<(), KafkaError>) -> Result<(), Error> {
    match outcome {
        Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset)) => Ok(()),
        outcome => Ok(outcome?),
    }
}
