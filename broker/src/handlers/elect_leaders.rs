//! `ElectLeaders` (key 43): the one node already leads everything, so no election is ever needed.

use crate::authorizer::Operation;
use crate::dispatch::Context;
use crate::protocol::ErrorCode;
use crate::protocol::messages::elect_leaders::{PartitionResult, ReplicaElectionResult};
use crate::protocol::messages::{ElectLeadersRequest, ElectLeadersResponse};

pub(crate) async fn handle(context: &Context, request: ElectLeadersRequest) -> ElectLeadersResponse {
    if !context.access.allows_cluster(Operation::Alter) {
        let error_code = ErrorCode::ClusterAuthorizationFailed.code();
        return ElectLeadersResponse { error_code, ..Default::default() };
    }
    let Some(wanted) = request.topic_partitions else {
        // asked for all partitions, Kafka lists only those that an election was held for
        return ElectLeadersResponse::default();
    };
    let results = wanted.into_iter().map(|topic| {
        let found = context.broker.topics().get(&topic.topic);
        let partitions = topic.partitions.into_iter().map(|partition_id| {
            let exists = found.as_ref().is_some_and(|found| found.partition(partition_id).is_some());
            let (code, message) = if exists {
                (ErrorCode::ElectionNotNeeded, "Leader election not needed for topic partition.")
            } else {
                (ErrorCode::UnknownTopicOrPartition, "The partition does not exist.")
            };
            PartitionResult { partition_id, error_code: code.code(), error_message: Some(message.to_owned()) }
        });
        ReplicaElectionResult { partition_result: partitions.collect(), topic: topic.topic }
    });
    ElectLeadersResponse { replica_election_results: results.collect(), ..Default::default() }
}
