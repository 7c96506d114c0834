//! SIGKILL while registrations, acks=all produces and a committing consumer are at work, over and over on the same data:
//! nothing that was acknowledged is lost, what was consumed stays where it was, committed offsets are kept and never past
//! the end, no id names two schemas, versions and offsets have no gaps, no record is torn, indexes agree with the log. Every
//! other round the topic's durability is left to the operating system, which a killed process does not take along.
//!
//! `ASSAY_TEST_KILL_ROUNDS` sets the number of rounds, 50 unless set; `ASSAY_TEST_SEED` repeats the timing of a run.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use harness::{Assay, Launch, Rest, eventually};
use rdkafka::producer::FutureProducer;
use serde_json::{Value, json};

use crate::{
    crash_rounds::{disk::check_disk, reader::Reader},
    kafka::{LIMIT, configure_topic, create_topic, producer, read_all, send, watermarks},
};

mod disk;
mod reader;

const ROUNDS_DEFAULT: u64 = 50;
/// Rounds between two readings of everything; the others look at what the round itself has left.
const WHOLE_EVERY: u64 = 10;
const TOPIC: &str = "rounds";
const GROUP: &str = "rounds-readers";
const PARTITIONS: i32 = 3;
const SUBJECTS: u64 = 4;
/// Each task waits for one answer at a time; so many are in flight.
const PRODUCING_TASKS: usize = 16;

/// What was acknowledged, over all rounds.
#[derive(Debug, Default)]
struct Acknowledged {
    /// Record value to (partition, offset).
    records: BTreeMap<String, (i32, i64)>,
    /// Schema text to (subject, id).
    schemas: BTreeMap<String, (String, i32)>,
    /// Record values that were handed to the producer, acknowledged or not.
    sent: BTreeSet<String>,
    /// What the consumer has seen: (partition, offset) to value.
    consumed: BTreeMap<(i32, i64), String>,
    /// Highest offset of each partition whose commit was acknowledged.
    committed: BTreeMap<i32, i64>,
}

impl Acknowledged {
    fn progress(&self) -> (usize, usize, usize) {
        (self.records.len(), self.schemas.len(), self.consumed.len())
    }
}

type Shared = Arc<Mutex<Acknowledged>>;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// splitmix64: enough for timing.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

async fn produce_on(producer: FutureProducer, shared: Shared, numbers: Arc<AtomicU64>) {
    loop {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let value = format!("record-{number}-{}", "x".repeat(usize::try_from(number % 700).unwrap()));
        shared.lock().unwrap().sent.insert(value.clone());
        let key = format!("k{}", number % 50);
        let Ok(place) = send(&producer, TOPIC, Some(key.as_bytes()), Some(value.as_bytes())).await else {
            return;
        };
        shared.lock().unwrap().records.insert(value, place);
    }
}

async fn register_on(rest: Rest, shared: Shared, numbers: Arc<AtomicU64>) {
    loop {
        let number = numbers.fetch_add(1, Ordering::Relaxed);
        let subject = format!("rounds-{}", number % SUBJECTS);
        // neighbours share a content, so that subjects compete for one id
        let schema = json!({"type": "enum", "name": format!("E{}", number / 2), "symbols": ["A", "B"]});
        let Ok(id) = rest.register(&subject, &schema).await else { return };
        shared.lock().unwrap().schemas.insert(format!("{subject} {schema}"), (subject, id));
    }
}

/// Everything the registry has: (subject, version) to (id, text).
async fn registered(rest: &Rest) -> BTreeMap<(String, i64), (i32, Value)> {
    let mut found = BTreeMap::new();
    for subject in rest.get("/subjects").await.unwrap().body.as_array().unwrap() {
        let subject = subject.as_str().unwrap();
        let versions = rest.get(&format!("/subjects/{subject}/versions")).await.unwrap().body;
        let versions: Vec<i64> =
            versions.as_array().unwrap().iter().map(|one| one.as_i64().unwrap()).collect();
        let expected: Vec<i64> = (1..=i64::try_from(versions.len()).unwrap()).collect();
        assert_eq!(versions, expected, "no gap in the versions of {subject}");
        for version in versions {
            let body = rest.get(&format!("/subjects/{subject}/versions/{version}")).await.unwrap().body;
            let id = i32::try_from(body["id"].as_i64().unwrap()).unwrap();
            let schema = serde_json::from_str(body["schema"].as_str().unwrap()).unwrap();
            found.insert((subject.to_owned(), version), (id, schema));
        }
    }
    found
}

