//! Committed offsets frame by frame, in every version.

use assay_broker::protocol::messages::offset_commit::{
    OffsetCommitRequestPartition, OffsetCommitRequestTopic,
};
use assay_broker::protocol::messages::offset_fetch::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};
use assay_broker::protocol::messages::{
    ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, ConsumerGroupHeartbeatRequest,
    ConsumerGroupHeartbeatResponse, OffsetCommitRequest, OffsetCommitResponse, OffsetFetchRequest,
    OffsetFetchResponse,
};
use uuid::Uuid;

use crate::client::{Client, TestBroker};

fn commit(topic: &str, id: Uuid, offset: i64) -> OffsetCommitRequest {
    let partition = OffsetCommitRequestPartition { committed_offset: offset, ..Default::default() };
    OffsetCommitRequest {
        group_id: "g".to_owned(),
        generation_id_or_member_epoch: -1,
        topics: vec![OffsetCommitRequestTopic {
            name: topic.to_owned(),
            topic_id: id,
            partitions: vec![partition],
        }],
        ..Default::default()
    }
}

fn fetch(group: &str, topic: &str, id: Uuid) -> OffsetFetchRequest {
    let old = OffsetFetchRequestTopic { name: topic.to_owned(), partition_indexes: vec![0] };
    let topics =
        OffsetFetchRequestTopics { name: topic.to_owned(), topic_id: id, partition_indexes: vec![0] };
    let wanted = OffsetFetchRequestGroup {
        group_id: group.to_owned(),
        topics: Some(vec![topics]),
        ..Default::default()
    };
    OffsetFetchRequest {
        group_id: group.to_owned(),
        topics: Some(vec![old]),
        groups: vec![wanted],
        ..Default::default()
    }
}

/// The offset of partition 0 that a group has committed; -1 for none.
pub(crate) async fn committed(client: &mut Client, group: &str, topic: &str) -> i64 {
    let answer: OffsetFetchResponse = client.call(&fetch(group, topic, Uuid::nil()), 9).await;
    answer.groups[0].topics[0].partitions[0].committed_offset
}

#[tokio::test]
async fn every_served_version_commits_and_fetches() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    let id = client.topic("t").await.topics[0].topic_id;
    for version in 2..=10 {
        let offset = i64::from(version);
        let answer: OffsetCommitResponse = client.call(&commit("t", id, offset), version).await;
        let topic = &answer.topics[0];
        assert_eq!(topic.partitions[0].error_code, 0, "version {version}");
        let named = (topic.name.as_str(), topic.topic_id);
        assert_eq!(named, if version >= 10 { ("", id) } else { ("t", Uuid::nil()) });
        let answer: OffsetFetchResponse = client.call(&fetch("g", "t", id), version).await;
        let found = if version >= 8 {
            let topic = &answer.groups[0].topics[0];
            let named = (topic.name.as_str(), topic.topic_id);
            assert_eq!(named, if version >= 10 { ("", id) } else { ("t", Uuid::nil()) });
            topic.partitions[0].committed_offset
        } else {
            answer.topics[0].partitions[0].committed_offset
        };
        assert_eq!(found, offset, "version {version}");
    }
}

#[tokio::test]
async fn a_topic_id_that_nothing_has_is_told() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    client.topic("t").await;
    let nobody = Uuid::from_u128(7);
    let answer: OffsetCommitResponse = client.call(&commit("", nobody, 1), 10).await;
    let topic = &answer.topics[0];
    assert_eq!((topic.topic_id, topic.partitions[0].error_code), (nobody, 100));
    let answer: OffsetFetchResponse = client.call(&fetch("g", "", nobody), 10).await;
    let topic = &answer.groups[0].topics[0];
    assert_eq!((topic.topic_id, topic.partitions[0].error_code), (nobody, 100));
    // all topics of the group, each by its id
    let answer: OffsetCommitResponse = client.call(&commit("t", nobody, 3), 9).await;
    assert_eq!(answer.topics[0].partitions[0].error_code, 0);
    let mut all = fetch("g", "", nobody);
    all.groups[0].topics = None;
    let answer: OffsetFetchResponse = client.call(&all, 10).await;
    let topic = &answer.groups[0].topics[0];
    assert_eq!((topic.topic_id.is_nil(), topic.partitions[0].committed_offset), (false, 3));
}

#[tokio::test]
async fn a_pattern_matches_internal_topics_too() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    for topic in ["t", "__consumer_offsets"] {
        client.topic(topic).await;
    }
    for (pattern, partitions) in [("t|__consumer_.*", 51), ("[^_].*", 1)] {
        let join = ConsumerGroupHeartbeatRequest {
            group_id: pattern.to_owned(),
            member_id: "m".to_owned(),
            rebalance_timeout_ms: 10_000,
            subscribed_topic_regex: Some(pattern.to_owned()),
            topic_partitions: Some(Vec::new()),
            ..Default::default()
        };
        let joined: ConsumerGroupHeartbeatResponse = client.call(&join, 1).await;
        let assigned = joined.assignment.unwrap().topic_partitions;
        assert_eq!(
            assigned.iter().map(|topic| topic.partitions.len()).sum::<usize>(),
            partitions,
            "{pattern}"
        );
    }
}

#[tokio::test]
async fn a_group_without_a_name_cannot_be_described() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    let request = ConsumerGroupDescribeRequest {
        group_ids: vec![String::new(), "nobody".to_owned()],
        ..Default::default()
    };
    let answer: ConsumerGroupDescribeResponse = client.call(&request, 1).await;
    let codes: Vec<i16> = answer.groups.iter().map(|group| group.error_code).collect();
    assert_eq!(codes, [24, 69]);
}
