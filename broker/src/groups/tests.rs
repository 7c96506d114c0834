//! Groups through their requests, over a journal in memory.

mod admin;
mod consumers;
mod durability;
mod members;
mod memory;
mod on_disk;
mod requests;
mod transactions;

use std::sync::Arc;

use bytes::Bytes;

use uuid::Uuid;

use super::consumer::TopicShape;
use super::*;
use crate::clock::ManualClock;
use crate::protocol::messages::join_group::JoinGroupRequestProtocol;
use crate::protocol::messages::offset_commit::{OffsetCommitRequestPartition, OffsetCommitRequestTopic};
use crate::protocol::messages::sync_group::SyncGroupRequestAssignment;
use crate::protocol::messages::*;
use memory::MemoryJournal;

/// The topics of the tests have ten partitions each; "missing" does not exist.
const PARTITIONS: i32 = 10;
const NOW_MS: i64 = 1_700_000_000_000;

struct TestTopics;

impl Catalog for TestTopics {
    fn shape(&self, topic: &str) -> Option<TopicShape> {
        (topic != "missing").then(|| TopicShape { id: topic_id(topic), partitions: PARTITIONS })
    }

    fn names(&self) -> Vec<String> {
        ["t", "u"].map(str::to_owned).to_vec()
    }

    fn name_of(&self, id: Uuid) -> Option<String> {
        ["t", "u"].into_iter().find(|topic| topic_id(topic) == id).map(str::to_owned)
    }
}

fn topic_id(topic: &str) -> Uuid {
    Uuid::from_u128(u128::from(topic.as_bytes()[0]))
}

struct Bench {
    groups: Groups,
    journal: Arc<MemoryJournal>,
    clock: Arc<ManualClock>,
}

fn config() -> GroupsConfig {
    GroupsConfig { initial_rebalance_delay_ms: 0, ..GroupsConfig::default() }
}

fn client() -> ClientInfo {
    ClientInfo {
        client_id: "tester".to_owned(),
        host: "/127.0.0.1".to_owned(),
        access: Access::unrestricted(),
    }
}

impl Bench {
    async fn new() -> Self {
        Self::with(config()).await
    }

    async fn with(config: GroupsConfig) -> Self {
        let bench = Self::on(Arc::new(MemoryJournal::new(50)), config);
        bench.groups.loaded().await;
        bench
    }

    fn on(journal: Arc<MemoryJournal>, config: GroupsConfig) -> Self {
        let clock = Arc::new(ManualClock::at(NOW_MS));
        let groups = Groups::start(
            Arc::<MemoryJournal>::clone(&journal),
            Arc::new(TestTopics),
            config,
            Arc::<ManualClock>::clone(&clock),
        );
        Self { groups, journal, clock }
    }

    /// Stops, and starts again on the same journal.
    async fn restart(self) -> Self {
        self.groups.shutdown().await;
        let next = Self::on(self.journal, config());
        next.groups.loaded().await;
        next
    }

    async fn join(&self, request: JoinGroupRequest, version: i16) -> JoinGroupResponse {
        self.groups.join_group(request, version, &client()).await
    }

