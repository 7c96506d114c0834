//! Topics, and the producing half of the demonstration.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use assay_serde_avro::{RegistryClient, Serializer};
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::error::KafkaError;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord, Producer};
use rdkafka::types::RDKafkaErrorCode;

use crate::Target;
use crate::flight::{Flight, from_file};

/// Partitions of each topic of the demonstration.
const PARTITIONS: i32 = 6;
/// Deliveries awaited at a time.
const IN_FLIGHT_MAX: usize = 20_000;

/// Creates topics on which the broker checks values against their schema.
pub(crate) async fn create_topics(broker: &str, names: &[String]) -> anyhow::Result<()> {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new().set("bootstrap.servers", broker).create()?;
    let topics: Vec<_> = names
        .iter()
        .map(|name| {
            NewTopic::new(name, PARTITIONS, TopicReplication::Fixed(1)).set("confluent.value.schema.validation", "true")
        })
        .collect();
    for created in admin.create_topics(&topics, &AdminOptions::new()).await? {
        let name = created.map_err(|(name, code)| anyhow!("topic {name}: {code}"))?;
        println!("topic {name}: {PARTITIONS} partitions, every value is checked against its schema");
    }
    Ok(())
}

/// Produces every flight of the file, waits for every acknowledgement, and prints the rate.
pub(crate) async fn all(target: &Target) -> anyhow::Result<()> {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", &target.broker)
        .set("enable.idempotence", "true")
        .set("linger.ms", "5")
        .set("compression.type", "lz4")
        .set("partitioner", "murmur2_random")
        .create()?;
    let registry = RegistryClient::builder().url(&target.registry).build()?;
    let serializer: Serializer<Flight> = Serializer::builder(registry).use_latest_version(true).build()?;
    let prepared = serializer.prepare(&target.topic).await?;
    let started = Instant::now();
    let (mut count, mut miles, mut bytes) = (0_u64, 0_i64, 0_usize);
    let mut waiting: VecDeque<DeliveryFuture> = VecDeque::new();
    let mut buffer = Vec::new();
    for flight in from_file(&target.input)? {
        let flight = flight?;
        buffer.clear();
        prepared.encode_into(&flight, &mut buffer)?;
        bytes += buffer.len();
        waiting.push_back(send(&producer, &target.topic, flight.tailnum.as_deref(), &buffer).await?);
        if waiting.len() >= IN_FLIGHT_MAX {
            delivered(waiting.pop_front()).await?;
        }
        count += 1;
        miles += i64::from(flight.distance);
        if count % 100_000 == 0 {
            println!("  produced {count}");
        }
    }
    while !waiting.is_empty() {
        delivered(waiting.pop_front()).await?;
    }
    producer.flush(Duration::from_secs(10))?;
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "produced {count} flights, {miles} miles, {bytes} bytes of values, {:.0} records/s, all acknowledged (Rust serializer)",
        f64::from(u32::try_from(count)?) / seconds
    );
    Ok(())
}

/// Hands one record to the client; when its queue is full, waits for room.
async fn send(producer: &FutureProducer, topic: &str, key: Option<&str>, value: &[u8]) -> anyhow::Result<DeliveryFuture> {
    loop {
        let mut record = FutureRecord::to(topic).payload(value);
        if let Some(key) = key {
            record = record.key(key);
        }
        match producer.send_result(record) {
            Ok(delivery) => return Ok(delivery),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), _)) => {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Err((error, _)) => return Err(error.into()),
        }
    }
}

async fn delivered(delivery: Option<DeliveryFuture>) -> anyhow::Result<()> {
    if let Some(delivery) = delivery {
        delivery.await?.map_err(|(error, _)| error)?;
    }
    Ok(())
}
