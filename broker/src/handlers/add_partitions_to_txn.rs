//! `AddPartitionsToTxn` (key 24, versions 0 to 3; 4 and 5 are spoken between brokers).
//!
//! All partitions of a request are added, or none: when one cannot be, the others get 55. 2 brings the code 90 for a fenced
//! producer (47 before).

use crate::authorizer::{Operation, ResourceType};
use crate::dispatch::Context;
use crate::protocol::ErrorCode;
use crate::protocol::messages::add_partitions_to_txn::{
    AddPartitionsToTxnPartitionResult, AddPartitionsToTxnTopic, AddPartitionsToTxnTopicResult,
};
use crate::protocol::messages::{AddPartitionsToTxnRequest, AddPartitionsToTxnResponse};
use crate::transactions::{Producer, TopicPartitions, fenced_code};

/// First version with a code of its own for a fenced producer.
const FENCED_SINCE: i16 = 2;

pub(crate) async fn handle(
    context: &Context,
    request: AddPartitionsToTxnRequest,
) -> AddPartitionsToTxnResponse {
    let topics = request.v3_and_below_topics;
    let transactional_id = request.v3_and_below_transactional_id;
    let producer =
        Producer { id: request.v3_and_below_producer_id, epoch: request.v3_and_below_producer_epoch };
    if !context.access.allows(Operation::Write, ResourceType::TransactionalId, &transactional_id) {
        return answer(topics, |_, _| ErrorCode::TransactionalIdAuthorizationFailed);
    }
    let refused = |topic: &str, partition: i32| refusal(context, topic, partition);
    let any_refused = topics
        .iter()
        .any(|topic| topic.partitions.iter().any(|partition| refused(&topic.name, *partition).is_some()));
    if any_refused {
        return answer(topics, |topic, partition| {
            refused(topic, partition).unwrap_or(ErrorCode::OperationNotAttempted)
        });
    }
    let mut partitions = TopicPartitions::new();
    for topic in &topics {
        partitions.entry(topic.name.clone()).or_default().extend(&topic.partitions);
    }
    let outcome = context.broker.transactions().add(&transactional_id, producer, partitions).await;
    let code = fenced_code(outcome.err().unwrap_or(ErrorCode::None), context.version, FENCED_SINCE);
    answer(topics, |_, _| code)
}

/// Why a partition cannot be part of this client's transaction.
fn refusal(context: &Context, topic: &str, partition: i32) -> Option<ErrorCode> {
    let internal = crate::topics::is_internal(topic);
    if internal || !context.access.allows(Operation::Write, ResourceType::Topic, topic) {
        return Some(ErrorCode::TopicAuthorizationFailed);
    }
    let known = context.broker.topics().get(topic).and_then(|topic| topic.partition(partition));
    known.is_none().then_some(ErrorCode::UnknownTopicOrPartition)
}

fn answer(
    topics: Vec<AddPartitionsToTxnTopic>,
    code: impl Fn(&str, i32) -> ErrorCode,
) -> AddPartitionsToTxnResponse {
    let results = topics.into_iter().map(|AddPartitionsToTxnTopic { name, partitions }| {
        let results = partitions.into_iter().map(|partition_index| AddPartitionsToTxnPartitionResult {
            partition_index,
            partition_error_code: code(&name, partition_index).code(),
        });
        let results_by_partition = results.collect();
        AddPartitionsToTxnTopicResult { name, results_by_partition }
    });
    AddPartitionsToTxnResponse { results_by_topic_v3_and_below: results.collect(), ..Default::default() }
}
