//! Transactions with librdkafka, and delivery at least once and exactly once, each shown while the broker is killed over and over.
//!
//! `ASSAY_TEST_DELIVERY_ROUNDS` sets the number of kills of each, 3 unless set.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use harness::{Assay, Launch, foreign};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::{KafkaError, RDKafkaErrorCode},
    producer::{BaseProducer, BaseRecord, Producer},
};

use crate::kafka::{LIMIT, client, create_topic, producer, read_all, send};

const PARTITIONS: i32 = 2;
const RECORDS: usize = 400;
/// Most records of one transaction, or between two commits.
const STEP: usize = 10;
/// What the work on a step costs, so that a kill finds some of it undone.
const WORK: Duration = Duration::from_millis(25);
/// Longest wait of a processor for a broker that may be dead.
const PATIENCE: Duration = Duration::from_secs(5);

fn rounds() -> u64 {
    std::env::var("ASSAY_TEST_DELIVERY_ROUNDS").map_or(3, |text| text.parse().unwrap())
}

fn transactional(broker: &str, id: &str) -> Result<BaseProducer, KafkaError> {
    let producer: BaseProducer = client(broker)
        .set("transactional.id", id)
        .set("transaction.timeout.ms", "60000")
        .set("message.timeout.ms", "30000")
        .create()?;
    producer.init_transactions(LIMIT)?;
    Ok(producer)
}

/// A consumer of all partitions of a topic, from where its group has committed.
fn assigned(broker: &str, group: &str, topic: &str) -> Result<BaseConsumer, KafkaError> {
    let consumer: BaseConsumer = settings(broker, group).create()?;
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(topic, partition, Offset::Stored)?;
    }
    consumer.assign(&list)?;
    Ok(consumer)
}

fn settings(broker: &str, group: &str) -> ClientConfig {
    let mut config = client(broker);
    config
        .set("group.id", group)
        .set("auto.offset.reset", "earliest")
        .set("enable.auto.commit", "false")
        .set("enable.auto.offset.store", "false")
        .set("isolation.level", "read_committed");
    config
}

type Row = (Option<Vec<u8>>, Vec<u8>);

/// Up to [`STEP`] records, and the offsets after them; empty when nothing came for a moment.
fn take(consumer: &BaseConsumer) -> Result<(Vec<Row>, TopicPartitionList), KafkaError> {
    let (mut rows, mut next) = (Vec::new(), BTreeMap::new());
    while rows.len() < STEP {
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { break };
        let message = message?;
        let value = message.payload().unwrap_or_default().to_vec();
        rows.push((message.key().map(<[u8]>::to_vec), value));
        next.insert((message.topic().to_owned(), message.partition()), message.offset() + 1);
    }
    let mut list = TopicPartitionList::new();
    for ((topic, partition), offset) in next {
        list.add_partition_offset(&topic, partition, Offset::Offset(offset))?;
    }
    Ok((rows, list))
}

/// What a `read_committed` consumer finds in a topic, until a plain record "end" in each partition.
fn committed(broker: &str, topic: &str) -> Vec<String> {
    let consumer: BaseConsumer = settings(broker, "read-committed").create().unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    let (mut values, mut ends) = (Vec::new(), 0);
    let deadline = Instant::now() + LIMIT;
    while ends < PARTITIONS {
        assert!(Instant::now() < deadline, "read {} values", values.len());
        let Some(message) = consumer.poll(Duration::from_millis(100)) else { continue };
        let message = message.unwrap();
        let value = String::from_utf8(message.payload().unwrap().to_vec()).unwrap();
        if value == "end" { ends += 1 } else { values.push(value) }
    }
    values.sort();
    values
}

