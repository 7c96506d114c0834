//! `DeleteTopics` (key 20): by name, or from 6 on by id; the offsets that groups committed go with the topic.

use uuid::Uuid;

use crate::authorizer::{Operation, ResourceType};
use crate::dispatch::Context;
use crate::error::{denied, topic_error};
use crate::protocol::ErrorCode;
use crate::protocol::messages::delete_topics::{DeletableTopicResult, DeleteTopicState};
use crate::protocol::messages::{DeleteTopicsRequest, DeleteTopicsResponse};
use crate::topics::TopicError;

/// First version with a list of names or ids.
const STATES_SINCE: i16 = 6;

pub(crate) async fn handle(context: &Context, request: DeleteTopicsRequest) -> DeleteTopicsResponse {
    let wanted = if context.version >= STATES_SINCE {
        request.topics
    } else {
        let by_name = |name| DeleteTopicState { name: Some(name), topic_id: Uuid::nil() };
        request.topic_names.into_iter().map(by_name).collect()
    };
    let mut responses = Vec::with_capacity(wanted.len());
    for topic in wanted {
        responses.push(delete(context, topic).await);
    }
    DeleteTopicsResponse { responses, ..Default::default() }
}

async fn delete(context: &Context, wanted: DeleteTopicState) -> DeletableTopicResult {
    let topics = context.broker.topics();
    let mut result =
        DeletableTopicResult { name: wanted.name.clone(), topic_id: wanted.topic_id, ..Default::default() };
    let (found, unknown) = match &wanted.name {
        Some(name) => (topics.get(name), ErrorCode::UnknownTopicOrPartition),
        None => (topics.get_by_id(wanted.topic_id.into_bytes()), ErrorCode::UnknownTopicId),
    };
    let access = &context.access;
    let name = found.as_ref().map(|topic| topic.name().to_string()).or_else(|| wanted.name.clone());
    let forbidden = name.as_deref().and_then(|name| {
        let hidden = access.check(Operation::Describe, ResourceType::Topic, name).err();
        hidden.or_else(|| {
            // whoever may see the topic is told its name
            result.name = Some(name.to_owned());
            access.check(Operation::Delete, ResourceType::Topic, name).err()
        })
    });
    let refused = match found {
        _ if forbidden.is_some() => forbidden.map(denied),
        _ if !context.broker.config().delete_topics => {
            Some((ErrorCode::TopicDeletionDisabled, "Topic deletion is disabled.".to_owned()))
        }
        None => Some((unknown, TopicError::Unknown.to_string())),
        Some(topic) if topic.is_internal() => {
            Some((ErrorCode::InvalidTopicException, "The topic is internal.".to_owned()))
        }
        Some(topic) => {
            result.name = Some(topic.name().to_string());
            result.topic_id = Uuid::from_bytes(topic.id().bytes());
            match topics.delete(topic.name()).await {
                Ok(()) => {
                    context.broker.groups().topic_deleted(topic.name()).await;
                    None
                }
                Err(error) => Some(topic_error(&error)),
            }
        }
    };
    if let Some((code, message)) = refused {
        result.error_code = code.code();
        result.error_message = Some(message);
    }
    result
}
