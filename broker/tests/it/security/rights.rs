//! What each right opens, request by request.

use assay_broker::protocol::messages::*;

use super::{AUTHORIZER, guarded, login, rule};
use crate::client::Client;

/// The name of the response and the code that it carries.
macro_rules! code {
    ($client:ident, $request:expr, $version:literal, $response:ident, |$answer:ident| $code:expr) => {{
        let $answer: $response = $client.call(&$request, $version).await;
        (stringify!($response), i32::from($code))
    }};
}

async fn config_codes(client: &mut Client, resource_type: i8, name: &str) -> Vec<(&'static str, i32)> {
    let resource_name = || name.to_owned();
    let mut codes = Vec::new();
    let resource = describe_configs::DescribeConfigsResource {
        resource_type,
        resource_name: resource_name(),
        configuration_keys: None,
    };
    let request = DescribeConfigsRequest { resources: vec![resource], ..Default::default() };
    codes.push(code!(client, request, 4, DescribeConfigsResponse, |answer| answer.results[0].error_code));
    let resource = incremental_alter_configs::AlterConfigsResource {
        resource_type,
        resource_name: resource_name(),
        configs: Vec::new(),
    };
    let request = IncrementalAlterConfigsRequest { resources: vec![resource], ..Default::default() };
    codes.push(code!(client, request, 1, IncrementalAlterConfigsResponse, |answer| {
        answer.responses[0].error_code
    }));
    let resource = alter_configs::AlterConfigsResource {
        resource_type,
        resource_name: resource_name(),
        configs: Vec::new(),
    };
    let request = AlterConfigsRequest { resources: vec![resource], ..Default::default() };
    codes.push(code!(client, request, 2, AlterConfigsResponse, |answer| answer.responses[0].error_code));
    codes
}

async fn topic_codes(client: &mut Client) -> Vec<(&'static str, i32)> {
    let name = || "orders".to_owned();
    let mut codes = config_codes(client, 2, "orders").await;
    let topics = Some(vec![metadata::MetadataRequestTopic { name: Some(name()), ..Default::default() }]);
    let request = MetadataRequest { topics, ..Default::default() };
    codes.push(code!(client, request, 12, MetadataResponse, |answer| answer.topics[0].error_code));
    let topic = create_topics::CreatableTopic { name: name(), num_partitions: 1, ..Default::default() };
    let request = CreateTopicsRequest { topics: vec![topic], ..Default::default() };
    codes.push(code!(client, request, 7, CreateTopicsResponse, |answer| answer.topics[0].error_code));
    let topic = create_partitions::CreatePartitionsTopic { name: name(), ..Default::default() };
    let request = CreatePartitionsRequest { topics: vec![topic], ..Default::default() };
    codes.push(code!(client, request, 3, CreatePartitionsResponse, |answer| answer.results[0].error_code));
    let partitions = vec![delete_records::DeleteRecordsPartition { partition_index: 0, offset: 0 }];
    let topics = vec![delete_records::DeleteRecordsTopic { name: name(), partitions }];
    let request = DeleteRecordsRequest { topics, ..Default::default() };
    codes.push(code!(client, request, 2, DeleteRecordsResponse, |answer| {
        answer.topics[0].partitions[0].error_code
    }));
    let topic = describe_topic_partitions::TopicRequest { name: name() };
    let request = DescribeTopicPartitionsRequest { topics: vec![topic], ..Default::default() };
    codes.push(code!(client, request, 0, DescribeTopicPartitionsResponse, |answer| {
        answer.topics[0].error_code
    }));
    let partitions = vec![offset_for_leader_epoch::OffsetForLeaderPartition::default()];
    let topic = offset_for_leader_epoch::OffsetForLeaderTopic { topic: name(), partitions };
    let request = OffsetForLeaderEpochRequest { topics: vec![topic], ..Default::default() };
    codes.push(code!(client, request, 4, OffsetForLeaderEpochResponse, |answer| {
        answer.topics[0].partitions[0].error_code
    }));
    let partitions = vec![list_offsets::ListOffsetsPartition { timestamp: -1, ..Default::default() }];
    let topics = vec![list_offsets::ListOffsetsTopic { name: name(), partitions }];
    let request = ListOffsetsRequest { topics, ..Default::default() };
    codes.push(code!(client, request, 7, ListOffsetsResponse, |answer| {
        answer.topics[0].partitions[0].error_code
    }));
    let partitions = vec![fetch::FetchPartition::default()];
    let topics = vec![fetch::FetchTopic { topic: name(), partitions, ..Default::default() }];
    let request = FetchRequest { topics, ..Default::default() };
    codes.push(code!(client, request, 11, FetchResponse, |answer| {
        answer.responses[0].partitions[0].error_code
    }));
    let topics = vec![delete_topics::DeleteTopicState { name: Some(name()), ..Default::default() }];
    let request = DeleteTopicsRequest { topics, ..Default::default() };
    codes.push(code!(client, request, 6, DeleteTopicsResponse, |answer| answer.responses[0].error_code));
    codes
}

