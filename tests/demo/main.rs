//! The Rust side of `scripts/demo`: produces all flights of a CSV file through the serializer, and reads them back with
//! a consumer group of three, checking counts and a sum against the source.
//!
//! Usage: `demo-flights produce|consume REGISTRY_URL BROKER TOPIC FLIGHTS_CSV`

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufRead, BufReader, Write},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use assay_serde_avro::{CachedClient, Deserializer, Message as Framed, RegistryClient, Serializer};
use rdkafka::{
    ClientConfig, Message,
    consumer::{BaseConsumer, CommitMode, Consumer, StreamConsumer},
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer},
};
use serde::{Deserialize, Serialize};

/// The schema that `scripts/demo` registers.
const SCHEMA: &str = include_str!("flight.avsc");
const GROUP_MEMBERS: usize = 3;
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

#[derive(Debug, Serialize, Deserialize)]
#[expect(clippy::struct_field_names, reason = "the names are those of the data set")]
struct Flight {
    year: i32,
    month: i32,
    day: i32,
    dep_time: Option<i32>,
    sched_dep_time: i32,
    dep_delay: Option<i32>,
    arr_time: Option<i32>,
    sched_arr_time: i32,
    arr_delay: Option<i32>,
    carrier: String,
    flight: i32,
    tailnum: Option<String>,
    origin: String,
    dest: String,
    air_time: Option<i32>,
    distance: i32,
    /// Milliseconds since 1970.
    time_hour: i64,
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era_year = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year.div_euclid(400) * 146_097 + era_year * 365 + era_year / 4 - era_year / 100 + day_of_year - 719_468
}

/// `2013-01-01T10:00:00Z` as milliseconds.
fn timestamp(text: &str) -> Result<i64> {
    let part = |range| text.get(range).and_then(|part: &str| part.parse::<i64>().ok()).context("timestamp");
    let (year, month, day, hour) = (part(0..4)?, part(5..7)?, part(8..10)?, part(11..13)?);
    Ok((days(year, month, day) * 24 + hour) * 3_600_000)
}

fn flight(line: &str) -> Result<Flight> {
    let columns: Vec<&str> = line.split(',').collect();
    let text = |at: usize| columns.get(at).copied().with_context(|| format!("column {at} of {line}"));
    let number =
        |at: usize| -> Result<i32> { text(at)?.parse().with_context(|| format!("column {at} of {line}")) };
    let nullable = |at: usize| match text(at)? {
        "" | "NA" => Ok(None),
        _ => number(at).map(Some),
    };
    Ok(Flight {
        year: number(0)?,
        month: number(1)?,
        day: number(2)?,
        dep_time: nullable(3)?,
        sched_dep_time: number(4)?,
        dep_delay: nullable(5)?,
        arr_time: nullable(6)?,
        sched_arr_time: number(7)?,
        arr_delay: nullable(8)?,
        carrier: text(9)?.to_owned(),
        flight: number(10)?,
        tailnum: Some(text(11)?).filter(|tail| !tail.is_empty() && *tail != "NA").map(str::to_owned),
        origin: text(12)?.to_owned(),
        dest: text(13)?.to_owned(),
        air_time: nullable(14)?,
        distance: number(15)?,
        time_hour: timestamp(text(18)?)?,
    })
}

fn flights(csv: &str) -> Result<Vec<Flight>> {
    let lines = BufReader::new(File::open(csv)?).lines();
    lines.skip(1).map(|line| flight(&line?)).collect()
}

fn say(text: &str) {
    let mut out = std::io::stdout();
    let _closed = writeln!(out, "{text}").and_then(|()| out.flush());
}

fn rate(count: u64, began: Instant) -> String {
    let seconds = began.elapsed().as_secs_f64().max(0.001);
    #[expect(clippy::cast_precision_loss, reason = "shown to people")]
    let per_second = count as f64 / seconds;
    format!("{count} records, {per_second:.0}/s")
}

/// Counts deliveries and failures.
#[derive(Debug, Default)]
struct Deliveries {
    done: AtomicU64,
    failed: AtomicU64,
}

struct Report(Arc<Deliveries>);

impl rdkafka::ClientContext for Report {}

