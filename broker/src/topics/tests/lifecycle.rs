//! Topics come, change and go, and a restart agrees.

use super::*;
use crate::partition::DeleteRecordsError;
use crate::producer_ids::{BLOCK, ProducerIds};

#[tokio::test]
async fn a_topic_survives_restarts_with_id_settings_and_records() {
    let memory = Memory::default();
    let topics = open(&memory);
    let topic = topics.create("orders", 3, settings(&[("retention.ms", "5")])).await.unwrap();
    produce(&topic.partition(2).unwrap(), batch("one")).await;
    let (cluster, id) = (topics.cluster_id().to_owned(), topic.id());
    topics.shutdown().await;
    let topics = open(&memory);
    assert_eq!(topics.cluster_id(), cluster);
    assert_eq!(cluster.len(), 22);
    let topic = topics.get_by_id(id.bytes()).unwrap();
    assert_eq!((&**topic.name(), topic.partition_count()), ("orders", 3));
    assert_eq!(topic.config().retention_ms, 5);
    assert_eq!(values(&topic.partition(2).unwrap()).await, [(0, "one".to_owned())]);
    assert!(topic.partition(3).is_none() && topic.partition(-1).is_none());
}

#[tokio::test]
async fn names_and_counts_are_checked() {
    let topics = open(&Memory::default());
    let long = "x".repeat(249);
    let too_long = "x".repeat(250);
    for name in ["", ".", "..", "a/b", "a b", "ä", &too_long] {
        let error = topics.create(name, 1, TopicConfig::default()).await.unwrap_err();
        assert!(matches!(error, TopicError::InvalidName { .. }), "{name}: {error}");
    }
    for count in [0, -1, PARTITIONS_MAX + 1] {
        let error = topics.create("t", count, TopicConfig::default()).await.unwrap_err();
        assert!(matches!(error, TopicError::InvalidPartitions { .. }));
    }
    topics.create(&long, 1, TopicConfig::default()).await.unwrap();
    topics.create("a.b", 1, TopicConfig::default()).await.unwrap();
    assert!(matches!(topics.check_create("a.b", 1), Err(TopicError::AlreadyExists { .. })));
    assert!(matches!(topics.check_create("a_b", 1), Err(TopicError::InvalidName { .. })));
    topics.delete(&long).await.unwrap();
    assert!(matches!(topics.delete(&long).await, Err(TopicError::Unknown)));
}

#[tokio::test]
async fn a_deleted_topic_wakes_its_waiters_and_a_new_one_starts_at_zero() {
    let memory = Memory::default();
    let topics = open(&memory);
    let old = topics.create("t", 1, TopicConfig::default()).await.unwrap();
    let partition = old.partition(0).unwrap();
    produce(&partition, batch("old")).await;
    topics.enforce_retention().await.unwrap();
    let mut watch = partition.watch();
    topics.delete("t").await.unwrap();
    watch.wait_for(|progress| progress.status == Status::Deleted).await.unwrap();
    assert!(partition.append(batch("x"), CLIENT).await.is_err());
    assert!(partition.read(0, 100, true, Isolation::ReadUncommitted).await.is_err());
    let new = topics.create("t", 1, TopicConfig::default()).await.unwrap();
    assert_ne!(new.id(), old.id());
    assert!(topics.get_by_id(old.id().bytes()).is_none());
    let memory = kill(&memory, topics);
    let partition = partition_of(&open(&memory), "t", 0);
    assert_eq!((partition.status(), partition.log_end_offset()), (Status::Online, 0));
}

#[tokio::test]
async fn partitions_are_added_and_never_taken() {
    let memory = Memory::default();
    let topics = open(&memory);
    topics.create("t", 1, TopicConfig::default()).await.unwrap();
    topics.create_partitions("t", 4).await.unwrap();
    produce(&partition_of(&topics, "t", 3), batch("v")).await;
    for count in [4, 2] {
        let error = topics.create_partitions("t", count).await.unwrap_err();
        assert!(matches!(error, TopicError::InvalidPartitions { .. }));
    }
    let memory = kill(&memory, topics);
    let topics = open(&memory);
    assert_eq!(topics.get("t").unwrap().partition_count(), 4);
    assert_eq!(values(&partition_of(&topics, "t", 3)).await.len(), 1);
}