async fn check_registry(rest: &Rest, shared: &Shared) -> usize {
    let found = registered(rest).await;
    let mut content_of_id: BTreeMap<i32, &Value> = BTreeMap::new();
    let mut id_of_content: BTreeMap<String, i32> = BTreeMap::new();
    for (id, schema) in found.values() {
        assert_eq!(*content_of_id.entry(*id).or_insert(schema), schema, "id {id} names two schemas");
        assert_eq!(*id_of_content.entry(schema.to_string()).or_insert(*id), *id, "one content has two ids");
    }
    let acknowledged = shared.lock().unwrap();
    for (key, (subject, id)) in &acknowledged.schemas {
        let schema: Value = serde_json::from_str(key.split_once(' ').unwrap().1).unwrap();
        let there = found.iter().any(|((of, _), (has, text))| of == subject && has == id && *text == schema);
        assert!(there, "{key} was acknowledged with id {id} and is lost");
    }
    found.len()
}

fn check_log(broker: &str, shared: &Shared) -> usize {
    let found = read_all(broker, TOPIC, PARTITIONS);
    let acknowledged = shared.lock().unwrap();
    let mut next = vec![0; usize::try_from(PARTITIONS).unwrap()];
    let mut places = BTreeMap::new();
    for record in &found {
        let end = &mut next[usize::try_from(record.partition).unwrap()];
        assert_eq!(record.offset, *end, "gap in the offsets of partition {}", record.partition);
        *end += 1;
        let value = String::from_utf8(record.value.clone().unwrap()).expect("a torn record");
        assert!(acknowledged.sent.contains(&value), "nobody sent {value:?}");
        let before = places.insert(value.clone(), (record.partition, record.offset));
        assert_eq!(before, None, "{value} was stored twice by an idempotent producer");
    }
    for (value, place) in &acknowledged.records {
        assert_eq!(places.get(value), Some(place), "{value} was acknowledged and is lost");
    }
    for (place, value) in &acknowledged.consumed {
        assert_eq!(places.get(value), Some(place), "{value} was consumed and is lost");
    }
    found.len()
}

/// Lets everything write for a moment, then kills the process in the middle of it.
async fn write_and_kill(
    assay: Assay,
    pause: Duration,
    shared: &Shared,
    numbers: &Arc<AtomicU64>,
) -> Arc<tempfile::TempDir> {
    let settings =
        [("enable.idempotence", "true"), ("acks", "all"), ("linger.ms", "1"), ("message.timeout.ms", "5000")];
    let producer = producer(&assay.broker, &settings);
    let mut tasks = Vec::new();
    for _ in 0..PRODUCING_TASKS {
        tasks.push(tokio::spawn(produce_on(producer.clone(), Arc::clone(shared), Arc::clone(numbers))));
    }
    for _ in 0..3 {
        tasks.push(tokio::spawn(register_on(assay.rest(), Arc::clone(shared), Arc::clone(numbers))));
    }
    let reader = Reader::start(&assay.broker, Arc::clone(shared));
    // a client takes its time to find its way; the clock starts when all sides are in full swing
    let before = shared.lock().unwrap().progress();
    let swinging = eventually(LIMIT, || async {
        let now = shared.lock().unwrap().progress();
        (now.0 > before.0 && now.1 > before.1 && now.2 > before.2).then_some(())
    });
    swinging.await.expect("records and schemas are acknowledged, and records are consumed");
    tokio::time::sleep(pause).await;
    let data = tokio::task::spawn_blocking(move || assay.kill().unwrap()).await.unwrap();
    // what was acknowledged before the kill may still be on its way through the client
    tokio::time::sleep(Duration::from_millis(50)).await;
    for task in tasks {
        task.abort();
        let ended = task.await;
        assert!(ended.is_ok() || ended.is_err_and(|error| error.is_cancelled()));
    }
    reader.stop();
    data
}

