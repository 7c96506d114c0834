//! Mixed load for a while: producers, groups, topics that come and go, schemas. Memory and file descriptors stay flat, and
//! no reader sees a gap.
//!
//! `ASSAY_TEST_SOAK_SECONDS` sets the time, 120 unless set.

use std::{
    collections::HashMap,
    fs,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use harness::{Assay, Rest, machine::resident_kib};
use rdkafka::{
    Message,
    admin::{AdminClient, AdminOptions},
    client::DefaultClientContext,
    consumer::{CommitMode, Consumer},
};
use serde_json::json;
use tokio::task::JoinSet;

use crate::kafka::{LIMIT, client, consumer, create_topic, producer, send};

const SECONDS_DEFAULT: u64 = 120;
const PARTITIONS: i32 = 4;
const SAMPLE_EVERY: Duration = Duration::from_secs(1);
/// Growth that is not yet a leak: caches fill, and a client more or less is connected.
const MEMORY_SLACK_MIB: u64 = 24;
const DESCRIPTORS_SLACK: u64 = 40;

/// What all tasks share.
#[derive(Debug, Default)]
struct Load {
    stop: AtomicBool,
    produced: AtomicU64,
    consumed: AtomicU64,
    topics: AtomicU64,
    registered: AtomicU64,
}

impl Load {
    fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }
}

/// Resident MiB and open descriptors of a process.
#[derive(Debug, Clone, Copy)]
struct Sample {
    memory_mib: u64,
    descriptors: u64,
}

impl Sample {
    fn take(pid: u32) -> Self {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count() as u64;
        Self { memory_mib: resident_kib(pid).unwrap() / 1024, descriptors }
    }
}

/// The middle of some values.
fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values[values.len() / 2]
}

