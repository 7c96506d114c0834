//! `ListPartitionReassignments` (key 46): on one node nothing is ever on the move.

use crate::authorizer::Operation;
use crate::dispatch::Context;
use crate::error::denied;
use crate::protocol::ErrorCode;
use crate::protocol::messages::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse};

pub(crate) async fn handle(
    context: &Context,
    _: ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    if context.access.allows_cluster(Operation::Describe) {
        return ListPartitionReassignmentsResponse::default();
    }
    let (code, message) = denied(ErrorCode::ClusterAuthorizationFailed);
    ListPartitionReassignmentsResponse {
        error_code: code.code(),
        error_message: Some(message),
        ..Default::default()
    }
}
