//! A disk that is full, read-only or fails to sync: produce is refused with a storage error, reads go on, and what was
//! acknowledged stays. Runs the build with fault injection.

use std::{fs, path::PathBuf, sync::Arc, time::Duration};

use harness::{Assay, Launch, eventually, faults_binary, missing};
use rdkafka::{
    ClientConfig, Message,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{CommitMode, Consumer},
};
use tempfile::TempDir;

use crate::{
    kafka::{LIMIT, client, consumer, create_topic, producer, read_all, send, watermarks},
    raw::{Connection, Produced, batch},
};

/// `KAFKA_STORAGE_ERROR`.
const STORAGE_ERROR: i16 = 56;

/// A process on a disk whose faults are switched by a file.
struct Faulty {
    assay: Assay,
    control: PathBuf,
    _folder: TempDir,
}

impl Faulty {
    /// `None` with the reason printed when the build is not there.
    fn start() -> Option<Self> {
        let Some(program) = faults_binary() else {
            missing("ASSAY_FAULTS_BIN, the build with fault injection,");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let control = folder.path().join("control");
        let path = control.display().to_string();
        let assay = Launch::default().program(program).env("ASSAY_FAULT_CONTROL", &path).start().unwrap();
        Some(Self { assay, control, _folder: folder })
    }

    /// From now on the disk is so; `""` is a good disk.
    fn disk(&self, state: &str) {
        let staged = self.control.with_extension("next");
        fs::write(&staged, state).unwrap();
        fs::rename(&staged, &self.control).unwrap();
    }
}

fn produce(broker: &str, topic: &str, value: &str) -> Produced {
    let records = batch(&[(None, Some(value.as_bytes()), &[])]);
    Connection::open(broker).produce(topic, 0, -1, &records).expect("an answer")
}

/// The error of a topic creation that must fail.
async fn creation_error(broker: &str, name: &str) -> String {
    let admin: AdminClient<DefaultClientContext> = client(broker).create().unwrap();
    let options = AdminOptions::new().operation_timeout(Some(LIMIT));
    let topic = NewTopic::new(name, 1, TopicReplication::Fixed(1));
    let results = admin.create_topics(&[topic], &options).await.unwrap();
    results[0].as_ref().expect_err("no topic can be created").1.to_string()
}

async fn refused_and_healed(state: &str) {
    let Some(faulty) = Faulty::start() else { return };
    let broker = faulty.assay.broker.clone();
    create_topic(&broker, "t", 1, &[]).await;
    let steady = producer(&broker, &[("enable.idempotence", "true")]);
    for value in ["a", "b"] {
        send(&steady, "t", None, Some(value.as_bytes())).await.unwrap();
    }
    let reader = consumer(&broker, "readers");
    reader.subscribe(&["t"]).unwrap();
    let first = tokio::time::timeout(LIMIT, reader.recv()).await.unwrap().unwrap();
    reader.commit_message(&first, CommitMode::Sync).unwrap();

    faulty.disk(state);
    for attempt in 0..3 {
        let refused = produce(&broker, "t", &format!("refused {attempt}"));
        assert_eq!((refused.error, refused.base_offset), (STORAGE_ERROR, -1), "{refused:?}");
    }
    let second = tokio::time::timeout(LIMIT, reader.recv()).await.unwrap().unwrap();
    assert_eq!((second.payload(), second.offset()), (Some(&b"b"[..]), 1), "reads go on");
    assert!(
        reader.commit_message(&second, CommitMode::Sync).is_err(),
        "a commit that cannot be kept is refused"
    );
    assert_eq!(watermarks(&broker, "t", 0), (0, 2));
    let error = creation_error(&broker, "u").await;
    assert!(error.contains("Storage") || error.contains("storage"), "{error}");
    // a client goes on trying for as long as it was told to
    let waiting = {
        let steady = steady.clone();
        tokio::spawn(async move { send(&steady, "t", None, Some(b"c")).await })
    };
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!waiting.is_finished(), "retried, not failed");

    faulty.disk("");
    assert_eq!(waiting.await.unwrap().unwrap(), (0, 2), "the same producer goes on without a restart");
    reader.commit_message(&second, CommitMode::Sync).expect("and so does the same consumer");
    create_topic(&broker, "u", 1, &[]).await;
    assert_eq!(produce(&broker, "u", "first").error, 0);
    let data = faulty.assay.kill().unwrap();
    let again = Launch::default().on(data).start().unwrap();
    let values: Vec<_> = read_all(&again.broker, "t", 1).into_iter().map(|one| one.value.unwrap()).collect();
    assert_eq!(values, [b"a", b"b", b"c"], "each once, nothing of what was refused");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_serves_reads_and_heals() {
    refused_and_healed("full").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_disk_refuses_writes_serves_reads_and_heals() {
    refused_and_healed("read-only").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_fences_the_partition_and_a_restart_loses_nothing_acknowledged() {
    let Some(program) = faults_binary() else {
        return missing("ASSAY_FAULTS_BIN, the build with fault injection,");
    };
    let assay = Launch::default().program(program).env("ASSAY_FAULT_SYNC_FAIL_AFTER", "60").start().unwrap();
    create_topic(&assay.broker, "t", 1, &[]).await;
    let mut acknowledged = Vec::new();
    let failed = loop {
        assert!(acknowledged.len() < 1000, "a sync fails some time");
        let value = format!("v{}", acknowledged.len());
        let answer = produce(&assay.broker, "t", &value);
        if answer.error != 0 {
            break answer;
        }
        assert_eq!(usize::try_from(answer.base_offset).unwrap(), acknowledged.len());
        acknowledged.push(value.into_bytes());
    };
    assert!(!acknowledged.is_empty());
    assert_eq!(failed.error, STORAGE_ERROR, "{failed:?}");
    assert_eq!(produce(&assay.broker, "t", "later").error, STORAGE_ERROR, "fenced until a restart");
    assay.logged("sync failed").unwrap();
    let data: Arc<TempDir> = assay.kill().unwrap();
    let again = Launch::default().on(data).start().unwrap();
    let found: Vec<_> = read_all(&again.broker, "t", 1).into_iter().map(|one| one.value.unwrap()).collect();
    assert_eq!(found[..acknowledged.len()], acknowledged, "everything acknowledged is there");
    assert!(found.len() <= acknowledged.len() + 1, "what was refused afterwards is not");
    assert_eq!(produce(&again.broker, "t", "healed").error, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_syncs_are_shared_by_all_who_wait() {
    let Some(program) = faults_binary() else {
        return missing("ASSAY_FAULTS_BIN, the build with fault injection,");
    };
    let assay = Launch::default().program(program).env("ASSAY_FAULT_SYNC_DELAY_MS", "50").start().unwrap();
    create_topic(&assay.broker, "t", 1, &[]).await;
    let settings: [(&str, &str); 2] = [("linger.ms", "0"), ("batch.num.messages", "1")];
    let mut clients = Vec::new();
    for number in 0..8 {
        let mut config: ClientConfig = client(&assay.broker);
        for (key, value) in settings {
            config.set(key, value);
        }
        let one: rdkafka::producer::FutureProducer = config.create().unwrap();
        clients.push(tokio::spawn(async move {
            for _ in 0..5 {
                send(&one, "t", None, Some(format!("{number}").as_bytes())).await.unwrap();
            }
        }));
    }
    for one in clients {
        one.await.unwrap();
    }
    let whole = eventually(LIMIT, || async { (watermarks(&assay.broker, "t", 0) == (0, 40)).then_some(()) });
    whole.await.expect("all are visible");
}
