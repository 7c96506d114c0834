//! `DeleteRecords` (key 21): moves the log start up, durably; -1 stands for the high watermark.

use crate::authorizer::{Operation, ResourceType};
use crate::dispatch::Context;
use crate::partition::DeleteRecordsError;
use crate::protocol::ErrorCode;
use crate::protocol::messages::delete_records::{
    DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsTopicResult,
};
use crate::protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};
use crate::topics::Topic;

pub(crate) async fn handle(context: &Context, request: DeleteRecordsRequest) -> DeleteRecordsResponse {
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let allowed = context.access.check(Operation::Delete, ResourceType::Topic, &topic.name);
        let found = context.broker.topics().get(&topic.name);
        let mut partitions = Vec::with_capacity(topic.partitions.len());
        for wanted in topic.partitions {
            let deleted = match allowed {
                Ok(()) => delete(context, found.as_deref(), &wanted).await,
                Err(code) => Err(code),
            };
            partitions.push(DeleteRecordsPartitionResult {
                partition_index: wanted.partition_index,
                low_watermark: *deleted.as_ref().unwrap_or(&-1),
                error_code: deleted.err().unwrap_or(ErrorCode::None).code(),
            });
        }
        topics.push(DeleteRecordsTopicResult { name: topic.name, partitions });
    }
    DeleteRecordsResponse { topics, ..Default::default() }
}

async fn delete(
    context: &Context,
    topic: Option<&Topic>,
    wanted: &DeleteRecordsPartition,
) -> Result<i64, ErrorCode> {
    let topic = topic.ok_or(ErrorCode::UnknownTopicOrPartition)?;
    if topic.is_internal() {
        return Err(ErrorCode::InvalidTopicException);
    }
    let partition = topic.partition(wanted.partition_index).ok_or(ErrorCode::UnknownTopicOrPartition)?;
    let deleted = context.broker.topics().delete_records(&partition, wanted.offset).await;
    deleted.map_err(|error| match error {
        DeleteRecordsError::OffsetOutOfRange { .. } => ErrorCode::OffsetOutOfRange,
        DeleteRecordsError::Policy => ErrorCode::PolicyViolation,
        DeleteRecordsError::Offline => ErrorCode::KafkaStorageError,
    })
}
