//! Groups over the real log: stopped cleanly, and with the power cut.

use std::path::Path;

use super::*;
use crate::clock::SystemClock;
use crate::durability::LogConfig;
use crate::groups::records::{Key, OffsetCommitValue};
use crate::log::storage::memory::{Loss, Memory};
use crate::log::storage::{Fs, Storage};
use crate::partition::Isolation;
use crate::record_batch::{Batches, RecordLimits, records};
use crate::topics::Topics;

const OFFSETS_PARTITIONS: i32 = 4;

struct Broker {
    topics: Topics,
    groups: Groups,
}

impl Broker {
    async fn open(dir: &Path, storage: Arc<dyn Storage>) -> Self {
        let topics = Topics::open(dir, LogConfig::default(), storage, Arc::new(SystemClock)).unwrap();
        if topics.get("t").is_none() {
            topics.create("t", 2, topics.topic_config([]).unwrap()).await.unwrap();
        }
        let config = GroupsConfig { offsets_partitions: OFFSETS_PARTITIONS, ..config() };
        let groups = Groups::open(&topics, config, Arc::new(SystemClock));
        groups.loaded().await;
        Self { topics, groups }
    }

    async fn commit(&self, group: &str, member: &str, generation: i32, offset: i64) -> i16 {
        let request = commit_request(group, member, generation, &[("t", 1, offset)]);
        let response = self.groups.offset_commit(request, 8, &client()).await;
        response.topics[0].partitions[0].error_code
    }

    async fn offsets(&self, group: &str) -> Vec<i64> {
        let request = OffsetFetchRequest { group_id: group.to_owned(), ..OffsetFetchRequest::default() };
        let response = self.groups.offset_fetch(request, 7, &client()).await;
        let partitions = response.topics.iter().flat_map(|topic| topic.partitions.iter());
        partitions.map(|partition| partition.committed_offset).collect()
    }

    async fn heartbeat(&self, member_id: &str, generation_id: i32) -> i16 {
        let request = HeartbeatRequest {
            group_id: "g".to_owned(),
            generation_id,
            member_id: member_id.to_owned(),
            ..HeartbeatRequest::default()
        };
        self.groups.heartbeat(request, 4, &client()).await.error_code
    }

    /// A consumer of generation 1 in group "g".
    async fn consumer(&self) -> String {
        let joined = self.groups.join_group(join_request(""), 3, &client()).await;
        let request = sync_request(&joined.member_id, 1, &[&joined.member_id]);
        assert_eq!(self.groups.sync_group(request, 5, &client()).await.error_code, 0);
        joined.member_id
    }

    async fn close(self) {
        self.groups.shutdown().await;
        self.topics.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_and_offsets_survive_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::open(dir.path(), Arc::new(Fs)).await;
    assert!(broker.topics.get(OFFSETS_TOPIC).is_none(), "created when first needed");
    let me = broker.consumer().await;
    let topic = broker.topics.get(OFFSETS_TOPIC).unwrap();
    assert_eq!(topic.partition_count(), OFFSETS_PARTITIONS);
    assert_eq!(broker.commit("g", &me, 1, 7).await, 0);
    assert_eq!(broker.commit("simple", "", -1, 3).await, 0);
    broker.close().await;
    for offset in 8..11 {
        let broker = Broker::open(dir.path(), Arc::new(Fs)).await;
        assert_eq!(broker.heartbeat(&me, 1).await, 0);
        assert_eq!(broker.offsets("g").await, [offset - 1]);
        assert_eq!(broker.offsets("simple").await, [3]);
        assert_eq!(broker.commit("g", &me, 1, offset).await, 0);
        broker.close().await;
    }
    let broker = Broker::open(dir.path(), Arc::new(Fs)).await;
    broker.groups.topic_deleted("t").await;
    broker.close().await;
    let broker = Broker::open(dir.path(), Arc::new(Fs)).await;
    assert_eq!(broker.offsets("g").await, Vec::<i64>::new());
    assert_eq!(broker.heartbeat(&me, 1).await, 0);
    broker.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_topic_holds_kafkas_records_where_kafka_puts_them() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::open(dir.path(), Arc::new(Fs)).await;
    assert_eq!(broker.commit("orders", "", -1, 42).await, 0);
    let index = partition_for("orders", OFFSETS_PARTITIONS);
    let partition = broker.topics.get(OFFSETS_TOPIC).unwrap().partition(index).unwrap();
    let slice = partition.read(0, 1 << 20, true, Isolation::ReadUncommitted).await.unwrap();
    let (_, batch) = Batches::new(&slice.records).next().unwrap();
    let opened = records(batch, &RecordLimits::default()).unwrap();
    let record = opened.iter().next().unwrap().unwrap();
    let key = Key::decode(Bytes::copy_from_slice(record.key.unwrap())).unwrap();
    assert_eq!(key, Key::Offset { group: "orders".into(), topic: "t".into(), partition: 1 });
    let value = OffsetCommitValue::from_value(Bytes::copy_from_slice(record.value.unwrap())).unwrap();
    assert_eq!((value.offset, value.leader_epoch, value.metadata.as_str()), (42, 3, "note"));
    broker.close().await;
}

/// What an answered member and an answered commit look like after the power went right behind the answer.
async fn after_power_loss(storage: Memory) -> (i16, Vec<i64>) {
    let dir = Path::new("/data");
    let broker = Broker::open(dir, Arc::new(storage.clone())).await;
    let me = broker.consumer().await;
    for offset in 0..20 {
        assert_eq!(broker.commit("g", &me, 1, offset).await, 0);
    }
    let survived = storage.after_power_loss(Loss::All);
    broker.close().await;
    let broker = Broker::open(dir, Arc::new(survived)).await;
    let found = (broker.heartbeat(&me, 1).await, broker.offsets("g").await);
    broker.close().await;
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_a_power_loss() {
    assert_eq!(after_power_loss(Memory::default()).await, (0, vec![19]));
    let forgetful = Memory::default();
    forgetful.ignore_syncs();
    assert_ne!(after_power_loss(forgetful).await, (0, vec![19]), "the check notices missing syncs");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_sync_is_not_acknowledged() {
    let storage = Memory::default();
    let broker = Broker::open(Path::new("/data"), Arc::new(storage.clone())).await;
    assert_eq!(broker.commit("g", "", -1, 1).await, 0);
    storage.fail_syncs(true);
    assert_eq!(broker.commit("g", "", -1, 2).await, 16);
    assert_eq!(broker.offsets("g").await, [1]);
    broker.groups.shutdown().await;
}
