//! `DescribeQuorum` (key 55): this node is the quorum. Its metadata is no log with offsets; it is always complete.

use uuid::Uuid;

use crate::authorizer::Operation;
use crate::dispatch::Context;
use crate::protocol::ErrorCode;
use crate::protocol::messages::describe_quorum::{Listener, Node, PartitionData, ReplicaState, TopicData};
use crate::protocol::messages::{DescribeQuorumRequest, DescribeQuorumResponse};

/// The topic that Kafka keeps its metadata in.
const METADATA_TOPIC: &str = "__cluster_metadata";
/// The one epoch of the one leader there can be.
const LEADER_EPOCH: i32 = 1;

pub(crate) async fn handle(context: &Context, request: DescribeQuorumRequest) -> DescribeQuorumResponse {
    if !context.access.allows_cluster(Operation::Describe) {
        let error_code = ErrorCode::ClusterAuthorizationFailed.code();
        return DescribeQuorumResponse { error_code, ..Default::default() };
    }
    let (node_id, now_ms) = (context.broker.config().node_id, context.broker.transactions().now_ms());
    let voter = ReplicaState {
        replica_id: node_id,
        replica_directory_id: Uuid::from_bytes(context.broker.topics().directory_id().bytes()),
        log_end_offset: 0,
        last_fetch_timestamp: now_ms,
        last_caught_up_timestamp: now_ms,
    };
    let topics = request.topics.into_iter().map(|topic| {
        let is_metadata = topic.topic_name == METADATA_TOPIC;
        let partitions = topic.partitions.into_iter().map(|partition| {
            let partition_index = partition.partition_index;
            if !is_metadata || partition_index != 0 {
                let error_code = ErrorCode::UnknownTopicOrPartition.code();
                return PartitionData { partition_index, error_code, leader_id: -1, ..Default::default() };
            }
            PartitionData {
                leader_id: node_id,
                leader_epoch: LEADER_EPOCH,
                current_voters: vec![voter.clone()],
                ..Default::default()
            }
        });
        TopicData { partitions: partitions.collect(), topic_name: topic.topic_name }
    });
    let advertised = context.connection.advertised();
    let name = context.connection.listener.name.clone();
    let listener = Listener { name, host: advertised.host, port: advertised.port };
    let nodes = vec![Node { node_id, listeners: vec![listener] }];
    DescribeQuorumResponse { topics: topics.collect(), nodes, ..Default::default() }
}