fn write_ends(broker: &str, topic: &str) {
    let producer: BaseProducer = client(broker).create().unwrap();
    for partition in 0..PARTITIONS {
        let record: BaseRecord<'_, (), str> = BaseRecord::to(topic).partition(partition).payload("end");
        producer.send(record).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(LIMIT).unwrap();
}

fn names() -> Vec<String> {
    (0..RECORDS).map(|number| format!("{number:04}")).collect()
}

async fn fill(broker: &str, topic: &str) {
    let producer = producer(broker, &[("enable.idempotence", "true")]);
    let sends = names().into_iter().map(|name| {
        let producer = producer.clone();
        async move { send(&producer, topic, Some(name.as_bytes()), Some(name.as_bytes())).await.unwrap() }
    });
    futures_util::future::join_all(sends).await;
}

fn produce(producer: &BaseProducer, topic: &str, rows: &[Row]) -> Result<(), KafkaError> {
    for (key, value) in rows {
        let mut record: BaseRecord<'_, [u8], [u8]> = BaseRecord::to(topic).payload(value);
        record.key = key.as_deref();
        producer.send(record).map_err(|(error, _)| error)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_consumes_and_produces_in_transactions_with_aborts_and_is_fenced() {
    let assay = Assay::start().unwrap();
    let broker = assay.broker.clone();
    create_topic(&broker, "in", PARTITIONS, &[]).await;
    create_topic(&broker, "out", PARTITIONS, &[]).await;
    fill(&broker, "in").await;
    let work = move || {
        let first = transactional(&broker, "tx").unwrap();
        let consumer: BaseConsumer = settings(&broker, "transform").create().unwrap();
        consumer.subscribe(&["in"]).unwrap();
        let (mut done, mut step) = (0, 0);
        while done < RECORDS {
            let (rows, next) = take(&consumer).unwrap();
            if rows.is_empty() {
                continue;
            }
            step += 1;
            first.begin_transaction().unwrap();
            produce(&first, "out", &rows).unwrap();
            if step % 4 == 0 {
                first.flush(LIMIT).unwrap();
                first.abort_transaction(LIMIT).unwrap();
                let mut back = TopicPartitionList::new();
                let before = consumer.committed(LIMIT).unwrap();
                for place in before.elements() {
                    let offset =
                        if place.offset() == Offset::Invalid { Offset::Beginning } else { place.offset() };
                    back.add_partition_offset(place.topic(), place.partition(), offset).unwrap();
                }
                consumer.seek_partitions(back, LIMIT).unwrap();
                continue;
            }
            let group = consumer.group_metadata().unwrap();
            first.send_offsets_to_transaction(&next, &group, LIMIT).unwrap();
            first.commit_transaction(LIMIT).unwrap();
            done += rows.len();
        }
        // a second instance ends what the first has open, and shuts it out
        first.begin_transaction().unwrap();
        produce(&first, "out", &[(None, b"never".to_vec())]).unwrap();
        first.flush(LIMIT).unwrap();
        let second = transactional(&broker, "tx").unwrap();
        let fenced = first.commit_transaction(LIMIT).unwrap_err();
        assert_eq!(fenced.rdkafka_error_code(), Some(RDKafkaErrorCode::Fenced), "{fenced}");
        second.begin_transaction().unwrap();
        produce(&second, "out", &[(None, b"second".to_vec())]).unwrap();
        second.commit_transaction(LIMIT).unwrap();
        write_ends(&broker, "out");
        let mut expected = names();
        expected.push("second".to_owned());
        assert_eq!(committed(&broker, "out"), expected);
        let all = read_all_values(&broker, "out");
        assert!(all.contains(&"never".to_owned()) && all.len() > expected.len(), "{}", all.len());
    };
    tokio::task::spawn_blocking(work).await.unwrap();
}

/// All values, aborted ones too.
fn read_all_values(broker: &str, topic: &str) -> Vec<String> {
    let consumer: BaseConsumer =
        settings(broker, "read-all").set("isolation.level", "read_uncommitted").create().unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&list).unwrap();
    let (mut values, mut ends) = (Vec::new(), 0);
    while ends < PARTITIONS {
        let Some(message) = consumer.poll(LIMIT) else { panic!("nothing came") };
        let value = String::from_utf8(message.unwrap().payload().unwrap().to_vec()).unwrap();
        if value == "end" { ends += 1 } else { values.push(value) }
    }
    values
}

#[test]
fn confluents_python_client_works_in_transactions() {
    let assay = Assay::start().unwrap();
    let Some(answer) = foreign::python("transactions.py", &[&assay.broker]).unwrap() else { return };
    assert_eq!(answer, "ok");
}

/// In the second protocol (KIP-890): no partition is named beforehand, every end bumps the epoch.
#[test]
fn the_java_client_works_in_transactions() {
    let often = "transaction.abort.timed.out.transaction.cleanup.interval.ms=200";
    let assay = Launch::default().arg("--broker-config").arg(often).start().unwrap();
    let Some(answer) = foreign::java("Transactions", &[&assay.broker]).unwrap() else { return };
    assert!(answer["done"].as_u64().unwrap() > 25, "{answer}");
}

/// Does a step of work; `None` when there was nothing to do.
type Step = Box<dyn FnMut() -> Result<Option<usize>, KafkaError>>;

/// Lets the processor end when the test does, however it does.
struct Ends(Arc<AtomicBool>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a processor while the broker is killed and started again; then until nothing is left. `make` begins anew after each
/// kill, as a restarted program does. Returns the last broker.
async fn under_kills(
    mut assay: Assay,
    make: impl Fn(String) -> Result<Step, KafkaError> + Send + Sync + 'static,
) -> Assay {
    let make = Arc::new(make);
    for round in 0..=rounds() {
        let last = round == rounds();
        let (making, broker) = (Arc::clone(&make), assay.broker.clone());
        let (killed, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (is_killed, has_seen) = (Arc::clone(&killed), Arc::clone(&seen));
        let _ends_with_the_test = Ends(Arc::clone(&killed));
        // a thread that nobody waits for: a client takes its time to give up on a broker that is gone
        let worker = std::thread::spawn(move || {
            let mut step = match making(broker) {
                Ok(step) => step,
                Err(error) => {
                    assert!(is_killed.load(Ordering::Relaxed), "{error}");
                    return;
                }
            };
            let mut idle = Instant::now();
            loop {
                match step() {
                    Ok(Some(_)) => {
                        std::thread::sleep(WORK);
                        has_seen.store(true, Ordering::Relaxed);
                        idle = Instant::now();
                    }
                    Ok(None) if last && idle.elapsed() > Duration::from_secs(3) => return,
                    Ok(None) if is_killed.load(Ordering::Relaxed) => return,
                    Ok(None) => {}
                    // the client says what it says of a broker that is gone; the next instance goes on
                    Err(error) if is_killed.load(Ordering::Relaxed) => {
                        eprintln!("round {round}: {error}");
                        return;
                    }
                    Err(error) => panic!("round {round}: {error}"),
                }
            }
        });
        if last {
            tokio::task::spawn_blocking(move || worker.join().unwrap()).await.unwrap();
            return assay;
        }
        // an earlier round may have left nothing to do
        let begun = Instant::now();
        while !seen.load(Ordering::Relaxed) && !worker.is_finished() && begun.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        tokio::time::sleep(Duration::from_millis(7 * (round * 13 % 17))).await;
        if worker.is_finished() {
            worker.join().unwrap();
            panic!("a processor goes on until its broker is killed");
        }
        killed.store(true, Ordering::Relaxed);
        let data = tokio::task::spawn_blocking(move || assay.kill().unwrap()).await.unwrap();
        assay = Launch::default().on(data).start().unwrap();
    }
    assay
}

async fn input() -> Assay {
    let assay = Assay::start().unwrap();
    create_topic(&assay.broker, "in", PARTITIONS, &[]).await;
    create_topic(&assay.broker, "out", PARTITIONS, &[]).await;
    fill(&assay.broker, "in").await;
    assay
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_once_the_input_is_in_the_output_once_whatever_is_killed() {
    let assay = under_kills(input().await, |broker| {
        let producer = transactional(&broker, "exactly-once")?;
        let consumer = assigned(&broker, "exactly-once", "in")?;
        Ok(Box::new(move || {
            let (rows, next) = take(&consumer)?;
            if rows.is_empty() {
                return Ok(None);
            }
            producer.begin_transaction()?;
            produce(&producer, "out", &rows)?;
            let group = consumer.group_metadata().ok_or(KafkaError::Canceled)?;
            producer.send_offsets_to_transaction(&next, &group, PATIENCE)?;
            producer.commit_transaction(PATIENCE)?;
            Ok(Some(rows.len()))
        }))
    });
    let assay = assay.await;
    let found = tokio::task::spawn_blocking(move || {
        write_ends(&assay.broker, "out");
        committed(&assay.broker, "out")
    });
    assert_eq!(found.await.unwrap(), names());
}

/// When a processor without transactions commits: its effect is a record in "out".
#[derive(Clone, Copy, PartialEq, Eq)]
enum Commits {
    BeforeTheWork,
    AfterTheWork,
}

fn plain(broker: &str, group: &'static str, commits: Commits) -> Result<Step, KafkaError> {
    let mut config = client(broker);
    config.set("message.timeout.ms", "4000");
    if commits == Commits::BeforeTheWork {
        // a retry of what was stored without an answer would be a second time
        config.set("message.send.max.retries", "0");
    }
    let producer: BaseProducer = config.create()?;
    let consumer = assigned(broker, group, "in")?;
    Ok(Box::new(move || {
        let (rows, next) = take(&consumer)?;
        if rows.is_empty() {
            return Ok(None);
        }
        if commits == Commits::BeforeTheWork {
            consumer.commit(&next, CommitMode::Sync)?;
        }
        produce(&producer, "out", &rows)?;
        producer.flush(PATIENCE)?;
        if producer.in_flight_count() > 0 {
            return Err(KafkaError::Canceled);
        }
        if commits == Commits::AfterTheWork {
            consumer.commit(&next, CommitMode::Sync)?;
        }
        Ok(Some(rows.len()))
    }))
}

/// How often each input record is in the output.
fn counts(broker: &str) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<String, usize> = names().into_iter().map(|name| (name, 0)).collect();
    for record in read_all(broker, "out", PARTITIONS) {
        let value = String::from_utf8(record.value.unwrap()).unwrap();
        *counts.get_mut(&value).expect("nobody sent this") += 1;
    }
    counts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_least_once_nothing_is_missing_when_the_commit_follows_the_work() {
    let make = |broker: String| plain(&broker, "at-least-once", Commits::AfterTheWork);
    let assay = under_kills(input().await, make).await;
    let counts = tokio::task::spawn_blocking(move || counts(&assay.broker)).await.unwrap();
    assert!(counts.values().all(|count| *count >= 1), "{counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_most_once_nothing_comes_twice_when_the_commit_goes_before_the_work() {
    let make = |broker: String| plain(&broker, "at-most-once", Commits::BeforeTheWork);
    let assay = under_kills(input().await, make).await;
    let counts = tokio::task::spawn_blocking(move || counts(&assay.broker)).await.unwrap();
    assert!(counts.values().all(|count| *count <= 1), "{counts:?}");
    assert!(counts.values().any(|count| *count == 1), "and something came at all");
}
