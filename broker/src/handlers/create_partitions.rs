//! `CreatePartitions` (key 37): grows topics; they never shrink.

use crate::authorizer::{Operation, ResourceType};
use crate::dispatch::Context;
use crate::error::{denied, topic_error};
use crate::protocol::ErrorCode;
use crate::protocol::messages::create_partitions::{CreatePartitionsTopic, CreatePartitionsTopicResult};
use crate::protocol::messages::{CreatePartitionsRequest, CreatePartitionsResponse};
use crate::topics::{PARTITIONS_MAX, TopicError};

pub(crate) async fn handle(context: &Context, request: CreatePartitionsRequest) -> CreatePartitionsResponse {
    let mut results = Vec::with_capacity(request.topics.len());
    for (position, topic) in request.topics.iter().enumerate() {
        let repeated = request.topics.iter().take(position).any(|earlier| earlier.name == topic.name);
        let outcome = if repeated {
            Err((ErrorCode::InvalidRequest, "Duplicate topic in request.".to_owned()))
        } else {
            create(context, topic, request.validate_only).await
        };
        let (code, error_message) = match outcome {
            Ok(()) => (ErrorCode::None, None),
            Err((code, message)) => (code, Some(message)),
        };
        let name = topic.name.clone();
        results.push(CreatePartitionsTopicResult { name, error_code: code.code(), error_message });
    }
    CreatePartitionsResponse { results, ..Default::default() }
}

async fn create(
    context: &Context,
    wanted: &CreatePartitionsTopic,
    validate_only: bool,
) -> Result<(), (ErrorCode, String)> {
    context.access.check(Operation::Alter, ResourceType::Topic, &wanted.name).map_err(denied)?;
    let topics = context.broker.topics();
    let Some(topic) = topics.get(&wanted.name) else { return Err(topic_error(&TopicError::Unknown)) };
    if topic.is_internal() {
        return Err((ErrorCode::InvalidTopicException, "The topic is internal.".to_owned()));
    }
    let present = topic.partition_count();
    let invalid = |message: String| Err((ErrorCode::InvalidPartitions, message));
    if wanted.count <= present {
        return invalid(format!(
            "The topic {} currently has {present} partition(s); {} would not be an increase.",
            wanted.name, wanted.count
        ));
    }
    if wanted.count > PARTITIONS_MAX {
        return invalid(format!("At most {PARTITIONS_MAX} partitions."));
    }
    if let Some(assignments) = &wanted.assignments {
        let node_id = context.broker.config().node_id;
        let added = usize::try_from(wanted.count - present).unwrap_or(0);
        if assignments.len() != added || assignments.iter().any(|row| row.broker_ids != [node_id]) {
            let message = format!("{added} partitions must be assigned, each to broker {node_id} alone.");
            return Err((ErrorCode::InvalidReplicaAssignment, message));
        }
    }
    if validate_only {
        return Ok(());
    }
    topics.create_partitions(&wanted.name, wanted.count).await.map_err(|error| topic_error(&error))
}
