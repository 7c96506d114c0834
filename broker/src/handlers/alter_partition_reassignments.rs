//! `AlterPartitionReassignments` (key 45): every partition is on this node and stays there, so only what changes nothing is
//! accepted.

use crate::authorizer::Operation;
use crate::dispatch::Context;
use crate::error::denied;
use crate::protocol::ErrorCode;
use crate::protocol::messages::alter_partition_reassignments::{
    ReassignablePartition, ReassignablePartitionResponse, ReassignableTopicResponse,
};
use crate::protocol::messages::{AlterPartitionReassignmentsRequest, AlterPartitionReassignmentsResponse};

pub(crate) async fn handle(
    context: &Context,
    request: AlterPartitionReassignmentsRequest,
) -> AlterPartitionReassignmentsResponse {
    if !context.access.allows_cluster(Operation::Alter) {
        let (code, message) = denied(ErrorCode::ClusterAuthorizationFailed);
        return AlterPartitionReassignmentsResponse {
            error_code: code.code(),
            error_message: Some(message),
            ..Default::default()
        };
    }
    let node_id = context.broker.config().node_id;
    let responses = request.topics.into_iter().map(|topic| {
        let found = context.broker.topics().get(&topic.name);
        let partitions = topic.partitions.iter().map(|partition| {
            let exists =
                found.as_ref().is_some_and(|found| found.partition(partition.partition_index).is_some());
            let refused = if exists {
                check(partition, node_id).err()
            } else {
                let message = format!(
                    "Unable to find topic or partition {}:{}.",
                    topic.name, partition.partition_index
                );
                Some((ErrorCode::UnknownTopicOrPartition, message))
            };
            let (code, error_message) =
                refused.map_or((ErrorCode::None, None), |(code, text)| (code, Some(text)));
            ReassignablePartitionResponse {
                partition_index: partition.partition_index,
                error_code: code.code(),
                error_message,
            }
        });
        ReassignableTopicResponse { partitions: partitions.collect(), name: topic.name }
    });
    AlterPartitionReassignmentsResponse {
        allow_replication_factor_change: request.allow_replication_factor_change,
        responses: responses.collect(),
        ..Default::default()
    }
}

/// Whether a partition of this node may be put on the wanted replicas.
fn check(partition: &ReassignablePartition, node_id: i32) -> Result<(), (ErrorCode, String)> {
    let Some(replicas) = &partition.replicas else {
        return Err((
            ErrorCode::NoReassignmentInProgress,
            "No partition reassignment is in progress.".to_owned(),
        ));
    };
    let message = match replicas.as_slice() {
        [only] if *only == node_id => return Ok(()),
        [] => "The manual partition assignment includes an empty replica list.".to_owned(),
        [first, rest @ ..] if rest.contains(first) => {
            format!("The manual partition assignment includes the broker {first} more than once.")
        }
        several => {
            let other = several.iter().find(|id| **id != node_id).unwrap_or(&node_id);
            format!(
                "The manual partition assignment includes broker {other}, but no such broker is registered."
            )
        }
    };
    Err((ErrorCode::InvalidReplicaAssignment, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_node_alone_may_hold_a_partition() {
        let code = |replicas: Option<&[i32]>| {
            let replicas = replicas.map(<[i32]>::to_vec);
            check(&ReassignablePartition { replicas, ..Default::default() }, 1).err().map(|(code, _)| code)
        };
        assert_eq!(code(Some(&[1])), None);
        assert_eq!(code(None), Some(ErrorCode::NoReassignmentInProgress));
        for other in [&[][..], &[2], &[1, 2], &[2, 1], &[1, 1], &[-1]] {
            assert_eq!(code(Some(other)), Some(ErrorCode::InvalidReplicaAssignment), "{other:?}");
        }
    }
}