#[tokio::test]
async fn altered_settings_apply_at_once_and_survive() {
    let memory = Memory::default();
    let topics = open(&memory);
    let topic = topics.create("t", 1, TopicConfig::default()).await.unwrap();
    let partition = topic.partition(0).unwrap();
    topics.alter_config("t", [("max.message.bytes".to_owned(), "10".to_owned())].into()).await.unwrap();
    assert!(partition.append(batch("v"), CLIENT).await.is_err());
    let bad = topics.alter_config("t", [("max.message.bytes".to_owned(), "x".to_owned())].into()).await;
    assert!(matches!(bad, Err(TopicError::Config(_))));
    let topics = open(&kill(&memory, topics));
    assert_eq!(topics.get("t").unwrap().config().max_message_bytes, 10);
}

#[tokio::test]
async fn a_folder_in_use_is_refused() {
    let memory = Memory::default();
    let topics = open(&memory);
    assert!(matches!(open_with(&memory, quiet()), Err(OpenError::Locked { .. })));
    topics.shutdown().await;
    open(&memory);
}

#[tokio::test]
async fn the_operating_systems_lock_is_exclusive_too() {
    let dir = tempfile::tempdir().unwrap();
    let open = || {
        let storage = Arc::new(crate::log::storage::Fs);
        Topics::open(dir.path(), quiet(), storage, Arc::new(ManualClock::at(NOW)))
    };
    let topics = open().unwrap();
    assert!(matches!(open(), Err(OpenError::Locked { .. })));
    let topic = topics.create("t", 2, TopicConfig::default()).await.unwrap();
    produce(&topic.partition(1).unwrap(), batch("v")).await;
    topics.shutdown().await;
    let topics = open().unwrap();
    assert_eq!(values(&partition_of(&topics, "t", 1)).await.len(), 1);
    assert_eq!(partition_of(&topics, "t", 1).leader_epoch(), 0, "a clean start keeps the epoch");
}

#[tokio::test]
async fn newer_formats_and_strange_folders_are_refused() {
    let edit = |file: &'static str, from: &'static str, to: &'static str| async move {
        let memory = Memory::default();
        let topics = open(&memory);
        topics.create("t", 1, TopicConfig::default()).await.unwrap();
        topics.shutdown().await;
        memory.edit(&Path::new(DIR).join(file), |content| {
            let text = String::from_utf8(content.clone()).unwrap();
            assert!(text.contains(from), "{file}: {text}");
            *content = text.replacen(from, to, 1).into_bytes();
        });
        open_with(&memory, quiet()).unwrap_err().to_string()
    };
    for (file, from, to, text) in [
        ("meta.properties", "version=1", "version=2", "meta.properties has version 2, which is newer"),
        ("assay-topics.journal", "\"version\":0", "\"version\":1", "version 1, which is newer"),
        (".kafka_cleanshutdown", "\"version\":0", "\"version\":9", "version 9, which is newer"),
        ("recovery-point-offset-checkpoint", "0\n", "1\n", "version 1 is newer"),
        ("meta.properties", "node.id=1", "node.id=7", "data folder belongs to node.id=7"),
        ("meta.properties", "node.id=1", "", "meta.properties is malformed: no node.id"),
        ("assay-topics.journal", "creating", "dreaming", "assay-topics.journal is malformed: line 2"),
    ] {
        let error = edit(file, from, to).await;
        assert!(error.contains(text), "{file}: {error}");
    }
}

#[tokio::test]
async fn a_folder_of_kafkas_is_taken_over() {
    let memory = Memory::default();
    let topics = open(&memory);
    let id = topics.create("t", 2, TopicConfig::default()).await.unwrap().id();
    topics.create("__consumer_offsets", 1, settings(&[("cleanup.policy", "compact")])).await.unwrap();
    produce(&partition_of(&topics, "t", 1), batch("v")).await;
    topics.shutdown().await;
    crate::log::storage::Storage::remove_file(&memory, &Path::new(DIR).join("assay-topics.journal")).unwrap();
    let topics = open(&memory);
    let topic = topics.get("t").unwrap();
    assert_eq!((topic.id(), topic.partition_count()), (id, 2));
    assert_eq!(values(&topic.partition(1).unwrap()).await.len(), 1);
    assert!(topics.get("__consumer_offsets").unwrap().config().compact);
}

