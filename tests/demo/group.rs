//! Reads a topic with a consumer group and compares count and miles with the source.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use assay_serde_avro::{Deserializer, RegistryClient};
use rdkafka::ClientConfig;
use rdkafka::Message;
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};

use crate::Target;
use crate::flight::{Flight, from_file};

/// How long the group may take in all.
const PATIENCE: Duration = Duration::from_secs(300);

/// What one member saw.
#[derive(Default)]
struct Seen {
    records: BTreeMap<i32, u64>,
    miles: i64,
}

/// Runs `members` consumers until they have together read what the file holds, then prints and compares.
pub(crate) async fn read_back(target: &Target, members: usize) -> anyhow::Result<()> {
    let (mut expected, mut miles) = (0_u64, 0_i64);
    for flight in from_file(&target.input)? {
        expected += 1;
        miles += i64::from(flight?.distance);
    }
    let started = Instant::now();
    let total = Arc::new(AtomicU64::new(0));
    let running: Vec<_> = (0..members)
        .map(|member| tokio::spawn(consume(target.clone(), member, expected, Arc::clone(&total))))
        .collect();
    let mut partitions: BTreeMap<i32, u64> = BTreeMap::new();
    let mut read_miles = 0;
    for (member, task) in running.into_iter().enumerate() {
        let seen = task.await.context("a consumer panicked")??;
        let sum: u64 = seen.records.values().sum();
        println!("  member {member}: {sum} records of partitions {:?}", seen.records.keys().collect::<Vec<_>>());
        read_miles += seen.miles;
        for (partition, count) in seen.records {
            *partitions.entry(partition).or_default() += count;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let count: u64 = partitions.values().sum();
    println!("read {count} flights in {seconds:.1} s, {:.0} records/s (Rust deserializer)", f64::from(u32::try_from(count)?) / seconds);
    for (partition, count) in &partitions {
        println!("  partition {partition}: {count}");
    }
    ensure!(count == expected, "the source has {expected} flights, the group read {count}");
    ensure!(read_miles == miles, "the source has {miles} miles, the group read {read_miles}");
    println!("  {read_miles} miles: equal to the source");
    Ok(())
}

async fn consume(target: Target, member: usize, expected: u64, total: Arc<AtomicU64>) -> anyhow::Result<Seen> {
    let consumer: StreamConsumer = ClientConfig::new()
        .set("bootstrap.servers", &target.broker)
        .set("group.id", format!("demo-{}", target.topic))
        .set("client.id", format!("member-{member}"))
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .create()?;
    consumer.subscribe(&[&target.topic])?;
    let registry = RegistryClient::builder().url(&target.registry).build()?;
    let deserializer: Deserializer<Flight> = Deserializer::builder(registry).build()?;
    let mut seen = Seen::default();
    let deadline = Instant::now() + PATIENCE;
    while total.load(Ordering::Relaxed) < expected {
        ensure!(Instant::now() < deadline, "read {} of {expected} flights within {PATIENCE:?}", total.load(Ordering::Relaxed));
        let Ok(message) = tokio::time::timeout(Duration::from_millis(200), consumer.recv()).await else { continue };
        let message = message?;
        let payload = message.payload().context("a flight without a value")?;
        let flight = deserializer.decode(&target.topic, payload).await?;
        *seen.records.entry(message.partition()).or_default() += 1;
        seen.miles += i64::from(flight.distance);
        let count = total.fetch_add(1, Ordering::Relaxed) + 1;
        if count % 100_000 == 0 {
            println!("  read {count} of {expected}");
        }
    }
    if !seen.records.is_empty() {
        consumer.commit_consumer_state(CommitMode::Sync)?;
    }
    Ok(seen)
}
