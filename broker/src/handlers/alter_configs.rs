//! `AlterConfigs` (key 33): replaces all settings made on a topic, on this broker or all brokers, or on a group.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::authorizer::{CLUSTER_NAME, Operation, ResourceType};
use crate::dispatch::Context;
use crate::dynamic_config::{Refused, Scope, check};
use crate::error::{denied, topic_error};
use crate::handlers::describe_configs::{BROKER, CLIENT_METRICS, GROUP, TOPIC, broker_scope};
use crate::protocol::ErrorCode;
use crate::protocol::messages::alter_configs::AlterConfigsResourceResponse;
use crate::protocol::messages::{AlterConfigsRequest, AlterConfigsResponse};
use crate::topics::{Topic, TopicError};

pub(crate) type Refusal = (ErrorCode, String);

/// What settings are made on.
pub(crate) enum Target {
    /// A topic.
    Topic(Arc<Topic>),
    /// Anything else.
    Kept(Scope),
}

pub(crate) async fn handle(context: &Context, request: AlterConfigsRequest) -> AlterConfigsResponse {
    let mut responses = Vec::with_capacity(request.resources.len());
    for resource in request.resources {
        let settings = resource.configs.into_iter();
        let settings = settings.filter_map(|config| Some((config.name, config.value?))).collect();
        let outcome = match find(context, resource.resource_type, &resource.resource_name) {
            Ok(target) => apply(context, &target, settings, request.validate_only).await,
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

/// What a resource names, once the client is found to be allowed to change it.
pub(crate) fn find(context: &Context, resource_type: i8, name: &str) -> Result<Target, Refusal> {
    let access = &context.access;
    match resource_type {
        TOPIC => {
            access.check(Operation::AlterConfigs, ResourceType::Topic, name).map_err(denied)?;
            let topic = context.broker.topics().get(name);
            topic.map(Target::Topic).ok_or_else(|| topic_error(&TopicError::Unknown))
        }
        GROUP => {
            access.check(Operation::AlterConfigs, ResourceType::Group, name).map_err(denied)?;
            if name.is_empty() {
                return Err((
                    ErrorCode::InvalidRequest,
                    "Default group resources are not allowed.".to_owned(),
                ));
            }
            Ok(Target::Kept(Scope::Group(name.to_owned())))
        }
        BROKER => {
            access.check(Operation::AlterConfigs, ResourceType::Cluster, CLUSTER_NAME).map_err(denied)?;
            broker_scope(context, name).map(Target::Kept)
        }
        CLIENT_METRICS => {
            access.check(Operation::AlterConfigs, ResourceType::Cluster, CLUSTER_NAME).map_err(denied)?;
            Err((ErrorCode::InvalidRequest, "Client metrics are not collected by this broker.".to_owned()))
        }
        other => Err((ErrorCode::InvalidRequest, format!("Unsupported resource type: {other}"))),
    }
}

/// Checks the settings and, unless only that is asked for, puts them in place of the present ones.
pub(crate) async fn apply(
    context: &Context,
    target: &Target,
    settings: BTreeMap<String, String>,
    validate_only: bool,
) -> Result<(), Refusal> {
    let broker = &context.broker;
    match target {
        Target::Topic(topic) => {
            let pairs = settings.iter().map(|(key, value)| (key.as_str(), value.as_str()));
            broker.topics().topic_config(pairs).map_err(|error| topic_error(&error))?;
            if !validate_only {
                let altered = broker.topics().alter_config(topic.name(), settings).await;
                altered.map_err(|error| topic_error(&error))?;
            }
            Ok(())
        }
        Target::Kept(scope) if validate_only => {
            check(scope, &settings, broker.groups().config()).map_err(|error| refusal(&error))
        }
        Target::Kept(scope) => {
            broker.configure(scope.clone(), settings).await.map_err(|error| refusal(&error))
        }
    }
}

fn refusal(refused: &Refused) -> Refusal {
    let code = match refused {
        Refused::Static(_) => ErrorCode::InvalidRequest,
        Refused::Invalid(_) => ErrorCode::InvalidConfig,
        Refused::Io(_) => {
            tracing::error!(error = %refused, "settings not stored");
            return (ErrorCode::KafkaStorageError, "disk error".to_owned());
        }
    };
    (code, refused.to_string())
}

/// Code and text of an outcome.
pub(crate) fn split(outcome: Result<(), Refusal>) -> (ErrorCode, Option<String>) {
    match outcome {
        Ok(()) => (ErrorCode::None, None),
        Err((code, message)) => (code, Some(message)),
    }
}
