//! `OffsetForLeaderEpoch` (key 23): where an epoch ends, for clients that check whether their log is still ours.

use crate::authorizer::{Operation, ResourceType};
use crate::dispatch::Context;
use crate::handlers::fetch::check_epoch;
use crate::protocol::ErrorCode;
use crate::protocol::messages::offset_for_leader_epoch::{
    EpochEndOffset, OffsetForLeaderPartition, OffsetForLeaderTopicResult,
};
use crate::protocol::messages::{OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse};
use crate::topics::Topic;

pub(crate) async fn handle(
    context: &Context,
    request: OffsetForLeaderEpochRequest,
) -> OffsetForLeaderEpochResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let allowed = context.access.check(Operation::Describe, ResourceType::Topic, &topic.topic);
        let found = context.broker.topics().get(&topic.topic);
        let partitions = topic.partitions.iter().map(|wanted| {
            let answer = EpochEndOffset { partition: wanted.partition, ..Default::default() };
            match allowed.and_then(|()| find(found.as_deref(), wanted)) {
                Ok(Some((leader_epoch, end_offset))) => EpochEndOffset { leader_epoch, end_offset, ..answer },
                Ok(None) => answer,
                Err(code) => EpochEndOffset { error_code: code.code(), ..answer },
            }
        });
        OffsetForLeaderTopicResult { partitions: partitions.collect(), topic: topic.topic }
    });
    OffsetForLeaderEpochResponse { topics: topics.collect(), ..Default::default() }
}

fn find(topic: Option<&Topic>, wanted: &OffsetForLeaderPartition) -> Result<Option<(i32, i64)>, ErrorCode> {
    let partition = topic.and_then(|topic| topic.partition(wanted.partition));
    let partition = partition.ok_or(ErrorCode::UnknownTopicOrPartition)?;
    check_epoch(&partition, wanted.current_leader_epoch)?;
    Ok(partition.epoch_end_offset(wanted.leader_epoch))
}