/// Schemas of this round: each is there under its id in its subject.
async fn check_recent_schemas(rest: &Rest, shared: &Shared, known: &BTreeSet<String>) {
    let recent: Vec<_> = {
        let acknowledged = shared.lock().unwrap();
        let new = acknowledged.schemas.iter().filter(|(key, _)| !known.contains(*key));
        new.map(|(key, place)| (key.clone(), place.clone())).collect()
    };
    for (key, (subject, id)) in recent {
        let text = key.split_once(' ').unwrap().1;
        let found = rest.post(&format!("/subjects/{subject}"), &json!({"schema": text})).await.unwrap();
        assert_eq!(found.body["id"], id, "{key} was acknowledged with id {id} and is lost: {found:?}");
    }
}

/// Committed offsets are at least what was acknowledged and at most the end.
fn check_commits(broker: &str, shared: &Shared) {
    let acknowledged = shared.lock().unwrap().committed.clone();
    for (partition, offset) in reader::committed(broker) {
        let least = acknowledged.get(&partition).copied().unwrap_or(0);
        assert!(offset >= least, "partition {partition}: {least} was committed, {offset} is there");
        let (_, end) = watermarks(broker, TOPIC, partition);
        assert!(offset <= end, "partition {partition}: committed {offset} is past the end {end}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_over_many_kills() {
    let rounds = setting("ASSAY_TEST_KILL_ROUNDS").unwrap_or(ROUNDS_DEFAULT);
    let seed = setting("ASSAY_TEST_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    println!("kill rounds: {rounds}, ASSAY_TEST_SEED={seed}");
    let mut state = seed;
    let (shared, numbers) = (Shared::default(), Arc::new(AtomicU64::new(0)));
    let mut assay = Assay::start().unwrap();
    assay.rest().put("/config", &json!({"compatibility": "NONE"})).await.unwrap();
    create_topic(&assay.broker, TOPIC, PARTITIONS, &[("segment.bytes", "1048576")]).await;
    let mut restart_longest = Duration::ZERO;
    let began = Instant::now();
    for round in 1..=rounds {
        let durability = if round % 2 == 0 { "os" } else { "fsync" };
        let config = [("segment.bytes", "1048576"), ("assay.durability", durability)];
        configure_topic(&assay.broker, TOPIC, &config).await;
        let pause = Duration::from_millis(random(&mut state) % 500);
        let known = shared.lock().unwrap().schemas.keys().cloned().collect();
        let data = write_and_kill(assay, pause, &shared, &numbers).await;
        assay = Launch::default().on(data).start().unwrap_or_else(|error| panic!("round {round}: {error:?}"));
        restart_longest = restart_longest.max(assay.start_up);
        check_recent_schemas(&assay.rest(), &shared, &known).await;
        let whole = round % WHOLE_EVERY == 0 || round == rounds;
        let versions = if whole { Some(check_registry(&assay.rest(), &shared).await) } else { None };
        let (broker, folder, checked) = (assay.broker.clone(), Arc::clone(&assay.data), Arc::clone(&shared));
        let check = tokio::task::spawn_blocking(move || {
            check_commits(&broker, &checked);
            let batches = check_disk(folder.path(), TOPIC);
            (batches, whole.then(|| check_log(&broker, &checked)))
        });
        let (batches, records) = check.await.unwrap();
        print!(
            "round {round}, {durability}: killed after {pause:?}; {batches} batches agree with their indexes"
        );
        match (versions, records) {
            (Some(versions), Some(records)) => println!("; {versions} versions and {records} records hold"),
            _ => println!(),
        }
    }
    let spent = began.elapsed();
    let acknowledged = shared.lock().unwrap();
    println!(
        "{rounds} kills in {spent:?}: {} records and {} schemas acknowledged, {} records consumed, all there; longest \
         restart {restart_longest:?}",
        acknowledged.records.len(),
        acknowledged.schemas.len(),
        acknowledged.consumed.len()
    );
    assert!(acknowledged.records.len() > 100 && acknowledged.schemas.len() > 20, "too little was in flight");
    assert!(!acknowledged.committed.is_empty(), "nothing was committed");
}