    async fn sync(&self, request: SyncGroupRequest) -> SyncGroupResponse {
        self.groups.sync_group(request, 5, &client()).await
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

    /// A group "g" with one member that has its assignment; answers the member's id. Generation 1.
    async fn one_member(&self) -> String {
        let joined = self.join(join_request(""), 3).await;
        assert_eq!(joined.error_code, 0);
        let synced = self.sync(sync_request(&joined.member_id, 1, &[&joined.member_id])).await;
        assert_eq!(synced.error_code, 0);
        joined.member_id
    }

    async fn commit(&self, request: OffsetCommitRequest, version: i16) -> Vec<(String, i32, i16)> {
        let response = self.groups.offset_commit(request, version, &client()).await;
        let topics = response.topics.into_iter();
        topics
            .flat_map(|topic| {
                topic.partitions.into_iter().map(move |partition| {
                    (topic.name.clone(), partition.partition_index, partition.error_code)
                })
            })
            .collect()
    }

    /// The code of a commit of `offset` for partition 0 of "t" without a generation.
    async fn commit_simply(&self, group: &str, offset: i64) -> i16 {
        let codes = self.commit(commit_request(group, "", -1, &[("t", 0, offset)]), 8).await;
        codes[0].2
    }

    /// All offsets of a group as (topic, partition, offset).
    async fn offsets(&self, group: &str) -> Vec<(String, i32, i64)> {
        let request =
            OffsetFetchRequest { group_id: group.to_owned(), topics: None, ..OffsetFetchRequest::default() };
        let response = self.groups.offset_fetch(request, 7, &client()).await;
        assert_eq!(response.error_code, 0);
        let topics = response.topics.into_iter();
        topics
            .flat_map(|topic| {
                topic.partitions.into_iter().map(move |partition| {
                    (topic.name.clone(), partition.partition_index, partition.committed_offset)
                })
            })
            .collect()
    }

    async fn state(&self, group: &str) -> String {
        let request =
            DescribeGroupsRequest { groups: vec![group.to_owned()], ..DescribeGroupsRequest::default() };
        self.groups.describe_groups(request, 5, &client()).await.groups[0].group_state.clone()
    }

    /// Waits until no group but those in `names` is left.
    async fn wait_for_groups(&self, names: &[&str]) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let ids = self.groups.ids();
            if ids.iter().map(AsRef::as_ref).eq(names.iter().copied()) {
                return;
            }
            assert!(Instant::now() < deadline, "{ids:?} instead of {names:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// Waits until the journal has seen `count` appends.
    async fn wait_for_appends(&self, count: u64) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.journal.appends() < count {
            assert!(Instant::now() < deadline, "{} appends", self.journal.appends());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

fn join_request(member_id: &str) -> JoinGroupRequest {
    let metadata = subscription(&["t"]);
    JoinGroupRequest {
        group_id: "g".to_owned(),
        session_timeout_ms: 10_000,
        rebalance_timeout_ms: 30_000,
        member_id: member_id.to_owned(),
        protocol_type: "consumer".to_owned(),
        protocols: vec![JoinGroupRequestProtocol { name: "range".to_owned(), metadata }],
        ..JoinGroupRequest::default()
    }
}

/// A consumer's subscription, version 0.
fn subscription(topics: &[&str]) -> Bytes {
    let mut bytes = vec![0, 0];
    bytes.extend(u32::try_from(topics.len()).unwrap().to_be_bytes());
    for topic in topics {
        bytes.extend(u16::try_from(topic.len()).unwrap().to_be_bytes());
        bytes.extend(topic.as_bytes());
    }
    bytes.extend((-1_i32).to_be_bytes());
    bytes.into()
}

/// The assignment of every member is its own id.
fn sync_request(member_id: &str, generation_id: i32, members: &[&str]) -> SyncGroupRequest {
    let assignments = members.iter().map(|member| SyncGroupRequestAssignment {
        member_id: (*member).to_owned(),
        assignment: Bytes::copy_from_slice(member.as_bytes()),
    });
    SyncGroupRequest {
        group_id: "g".to_owned(),
        generation_id,
        member_id: member_id.to_owned(),
        assignments: assignments.collect(),
        ..SyncGroupRequest::default()
    }
}

fn commit_request(
    group: &str,
    member_id: &str,
    generation: i32,
    offsets: &[(&str, i32, i64)],
) -> OffsetCommitRequest {
    let topics = offsets.iter().map(|(topic, partition_index, committed_offset)| OffsetCommitRequestTopic {
        name: (*topic).to_owned(),
        partitions: vec![OffsetCommitRequestPartition {
            partition_index: *partition_index,
            committed_offset: *committed_offset,
            committed_leader_epoch: 3,
            committed_metadata: Some("note".to_owned()),
        }],
        ..OffsetCommitRequestTopic::default()
    });
    OffsetCommitRequest {
        group_id: group.to_owned(),
        generation_id_or_member_epoch: generation,
        member_id: member_id.to_owned(),
        topics: topics.collect(),
        ..OffsetCommitRequest::default()
    }
}
