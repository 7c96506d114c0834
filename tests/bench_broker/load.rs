//! The client side: the same librdkafka calls against every server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use harness::machine::cpu_seconds;
use rdkafka::{
    ClientConfig, ClientContext, Message, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    message::DeliveryResult,
    producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer},
};

use crate::{page_cache::provide, servers::Server};

const LIMIT: Duration = Duration::from_mins(1);
/// Bytes of one produce measurement: what [`provide`] provides pages for.
const BYTES_MAX: u64 = 512 << 20;

/// Throughput, and what it cost the server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Throughput {
    pub(crate) messages: u64,
    pub(crate) per_second: f64,
    /// Server CPU seconds per million messages.
    pub(crate) cpu_per_million: f64,
}

fn client(server: &Server) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", server.address()).set("enable.auto.commit", "false");
    config
}

fn run<F: Future>(future: F) -> Result<F::Output> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future))
}

/// Creates a topic with a configuration; the sink needs none.
pub(crate) fn create(server: &Server, topic: &str, partitions: i32, config: &[(&str, &str)]) -> Result<()> {
    if !server.has_topics() {
        return Ok(());
    }
    let admin: AdminClient<DefaultClientContext> = client(server).create()?;
    let mut new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    for (key, value) in config {
        new = new.set(key, value);
    }
    let options = AdminOptions::new().operation_timeout(Some(LIMIT));
    let results = run(admin.create_topics(&[new], &options))??;
    ensure!(results.iter().all(Result::is_ok), "{topic}: {results:?}");
    Ok(())
}

/// Deletes a topic.
pub(crate) fn delete(server: &Server, topic: &str) -> Result<()> {
    if server.has_topics() {
        let admin: AdminClient<DefaultClientContext> = client(server).create()?;
        let options = AdminOptions::new().operation_timeout(Some(LIMIT));
        run(admin.delete_topics(&[topic], &options))??;
    }
    Ok(())
}

/// Counts acknowledgements.
#[derive(Debug, Clone, Default)]
struct Counted {
    acknowledged: Arc<AtomicU64>,
    failed: Arc<AtomicBool>,
}

impl ClientContext for Counted {}

impl ProducerContext for Counted {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => _ = self.acknowledged.fetch_add(1, Ordering::Relaxed),
            Err(_) => self.failed.store(true, Ordering::Relaxed),
        }
    }
}

fn threaded(server: &Server, settings: &[(&str, &str)]) -> Result<(ThreadedProducer<Counted>, Counted)> {
    let counted = Counted::default();
    let mut config = client(server);
    config.set("acks", "all").set("queue.buffering.max.messages", "500000");
    config.set("queue.buffering.max.kbytes", "524288");
    for (key, value) in settings {
        config.set(*key, *value);
    }
    Ok((config.create_with_context(counted.clone())?, counted))
}

/// Produces for some time and waits for the last acknowledgement.
pub(crate) fn produce(
    server: &Server,
    topic: &str,
    partitions: i32,
    bytes: usize,
    time: Duration,
    settings: &[(&str, &str)],
) -> Result<Throughput> {
    let (producer, counted) = threaded(server, settings)?;
    let value: Vec<u8> = (0..bytes).map(|at| u8::try_from(at * 7 % 251).unwrap_or(0)).collect();
    let most = BYTES_MAX / bytes as u64;
    // the first record finds the way
    push(&producer, topic, 0, &value)?;
    producer.flush(LIMIT)?;
    provide(3 * BYTES_MAX)?;
    let (cpu, began) = (cpu_seconds(server.pid())?, Instant::now());
    let before = counted.acknowledged.load(Ordering::Relaxed);
    let mut sent = 0_u64;
    while sent < most && (sent & 0xff != 0 || began.elapsed() < time) {
        let partition = i32::try_from(sent % u64::from(partitions.unsigned_abs()))?;
        push(&producer, topic, partition, &value)?;
        sent += 1;
    }
    producer.flush(LIMIT)?;
    let seconds = began.elapsed().as_secs_f64();
    let done = counted.acknowledged.load(Ordering::Relaxed) - before;
    ensure!(done == sent && !counted.failed.load(Ordering::Relaxed), "{done} of {sent} were acknowledged");
    Ok(throughput(done, seconds, cpu_seconds(server.pid())? - cpu))
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn throughput(messages: u64, seconds: f64, cpu: f64) -> Throughput {
    Throughput {
        messages,
        per_second: messages as f64 / seconds,
        cpu_per_million: cpu * 1e6 / messages as f64,
    }
}

fn push(producer: &ThreadedProducer<Counted>, topic: &str, partition: i32, value: &[u8]) -> Result<()> {
    let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).partition(partition).payload(value);
    loop {
        match producer.send(record) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                record = back;
                thread::sleep(Duration::from_micros(200));
            }
            Err((error, _)) => return Err(error.into()),
        }
    }
}

