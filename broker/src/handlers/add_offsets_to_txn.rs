//! `AddOffsetsToTxn` (key 25): the partition of `__consumer_offsets` that holds the group becomes part of the transaction. 2 brings
//! the code 90 for a fenced producer (47 before).

use std::collections::BTreeSet;

use crate::authorizer::{Operation, ResourceType};
use crate::dispatch::Context;
use crate::groups::OFFSETS_TOPIC;
use crate::protocol::ErrorCode;
use crate::protocol::messages::{AddOffsetsToTxnRequest, AddOffsetsToTxnResponse};
use crate::transactions::{Producer, TopicPartitions, fenced_code};

/// First version with a code of its own for a fenced producer.
const FENCED_SINCE: i16 = 2;

pub(crate) async fn handle(context: &Context, request: AddOffsetsToTxnRequest) -> AddOffsetsToTxnResponse {
    let code = add(context, &request).await.err().unwrap_or(ErrorCode::None);
    let error_code = fenced_code(code, context.version, FENCED_SINCE).code();
    AddOffsetsToTxnResponse { error_code, ..Default::default() }
}

async fn add(context: &Context, request: &AddOffsetsToTxnRequest) -> Result<(), ErrorCode> {
    let id = &request.transactional_id;
    if !context.access.allows(Operation::Write, ResourceType::TransactionalId, id) {
        return Err(ErrorCode::TransactionalIdAuthorizationFailed);
    }
    if !context.access.allows(Operation::Read, ResourceType::Group, &request.group_id) {
        return Err(ErrorCode::GroupAuthorizationFailed);
    }
    let groups = context.broker.groups();
    groups.ensure_topic().await?;
    let partition = groups.partition_of(&request.group_id);
    let partitions = TopicPartitions::from([(OFFSETS_TOPIC.to_owned(), BTreeSet::from([partition]))]);
    let producer = Producer { id: request.producer_id, epoch: request.producer_epoch };
    context.broker.transactions().add(id, producer, partitions).await
}