impl ProducerContext for Report {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let counter = if result.is_ok() { &self.0.done } else { &self.0.failed };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

async fn produce(registry: &CachedClient, broker: &str, topic: &str, csv: &str) -> Result<()> {
    let flights = flights(csv)?;
    let serializer = Serializer::<Flight>::builder(registry).schema(SCHEMA).build()?;
    let prepared = serializer.prepare(topic).await?;
    let deliveries = Arc::new(Deliveries::default());
    let producer: ThreadedProducer<Report> = ClientConfig::new()
        .set("bootstrap.servers", broker)
        .set("enable.idempotence", "true")
        .set("linger.ms", "20")
        .set("compression.type", "lz4")
        .create_with_context(Report(Arc::clone(&deliveries)))?;
    let (began, mut shown) = (Instant::now(), Instant::now());
    let mut payload = Vec::new();
    for flight in &flights {
        payload.clear();
        prepared.encode_into(flight, &mut payload)?;
        let mut record = BaseRecord::<str, [u8]>::to(topic).payload(&payload);
        record.key = flight.tailnum.as_deref();
        loop {
            match producer.send(record) {
                Ok(()) => break,
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err((error, _)) => return Err(error.into()),
            }
        }
        if shown.elapsed() > PROGRESS_EVERY {
            shown = Instant::now();
            say(&format!(
                "  produced {} of {}",
                rate(deliveries.done.load(Ordering::Relaxed), began),
                flights.len()
            ));
        }
    }
    producer.flush(Duration::from_mins(2))?;
    let (done, failed) = (deliveries.done.load(Ordering::Relaxed), deliveries.failed.load(Ordering::Relaxed));
    ensure!(failed == 0 && usize::try_from(done)? == flights.len(), "{done} delivered, {failed} failed");
    let sum: i64 = flights.iter().map(|one| i64::from(one.distance)).sum();
    say(&format!("  produced {} in {:.1?}; sum of distance {sum}", rate(done, began), began.elapsed()));
    Ok(())
}

/// What the members of the group have read together.
#[derive(Debug, Default)]
struct Read {
    records: AtomicU64,
    distance: AtomicI64,
}

/// One member: reads until the group has read everything; gives its records by partition.
async fn member(
    consumer: StreamConsumer,
    deserializer: Deserializer<Flight>,
    read: Arc<Read>,
    expected: u64,
) -> Result<BTreeMap<i32, u64>> {
    let mut by_partition = BTreeMap::new();
    while read.records.load(Ordering::Relaxed) < expected {
        let Ok(message) = tokio::time::timeout(Duration::from_millis(200), consumer.recv()).await else {
            continue;
        };
        let message = message?;
        let payload = message.payload().context("a record without a value")?;
        let flight = deserializer.decode(Framed::new(message.topic(), payload)).await?;
        *by_partition.entry(message.partition()).or_default() += 1;
        read.distance.fetch_add(flight.distance.into(), Ordering::Relaxed);
        read.records.fetch_add(1, Ordering::Relaxed);
    }
    consumer.commit_consumer_state(CommitMode::Sync)?;
    Ok(by_partition)
}

async fn consume(registry: &CachedClient, broker: &str, topic: &str, csv: &str) -> Result<()> {
    let (expected, source_sum) = {
        let flights = flights(csv)?;
        (u64::try_from(flights.len())?, flights.iter().map(|one| i64::from(one.distance)).sum::<i64>())
    };
    let read = Arc::new(Read::default());
    let began = Instant::now();
    let mut members = Vec::new();
    for _ in 0..GROUP_MEMBERS {
        let consumer: StreamConsumer = ClientConfig::new()
            .set("bootstrap.servers", broker)
            .set("group.id", "demo")
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .create()?;
        consumer.subscribe(&[topic])?;
        members.push(tokio::spawn(member(
            consumer,
            Deserializer::new(registry),
            Arc::clone(&read),
            expected,
        )));
    }
    while members.iter().any(|one| !one.is_finished()) && read.records.load(Ordering::Relaxed) < expected {
        tokio::time::sleep(PROGRESS_EVERY).await;
        say(&format!("  consumed {} of {expected}", rate(read.records.load(Ordering::Relaxed), began)));
    }
    let mut totals = BTreeMap::new();
    for (number, one) in members.into_iter().enumerate() {
        let by_partition = one.await??;
        let partitions: Vec<String> = by_partition.keys().map(ToString::to_string).collect();
        say(&format!("  member {number}: partitions {}", partitions.join(", ")));
        for (partition, count) in by_partition {
            *totals.entry(partition).or_insert(0) += count;
        }
    }
    let checker: BaseConsumer = ClientConfig::new().set("bootstrap.servers", broker).create()?;
    for (partition, count) in &totals {
        let (low, high) = checker.fetch_watermarks(topic, *partition, Duration::from_secs(30))?;
        say(&format!("  partition {partition}: {count} records, offsets {low} to {high}"));
        ensure!(
            u64::try_from(high - low)? == *count,
            "partition {partition} holds another number of records"
        );
    }
    let (records, sum) = (read.records.load(Ordering::Relaxed), read.distance.load(Ordering::Relaxed));
    say(&format!("  consumed {}; sum of distance {sum}, in the source {source_sum}", rate(records, began)));
    ensure!(records == expected && sum == source_sum, "what was read is not what the source holds");
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [verb, registry, broker, topic, csv] = words.as_slice() else {
        bail!("usage: demo-flights produce|consume REGISTRY_URL BROKER TOPIC FLIGHTS_CSV")
    };
    let registry = CachedClient::new(RegistryClient::new(registry)?);
    match verb.as_str() {
        "produce" => produce(&registry, broker, topic, csv).await,
        "consume" => consume(&registry, broker, topic, csv).await,
        other => bail!("no such step: {other}"),
    }
}
