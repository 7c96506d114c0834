//! `AlterConfigs` (key 33): replaces all settings made on a topic.

use std::collections::BTreeMap;

use crate::authorizer::{CLUSTER_NAME, Operation, ResourceType};
use crate::dispatch::Context;
use crate::error::{denied, topic_error};
use crate::handlers::describe_configs::{BROKER, TOPIC};
use crate::protocol::ErrorCode;
use crate::protocol::messages::alter_configs::AlterConfigsResourceResponse;
use crate::protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};
use crate::topics::{Topic, TopicError};

pub(crate) type Refusal = (ErrorCode, String);

pub(crate) async fn handle(context: &Context, request: AlterConfigsRequest) -> AlterConfigsResponse {
    let mut responses = Vec::with_capacity(request.resources.len());
    for resource in request.resources {
        let settings = resource.configs.into_iter();
        let settings = settings.filter_map(|config| Some((config.name, config.value?))).collect();
        let outcome = match find(context, resource.resource_type, &resource.resource_name) {
            Ok(topic) => apply(context, &topic, settings, request.validate_only).await,
            Err(refusal) => Err(refusal),
        };
        let (code, error_message) = split(outcome);
        responses.push(AlterConfigsResourceResponse {
            error_code: code.code(),
            error_message,
            resource_type: resource.resource_type,
            resource_name: resource.resource_name,
        });
    }
    AlterConfigsResponse { responses, ..Default::default() }
}

/// The topic of a resource; broker settings are given at start and do not change.
pub(crate) fn find(
    context: &Context,
    resource_type: i8,
    name: &str,
) -> Result<std::sync::Arc<Topic>, Refusal> {
    match resource_type {
        TOPIC => {
            context.access.check(Operation::AlterConfigs, ResourceType::Topic, name).map_err(denied)?;
            context.broker.topics().get(name).ok_or_else(|| topic_error(&TopicError::Unknown))
        }
        BROKER => {
            let allowed = context.access.check(Operation::AlterConfigs, ResourceType::Cluster, CLUSTER_NAME);
            allowed.map_err(denied)?;
            Err((ErrorCode::InvalidRequest, "Broker settings are given at start.".to_owned()))
        }
        other => Err((ErrorCode::InvalidRequest, format!("Unsupported resource type: {other}"))),
    }
}

/// Checks the settings and, unless only that is asked for, puts them in place of the present ones.
pub(crate) async fn apply(
    context: &Context,
    topic: &Topic,
    settings: BTreeMap<String, String>,
    validate_only: bool,
) -> Result<(), Refusal> {
    let topics = context.broker.topics();
    let pairs = settings.iter().map(|(key, value)| (key.as_str(), value.as_str()));
    topics.topic_config(pairs).map_err(|error| topic_error(&error))?;
    if !validate_only {
        topics.alter_config(topic.name(), settings).await.map_err(|error| topic_error(&error))?;
    }
    Ok(())
}

/// Code and text of an outcome.
pub(crate) fn split(outcome: Result<(), Refusal>) -> (ErrorCode, Option<String>) {
    match outcome {
        Ok(()) => (ErrorCode::None, None),
        Err((code, message)) => (code, Some(message)),
    }
}
