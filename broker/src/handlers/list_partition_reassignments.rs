//! `ListPartitionReassignments` (key 46): on one node nothing is ever on the move.

use crate::dispatch::Context;
use crate::protocol::messages::{ListPartitionReassignmentsRequest, ListPartitionReassignmentsResponse};

pub(crate) async fn handle(
    _: &Context,
    _: ListPartitionReassignmentsRequest,
) -> ListPartitionReassignmentsResponse {
    ListPartitionReassignmentsResponse::default()
}