/// Produces a number of messages to fill a topic.
pub(crate) fn fill(server: &Server, topic: &str, partitions: i32, bytes: usize, messages: u64) -> Result<()> {
    let (producer, counted) = threaded(server, &[])?;
    let value: Vec<u8> = (0..bytes).map(|at| u8::try_from(at * 7 % 251).unwrap_or(0)).collect();
    for sent in 0..messages {
        push(&producer, topic, i32::try_from(sent % u64::from(partitions.unsigned_abs()))?, &value)?;
    }
    producer.flush(LIMIT)?;
    ensure!(counted.acknowledged.load(Ordering::Relaxed) == messages, "not all were acknowledged");
    Ok(())
}

/// Reads a number of messages from the beginning.
pub(crate) fn consume(server: &Server, topic: &str, partitions: i32, messages: u64) -> Result<Throughput> {
    let mut config = client(server);
    // a client whose queue is full looks again soon, not after a second: what is measured is not its naps
    config.set("group.id", "bench").set("fetch.queue.backoff.ms", "1");
    let consumer: BaseConsumer = config.create()?;
    let mut list = TopicPartitionList::new();
    for partition in 0..partitions {
        list.add_partition_offset(topic, partition, Offset::Beginning)?;
    }
    // the connection stands before the clock starts
    consumer.fetch_metadata(Some(topic), LIMIT)?;
    let (cpu, began) = (cpu_seconds(server.pid())?, Instant::now());
    consumer.assign(&list)?;
    let mut seen = 0;
    while seen < messages {
        let message = consumer.poll(LIMIT).context("nothing came")??;
        std::hint::black_box(message.payload());
        seen += 1;
    }
    Ok(throughput(messages, began.elapsed().as_secs_f64(), cpu_seconds(server.pid())? - cpu))
}

/// Milliseconds from the call of send to the message in the consumer's hand, at a fixed rate: all values, sorted.
pub(crate) fn latencies(server: &Server, topic: &str, rate: u64, time: Duration) -> Result<Vec<f64>> {
    let (producer, counted) = threaded(server, &[("linger.ms", "0")])?;
    let consumer: BaseConsumer = client(server).set("group.id", "bench").create()?;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Beginning)?;
    consumer.assign(&list)?;
    push(&producer, topic, 0, &[0; 100])?;
    consumer.poll(LIMIT).context("nothing came")??;
    let epoch = Instant::now();
    let total = rate * time.as_secs();
    let reader = thread::spawn(move || -> Result<Vec<f64>> {
        let mut found = Vec::new();
        while (found.len() as u64) < total {
            let message = consumer.poll(LIMIT).context("nothing came")??;
            let now = epoch.elapsed();
            let stamp = message.payload().and_then(|value| value.first_chunk::<8>()).context("payload")?;
            let sent = Duration::from_nanos(u64::from_be_bytes(*stamp));
            found.push(now.saturating_sub(sent).as_secs_f64() * 1e3);
        }
        Ok(found)
    });
    let mut value = [0; 100];
    for number in 0..total {
        let due = Duration::from_nanos(number * 1_000_000_000 / rate);
        while let Some(left) = due.checked_sub(epoch.elapsed()) {
            thread::sleep(left);
        }
        let stamp = u64::try_from(epoch.elapsed().as_nanos())?.to_be_bytes();
        value.get_mut(..8).context("value")?.copy_from_slice(&stamp);
        push(&producer, topic, 0, &value)?;
    }
    producer.flush(LIMIT)?;
    ensure!(!counted.failed.load(Ordering::Relaxed), "not all were acknowledged");
    let mut found = reader.join().map_err(|_| anyhow::anyhow!("the reader failed"))??;
    found.sort_by(f64::total_cmp);
    Ok(found)
}