async fn cluster_codes(client: &mut Client) -> Vec<(&'static str, i32)> {
    let mut codes = config_codes(client, 4, "1").await;
    let request = DescribeLogDirsRequest::default();
    codes.push(code!(client, request, 4, DescribeLogDirsResponse, |answer| answer.error_code));
    let request = ElectLeadersRequest::default();
    codes.push(code!(client, request, 2, ElectLeadersResponse, |answer| answer.error_code));
    let request = AlterPartitionReassignmentsRequest::default();
    codes.push(code!(client, request, 1, AlterPartitionReassignmentsResponse, |answer| answer.error_code));
    let request = UpdateFeaturesRequest::default();
    codes.push(code!(client, request, 2, UpdateFeaturesResponse, |answer| answer.error_code));
    let topics = vec![alter_replica_log_dirs::AlterReplicaLogDirTopic {
        name: "orders".to_owned(),
        partitions: vec![0],
    }];
    let dirs = vec![alter_replica_log_dirs::AlterReplicaLogDir { path: "/".to_owned(), topics }];
    let request = AlterReplicaLogDirsRequest { dirs };
    codes.push(code!(client, request, 2, AlterReplicaLogDirsResponse, |answer| {
        answer.results[0].partitions[0].error_code
    }));
    let request = DescribeClientQuotasRequest::default();
    codes.push(code!(client, request, 1, DescribeClientQuotasResponse, |answer| answer.error_code));
    let request = ListPartitionReassignmentsRequest::default();
    codes.push(code!(client, request, 0, ListPartitionReassignmentsResponse, |answer| answer.error_code));
    codes
}

async fn group_codes(client: &mut Client) -> Vec<(&'static str, i32)> {
    let group_id = || "readers".to_owned();
    let mut codes = Vec::new();
    let request = JoinGroupRequest { group_id: group_id(), session_timeout_ms: 10_000, ..Default::default() };
    codes.push(code!(client, request, 7, JoinGroupResponse, |answer| answer.error_code));
    let request = SyncGroupRequest { group_id: group_id(), ..Default::default() };
    codes.push(code!(client, request, 5, SyncGroupResponse, |answer| answer.error_code));
    let request = HeartbeatRequest { group_id: group_id(), ..Default::default() };
    codes.push(code!(client, request, 4, HeartbeatResponse, |answer| answer.error_code));
    let request = LeaveGroupRequest { group_id: group_id(), ..Default::default() };
    codes.push(code!(client, request, 5, LeaveGroupResponse, |answer| answer.error_code));
    let partitions =
        vec![offset_commit::OffsetCommitRequestPartition { committed_offset: 1, ..Default::default() }];
    let topic = offset_commit::OffsetCommitRequestTopic {
        name: "orders".to_owned(),
        partitions,
        ..Default::default()
    };
    let request = OffsetCommitRequest {
        group_id: group_id(),
        generation_id_or_member_epoch: -1,
        topics: vec![topic],
        ..Default::default()
    };
    codes.push(code!(client, request, 8, OffsetCommitResponse, |answer| {
        answer.topics[0].partitions[0].error_code
    }));
    let wanted = offset_fetch::OffsetFetchRequestGroup { group_id: group_id(), ..Default::default() };
    let request = OffsetFetchRequest { groups: vec![wanted], ..Default::default() };
    codes.push(code!(client, request, 8, OffsetFetchResponse, |answer| answer.groups[0].error_code));
    let request = OffsetDeleteRequest { group_id: group_id(), topics: Vec::new() };
    codes.push(code!(client, request, 0, OffsetDeleteResponse, |answer| answer.error_code));
    let request = DescribeGroupsRequest { groups: vec![group_id()], ..Default::default() };
    codes.push(code!(client, request, 5, DescribeGroupsResponse, |answer| answer.groups[0].error_code));
    let request = ConsumerGroupDescribeRequest { group_ids: vec![group_id()], ..Default::default() };
    codes.push(code!(client, request, 0, ConsumerGroupDescribeResponse, |answer| {
        answer.groups[0].error_code
    }));
    let request = ConsumerGroupHeartbeatRequest {
        group_id: group_id(),
        member_id: "m".to_owned(),
        ..Default::default()
    };
    codes.push(code!(client, request, 1, ConsumerGroupHeartbeatResponse, |answer| answer.error_code));
    let request = DeleteGroupsRequest { groups_names: vec![group_id()] };
    codes.push(code!(client, request, 2, DeleteGroupsResponse, |answer| answer.results[0].error_code));
    codes
}

