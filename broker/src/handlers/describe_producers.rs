//! `DescribeProducers` (key 61): the producers that partitions remember, and their open transactions (KIP-664).

use crate::authorizer::{Operation, ResourceType};
use crate::dispatch::Context;
use crate::partition::Partition;
use crate::protocol::ErrorCode;
use crate::protocol::messages::describe_producers::{PartitionResponse, ProducerState, TopicResponse};
use crate::protocol::messages::{DescribeProducersRequest, DescribeProducersResponse};

pub(crate) async fn handle(
    context: &Context,
    request: DescribeProducersRequest,
) -> DescribeProducersResponse {
    let topics = request.topics.into_iter().map(|topic| {
        let allowed = context.access.allows(Operation::Read, ResourceType::Topic, &topic.name);
        let found = context.broker.topics().get(&topic.name);
        let partitions = topic.partition_indexes.into_iter().map(|partition_index| {
            if !allowed {
                return refused(partition_index, ErrorCode::TopicAuthorizationFailed);
            }
            match found.as_ref().and_then(|topic| topic.partition(partition_index)) {
                Some(partition) => describe(&partition),
                None => refused(partition_index, ErrorCode::UnknownTopicOrPartition),
            }
        });
        let partitions = partitions.collect();
        TopicResponse { name: topic.name, partitions }
    });
    DescribeProducersResponse { topics: topics.collect(), ..Default::default() }
}

fn refused(partition_index: i32, code: ErrorCode) -> PartitionResponse {
    PartitionResponse { partition_index, error_code: code.code(), ..Default::default() }
}

fn describe(partition: &Partition) -> PartitionResponse {
    let producers = partition.producers().into_iter().map(|(producer_id, producer)| ProducerState {
        producer_id,
        producer_epoch: producer.epoch.into(),
        last_sequence: producer.window.back().map_or(-1, |mark| mark.last_sequence),
        last_timestamp: producer.last_timestamp_ms,
        coordinator_epoch: producer.coordinator_epoch,
        current_txn_start_offset: producer.transaction_first_offset.unwrap_or(-1),
    });
    PartitionResponse {
        partition_index: partition.index(),
        active_producers: producers.collect(),
        ..Default::default()
    }
}
