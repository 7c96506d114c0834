//! librdkafka, configured for tests.

use std::time::{Duration, Instant};

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer, StreamConsumer},
    producer::{FutureProducer, FutureRecord},
};

/// Longest wait for anything that a busy machine can do.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);

/// A record as consumed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Consumed {
    pub(crate) partition: i32,
    pub(crate) offset: i64,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) value: Option<Vec<u8>>,
}

pub(crate) fn client(broker: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", broker).set("socket.timeout.ms", "30000");
    config
}

pub(crate) fn producer(broker: &str, settings: &[(&str, &str)]) -> FutureProducer {
    let mut config = client(broker);
    config.set("message.timeout.ms", "45000");
    for (key, value) in settings {
        config.set(*key, *value);
    }
    config.create().unwrap()
}

pub(crate) fn consumer(broker: &str, group: &str) -> StreamConsumer {
    client(broker)
        .set("group.id", group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap()
}

/// Gives a topic this configuration and no other.
pub(crate) async fn configure_topic(broker: &str, name: &str, config: &[(&str, &str)]) {
    let admin: AdminClient<DefaultClientContext> = client(broker).create().unwrap();
    let mut wanted = AlterConfig::new(ResourceSpecifier::Topic(name));
    for (key, value) in config {
        wanted = wanted.set(key, value);
    }
    let options = AdminOptions::new().operation_timeout(Some(LIMIT));
    let results = admin.alter_configs(&[wanted], &options).await.unwrap();
    results[0].as_ref().unwrap();
}

/// Creates a topic with a configuration.
pub(crate) async fn create_topic(broker: &str, name: &str, partitions: i32, config: &[(&str, &str)]) {
    let admin: AdminClient<DefaultClientContext> = client(broker).create().unwrap();
    let mut topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
    for (key, value) in config {
        topic = topic.set(key, value);
    }
    let options = AdminOptions::new().operation_timeout(Some(LIMIT));
    let results = admin.create_topics(&[topic], &options).await.unwrap();
    results[0].as_ref().unwrap();
}

/// Produces one record and gives its partition and offset.
pub(crate) async fn send(
    producer: &FutureProducer,
    topic: &str,
    key: Option<&[u8]>,
    value: Option<&[u8]>,
) -> Result<(i32, i64), rdkafka::error::KafkaError> {
    let mut record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(topic);
    record.key = key;
    record.payload = value;
    let delivered = producer.send(record, LIMIT).await.map_err(|(error, _record)| error)?;
    Ok((delivered.partition, delivered.offset))
}

/// Produces one record to a partition and gives its place.
pub(crate) async fn send_to(
    producer: &FutureProducer,
    topic: &str,
    partition: i32,
    value: &[u8],
) -> Result<(i32, i64), rdkafka::error::KafkaError> {
    let record: FutureRecord<'_, [u8], [u8]> = FutureRecord::to(topic).partition(partition).payload(value);
    let delivered = producer.send(record, LIMIT).await.map_err(|(error, _record)| error)?;
    Ok((delivered.partition, delivered.offset))
}

/// Low and high watermark of a partition.
pub(crate) fn watermarks(broker: &str, topic: &str, partition: i32) -> (i64, i64) {
    let consumer: BaseConsumer = client(broker).create().unwrap();
    consumer.fetch_watermarks(topic, partition, LIMIT).unwrap()
}

/// Reads a topic's partitions from the beginning to the high watermarks of now, without a group.
pub(crate) fn read_all(broker: &str, topic: &str, partitions: i32) -> Vec<Consumed> {
    let consumer: BaseConsumer = client(broker)
        .set("group.id", "read-all")
        .set("enable.auto.commit", "false")
        .set("check.crcs", "true")
        .create()
        .unwrap();
    let ends: Vec<i64> = (0..partitions)
        .map(|partition| consumer.fetch_watermarks(topic, partition, LIMIT).unwrap().1)
        .collect();
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    let mut next = vec![0; ends.len()];
    let mut found = Vec::new();
    let deadline = Instant::now() + LIMIT;
    while next.iter().zip(&ends).any(|(next, end)| next < end) {
        assert!(Instant::now() < deadline, "read up to {next:?} of {ends:?}");
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message.unwrap();
        next[usize::try_from(message.partition()).unwrap()] = message.offset() + 1;
        found.push(Consumed {
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
        });
    }
    found
}