async fn produce(broker: String, load: Arc<Load>, topic: &'static str, compression: &'static str) {
    let settings = [("compression.type", compression), ("enable.idempotence", "true"), ("linger.ms", "5")];
    let producer = producer(&broker, &settings);
    let mut number = 0_u64;
    while load.goes_on() {
        let mut batch = JoinSet::new();
        for _ in 0..50 {
            number += 1;
            let (producer, value) = (producer.clone(), vec![b'x'; usize::try_from(number % 900).unwrap()]);
            let key = format!("k{}", number % 500);
            batch.spawn(async move { send(&producer, topic, Some(key.as_bytes()), Some(&value)).await });
        }
        for sent in batch.join_all().await {
            sent.expect("every record is accepted");
        }
        load.produced.fetch_add(50, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn consume(broker: String, load: Arc<Load>, group: &'static str) {
    let consumer = consumer(&broker, group);
    consumer.subscribe(&["soak-delete"]).unwrap();
    let mut next: HashMap<i32, i64> = HashMap::new();
    while load.goes_on() {
        let Ok(message) = tokio::time::timeout(Duration::from_millis(500), consumer.recv()).await else {
            continue;
        };
        let message = message.unwrap();
        let expected = next.insert(message.partition(), message.offset() + 1);
        assert!(
            expected.is_none_or(|expected| expected == message.offset()),
            "a gap: {expected:?}, {message:?}"
        );
        if load.consumed.fetch_add(1, Ordering::Relaxed).is_multiple_of(100) {
            consumer.commit_message(&message, CommitMode::Async).unwrap();
        }
    }
}

/// Topics that are created, used by clients of their own, and deleted.
async fn come_and_go(broker: String, load: Arc<Load>) {
    let admin: AdminClient<DefaultClientContext> = client(&broker).create().unwrap();
    while load.goes_on() {
        let name = format!("soak-brief-{}", load.topics.fetch_add(1, Ordering::Relaxed));
        create_topic(&broker, &name, PARTITIONS, &[]).await;
        let producer = producer(&broker, &[]);
        for _ in 0..20 {
            send(&producer, &name, None, Some(b"brief")).await.unwrap();
        }
        let reader = consumer(&broker, &name);
        reader.subscribe(&[&name]).unwrap();
        for _ in 0..20 {
            tokio::time::timeout(LIMIT, reader.recv()).await.unwrap().unwrap();
        }
        drop(reader);
        let options = AdminOptions::new().operation_timeout(Some(LIMIT));
        admin.delete_topics(&[&name], &options).await.unwrap()[0].as_ref().unwrap();
        admin.delete_groups(&[&name], &options).await.unwrap();
    }
}

async fn register(rest: Rest, load: Arc<Load>) {
    while load.goes_on() {
        let number = load.registered.fetch_add(1, Ordering::Relaxed) % 200;
        let schema = json!({"type": "enum", "name": format!("E{number}"), "symbols": ["A", "B"]});
        let id = rest.register(&format!("soak-{number}"), &schema).await.unwrap();
        assert_eq!(rest.get(&format!("/schemas/ids/{id}")).await.unwrap().status, 200);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_and_descriptors_stay_flat() {
    let seconds = std::env::var("ASSAY_TEST_SOAK_SECONDS")
        .map_or(SECONDS_DEFAULT, |text| text.parse().expect("ASSAY_TEST_SOAK_SECONDS is a number"));
    let assay = Assay::start().unwrap();
    let bounded = [("segment.bytes", "1048576"), ("retention.bytes", "4194304")];
    create_topic(&assay.broker, "soak-delete", PARTITIONS, &bounded).await;
    let compacted =
        [("cleanup.policy", "compact"), ("segment.bytes", "1048576"), ("min.cleanable.dirty.ratio", "0.1")];
    create_topic(&assay.broker, "soak-compact", PARTITIONS, &compacted).await;
    let (load, broker) = (Arc::new(Load::default()), assay.broker.clone());
    let mut tasks = JoinSet::new();
    for (topic, compression) in
        [("soak-delete", "none"), ("soak-delete", "lz4"), ("soak-compact", "zstd"), ("soak-compact", "gzip")]
    {
        tasks.spawn(produce(broker.clone(), Arc::clone(&load), topic, compression));
    }
    for group in ["soak-a", "soak-b"] {
        tasks.spawn(consume(broker.clone(), Arc::clone(&load), group));
    }
    tasks.spawn(come_and_go(broker.clone(), Arc::clone(&load)));
    tasks.spawn(register(assay.rest(), Arc::clone(&load)));
    let (began, mut samples) = (Instant::now(), Vec::new());
    while began.elapsed() < Duration::from_secs(seconds) {
        tokio::time::sleep(SAMPLE_EVERY).await;
        samples.push(Sample::take(assay.pid()));
        if let Some(ended) = tasks.try_join_next() {
            ended.expect("no part of the load fails");
            panic!("a part of the load ended by itself");
        }
    }
    load.stop.store(true, Ordering::Relaxed);
    tasks.join_all().await;
    let thirds: Vec<_> = samples.chunks(samples.len().div_ceil(3)).collect();
    let memory = |at: usize| median(thirds[at].iter().map(|sample| sample.memory_mib).collect());
    let descriptors = |at: usize| median(thirds[at].iter().map(|sample| sample.descriptors).collect());
    println!("soak of {seconds} s: {load:?}");
    println!(
        "memory {} -> {} -> {} MiB, descriptors {} -> {} -> {}",
        memory(0),
        memory(1),
        memory(2),
        descriptors(0),
        descriptors(1),
        descriptors(2)
    );
    assert!(load.topics.load(Ordering::Relaxed) > 2 && load.consumed.load(Ordering::Relaxed) > 1_000);
    assert!(memory(2) <= memory(1) + memory(1) / 5 + MEMORY_SLACK_MIB, "memory grows");
    assert!(descriptors(2) <= descriptors(1) + DESCRIPTORS_SLACK, "descriptors grow");
}
