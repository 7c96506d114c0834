//! `ListOffsets` (key 2): the special timestamps, or the first record at or after a timestamp.

use std::sync::Arc;

use crate::authorizer::{Operation, ResourceType};
use crate::dispatch::Context;
use crate::error::read_error_code;
use crate::handlers::fetch::check_epoch;
use crate::partition::{Isolation, Partition};
use crate::protocol::ErrorCode;
use crate::protocol::messages::list_offsets::{
    ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsTopicResponse,
};
use crate::protocol::messages::{ListOffsetsRequest, ListOffsetsResponse};

const LATEST: i64 = -1;
const EARLIEST: i64 = -2;
const MAX_TIMESTAMP: i64 = -3;
const EARLIEST_LOCAL: i64 = -4;
/// Nothing is kept in another tier, so there is no such offset.
const LATEST_TIERED: i64 = -5;

pub(crate) async fn handle(context: &Context, request: ListOffsetsRequest) -> ListOffsetsResponse {
    let isolation =
        if request.isolation_level == 1 { Isolation::ReadCommitted } else { Isolation::ReadUncommitted };
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let allowed = context.access.allows(Operation::Describe, ResourceType::Topic, &topic.name);
        let found = context.broker.topics().get(&topic.name);
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for wanted in topic.partitions {
            let partition = found.as_ref().and_then(|topic| topic.partition(wanted.partition_index));
            let partition = match partition {
                _ if !allowed => Err(ErrorCode::TopicAuthorizationFailed),
                Some(partition) => Ok(partition),
                None => Err(ErrorCode::UnknownTopicOrPartition),
            };
            partitions.push(answer(partition, &wanted, isolation).await);
        }
        topics.push(ListOffsetsTopicResponse { name: topic.name, partitions });
    }
    ListOffsetsResponse { topics, ..Default::default() }
}

async fn answer(
    partition: Result<Arc<Partition>, ErrorCode>,
    wanted: &ListOffsetsPartition,
    isolation: Isolation,
) -> ListOffsetsPartitionResponse {
    let found = match partition {
        Ok(partition) => find(&partition, wanted, isolation).await,
        Err(code) => Err(code),
    };
    let partition_index = wanted.partition_index;
    match found {
        Ok((timestamp, offset, leader_epoch)) => ListOffsetsPartitionResponse {
            partition_index,
            timestamp,
            offset,
            leader_epoch,
            ..Default::default()
        },
        Err(code) => {
            ListOffsetsPartitionResponse { partition_index, error_code: code.code(), ..Default::default() }
        }
    }
}

/// Timestamp, offset and leader epoch.
async fn find(
    partition: &Arc<Partition>,
    wanted: &ListOffsetsPartition,
    isolation: Isolation,
) -> Result<(i64, i64, i32), ErrorCode> {
    check_epoch(partition, wanted.current_leader_epoch)?;
    let epoch = partition.leader_epoch();
    let end = match isolation {
        Isolation::ReadUncommitted => partition.high_watermark(),
        Isolation::ReadCommitted => partition.last_stable_offset(),
    };
    let found = match wanted.timestamp {
        LATEST => return Ok((-1, end, epoch)),
        EARLIEST | EARLIEST_LOCAL => return Ok((-1, partition.log_start_offset(), epoch)),
        LATEST_TIERED => return Ok((-1, -1, -1)),
        MAX_TIMESTAMP => partition.max_timestamp(isolation).await,
        timestamp if timestamp >= 0 => partition.offset_for_timestamp(timestamp, isolation).await,
        _ => return Err(ErrorCode::InvalidRequest),
    };
    match found {
        Ok(Some(found)) => Ok((found.timestamp_ms, found.offset, found.leader_epoch)),
        Ok(None) => Ok((-1, -1, -1)),
        Err(error) => Err(read_error_code(&error)),
    }
}