#[tokio::test]
async fn whoever_has_no_right_is_refused_everywhere() {
    let broker = guarded(&AUTHORIZER).await;
    let mut ann = login(&broker, "ann", "secret").await;
    ann.topic("orders").await;
    let mut bob = login(&broker, "bob", "other").await;
    let all = MetadataRequest { topics: None, ..Default::default() };
    let seen: MetadataResponse = bob.call(&all, 12).await;
    assert!(seen.topics.is_empty(), "{seen:?}");
    for (response, code) in topic_codes(&mut bob).await {
        assert_eq!(code, 29, "{response}");
    }
    for (response, code) in group_codes(&mut bob).await {
        assert_eq!(code, 30, "{response}");
    }
    for (response, code) in cluster_codes(&mut bob).await {
        assert_eq!(code, 31, "{response}");
    }
    let mut allowed = group_codes(&mut ann).await;
    allowed.extend(cluster_codes(&mut ann).await);
    allowed.extend(topic_codes(&mut ann).await);
    for (response, code) in allowed {
        assert!(!(29..=31).contains(&code), "{response} says {code} to a super user");
    }
}

#[tokio::test]
async fn a_right_opens_what_it_names_and_no_more() {
    let broker = guarded(&AUTHORIZER).await;
    let mut ann = login(&broker, "ann", "secret").await;
    ann.topic("orders").await;
    ann.topic("others").await;
    let creations = vec![rule("bob", 3, 2, "orders", 3), rule("bob", 3, 3, "readers", 3)];
    let made: CreateAclsResponse = ann.call(&CreateAclsRequest { creations }, 3).await;
    assert!(made.results.iter().all(|result| result.error_code == 0));
    let mut bob = login(&broker, "bob", "other").await;
    let request =
        MetadataRequest { topics: None, include_topic_authorized_operations: true, ..Default::default() };
    let seen: MetadataResponse = bob.call(&request, 12).await;
    let names: Vec<_> = seen.topics.iter().map(|topic| topic.name.as_deref()).collect();
    assert_eq!(names, [Some("orders")]);
    assert_eq!(seen.topics[0].topic_authorized_operations, 1 << 3 | 1 << 8);
    let codes = group_codes(&mut bob).await;
    let refused: Vec<_> =
        codes.iter().filter(|(_, code)| *code == 30).map(|(response, _)| *response).collect();
    assert_eq!(refused, ["OffsetDeleteResponse", "DeleteGroupsResponse"], "{codes:?}");
    let fresh = metadata::MetadataRequestTopic { name: Some("fresh".to_owned()), ..Default::default() };
    let request =
        MetadataRequest { topics: Some(vec![fresh]), allow_auto_topic_creation: true, ..Default::default() };
    let refused: MetadataResponse = bob.call(&request, 12).await;
    assert_eq!(refused.topics[0].error_code, 29);
    assert!(broker.broker.topics().get("fresh").is_none());
    // what is not there is not told apart from what may not be written
    let records = Some(crate::batches::batch(&[b"v"]));
    for topic in ["fresh", "others"] {
        let refused: ProduceResponse =
            bob.call(&crate::batches::produce(topic, -1, records.clone()), 9).await;
        assert_eq!(refused.responses[0].partition_responses[0].error_code, 29, "{topic}");
    }
    consumes_what_it_may_describe(&mut ann, &mut bob).await;
}

/// The consumer group protocol of somebody who may read "orders" alone.
async fn consumes_what_it_may_describe(ann: &mut Client, bob: &mut Client) {
    let join = |member: &str, topics: Option<&[&str]>, pattern: Option<&str>| ConsumerGroupHeartbeatRequest {
        group_id: "readers".to_owned(),
        member_id: member.to_owned(),
        rebalance_timeout_ms: 10_000,
        subscribed_topic_names: topics.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
        subscribed_topic_regex: pattern.map(str::to_owned),
        topic_partitions: Some(Vec::new()),
        ..Default::default()
    };
    let named: &[&str] = &["orders", "others"];
    let refused: ConsumerGroupHeartbeatResponse = bob.call(&join("b", Some(named), None), 1).await;
    assert_eq!(refused.error_code, 29);
    let joined: ConsumerGroupHeartbeatResponse = bob.call(&join("b", None, Some(".*")), 1).await;
    assert_eq!(joined.assignment.map(|assigned| assigned.topic_partitions.len()), Some(1));
    let request =
        ConsumerGroupDescribeRequest { group_ids: vec!["readers".to_owned()], ..Default::default() };
    let shown: ConsumerGroupDescribeResponse = bob.call(&request, 1).await;
    assert_eq!((shown.groups[0].error_code, shown.groups[0].members.len()), (0, 1));
    let joined: ConsumerGroupHeartbeatResponse = ann.call(&join("a", Some(named), None), 1).await;
    assert_eq!(joined.error_code, 0);
    let shown: ConsumerGroupDescribeResponse = bob.call(&request, 1).await;
    assert_eq!((shown.groups[0].error_code, shown.groups[0].members.len()), (29, 0));
}