#[tokio::test]
async fn deleted_records_stay_deleted() {
    let memory = Memory::default();
    let topics = open(&memory);
    topics.create("t", 1, settings(&[("segment.bytes", "200")])).await.unwrap();
    topics.create("c", 1, settings(&[("cleanup.policy", "compact")])).await.unwrap();
    let partition = partition_of(&topics, "t", 0);
    for n in 0..10 {
        produce(&partition, batch(&n.to_string())).await;
    }
    let before = partition.size_bytes();
    assert_eq!(topics.delete_records(&partition, 7).await.unwrap(), 7);
    assert!(matches!(
        topics.delete_records(&partition, 11).await,
        Err(DeleteRecordsError::OffsetOutOfRange { .. })
    ));
    let compact = partition_of(&topics, "c", 0);
    assert!(matches!(topics.delete_records(&compact, -1).await, Err(DeleteRecordsError::Policy)));
    topics.enforce_retention().await.unwrap();
    assert!(partition.size_bytes() < before);
    assert!(partition.read(6, 100, true, Isolation::ReadUncommitted).await.is_err());
    let memory = kill(&memory, topics);
    let topics = open(&memory);
    let partition = partition_of(&topics, "t", 0);
    assert_eq!(values(&partition).await.iter().map(|(at, _)| *at).collect::<Vec<_>>(), [7, 8, 9]);
    assert_eq!(topics.delete_records(&partition, -1).await.unwrap(), 10);
    let topics = open(&kill(&memory, topics));
    let partition = partition_of(&topics, "t", 0);
    assert_eq!((partition.log_start_offset(), partition.log_end_offset()), (10, 10));
    assert_eq!(produce(&partition, batch("next")).await.base_offset, 10);
}

#[tokio::test]
async fn retention_deletes_by_size_and_by_time() {
    let memory = Memory::default();
    let clock = Arc::new(ManualClock::at(NOW));
    let storage = Arc::new(memory.clone());
    let topics = Topics::open(Path::new(DIR), quiet(), storage, Arc::clone(&clock) as _).unwrap();
    topics
        .create("size", 1, settings(&[("segment.bytes", "160"), ("retention.bytes", "400")]))
        .await
        .unwrap();
    topics.create("time", 1, settings(&[("segment.bytes", "160"), ("retention.ms", "1000")])).await.unwrap();
    topics.create("keep", 1, settings(&[("segment.bytes", "160"), ("retention.ms", "-1")])).await.unwrap();
    for name in ["size", "time", "keep"] {
        for n in 0..20 {
            produce(&partition_of(&topics, name, 0), batch(&n.to_string())).await;
        }
    }
    topics.enforce_retention().await.unwrap();
    let size = partition_of(&topics, "size", 0);
    assert!((400..560).contains(&size.size_bytes()), "{}", size.size_bytes());
    assert!(size.log_start_offset() > 0);
    let time = partition_of(&topics, "time", 0);
    assert_eq!(time.log_start_offset(), 0);
    clock.advance(1001);
    topics.enforce_retention().await.unwrap();
    assert_eq!((time.log_start_offset(), time.log_end_offset(), time.size_bytes()), (20, 20, 0));
    assert_eq!(produce(&time, batch("next")).await.base_offset, 20);
    assert_eq!(partition_of(&topics, "keep", 0).log_start_offset(), 0);
    let topics = open(&kill(&memory, topics));
    assert_eq!(values(&partition_of(&topics, "time", 0)).await, [(20, "next".to_owned())]);
    assert_eq!(values(&partition_of(&topics, "keep", 0)).await.len(), 20);
}

#[tokio::test]
async fn producer_ids_are_never_given_out_twice() {
    let memory = Memory::default();
    let topics = open(&memory);
    let ids = ProducerIds::open(&topics).unwrap();
    let syncs = memory.syncs();
    assert_eq!((ids.next().await.unwrap(), ids.next().await.unwrap()), (0, 1));
    assert_eq!(memory.syncs() - syncs, 1, "one sync for a block");
    for _ in 2..=BLOCK {
        ids.next().await.unwrap();
    }
    let memory = {
        drop((ids, topics));
        memory.after_power_loss(Loss::All)
    };
    let topics = open(&memory);
    let first = ProducerIds::open(&topics).unwrap().next().await.unwrap();
    assert_eq!(first, 2 * BLOCK);
}

#[tokio::test]
async fn the_recovery_point_is_kept_current() {
    let memory = Memory::default();
    let config = LogConfig { checkpoint_interval: Duration::from_millis(5), ..quiet() };
    let topics = open_with(&memory, config).unwrap();
    topics.create("t", 1, TopicConfig::default()).await.unwrap();
    produce(&partition_of(&topics, "t", 0), batch("v")).await;
    let path = Path::new(DIR).join("recovery-point-offset-checkpoint");
    let deadline = std::time::Instant::now() + Duration::from_secs(10);
    while memory.content(&path).is_none_or(|content| content != b"0\n1\nt 0 1\n") {
        assert!(std::time::Instant::now() < deadline, "no checkpoint");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
