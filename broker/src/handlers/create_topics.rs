//! `CreateTopics` (key 19): one node, so one replica; from 5 on the answer carries the settings, from 7 on the topic id.

use std::collections::HashMap;

use uuid::Uuid;

use crate::authorizer::{Operation, ResourceType};
use crate::dispatch::Context;
use crate::error::{denied, topic_error};
use crate::protocol::ErrorCode;
use crate::protocol::messages::create_topics::{CreatableTopic, CreatableTopicConfigs, CreatableTopicResult};
use crate::protocol::messages::{CreateTopicsRequest, CreateTopicsResponse};
use crate::topics::config::TopicConfig;
use crate::topics::is_internal;

type Refusal = (ErrorCode, String);

pub(crate) async fn handle(context: &Context, request: CreateTopicsRequest) -> CreateTopicsResponse {
    let mut named: HashMap<String, usize> = HashMap::new();
    for topic in &request.topics {
        *named.entry(topic.name.clone()).or_default() += 1;
    }
    let mut topics = Vec::with_capacity(request.topics.len());
    for topic in request.topics {
        let created = if named.get(&topic.name).is_some_and(|count| *count > 1) {
            Err((ErrorCode::InvalidRequest, "Duplicate topic name.".to_owned()))
        } else {
            create(context, &topic, request.validate_only).await
        };
        topics.push(created.unwrap_or_else(|(code, message)| CreatableTopicResult {
            name: topic.name,
            error_code: code.code(),
            error_message: Some(message),
            ..Default::default()
        }));
    }
    CreateTopicsResponse { topics, ..Default::default() }
}

async fn create(
    context: &Context,
    topic: &CreatableTopic,
    validate_only: bool,
) -> Result<CreatableTopicResult, Refusal> {
    let broker = &context.broker;
    if !context.access.allows_cluster(Operation::Create) {
        context.access.check(Operation::Create, ResourceType::Topic, &topic.name).map_err(denied)?;
    }
    if is_internal(&topic.name) && broker.topics().get(&topic.name).is_none() {
        let message = "The name belongs to a topic that the broker keeps for itself.".to_owned();
        return Err((ErrorCode::InvalidTopicException, message));
    }
    let partitions = partition_count(context, topic)?;
    let unset: Vec<_> = topic
        .configs
        .iter()
        .filter(|config| config.value.is_none())
        .map(|config| config.name.as_str())
        .collect();
    if !unset.is_empty() {
        let message = format!("Null value not supported for topic configs: {}", unset.join(", "));
        return Err((ErrorCode::InvalidConfig, message));
    }
    let settings =
        topic.configs.iter().filter_map(|config| Some((config.name.as_str(), config.value.as_deref()?)));
    let config = broker.topics().topic_config(settings).map_err(|error| topic_error(&error))?;
    broker.topics().check_create(&topic.name, partitions).map_err(|error| topic_error(&error))?;
    if config.min_insync_replicas > 1 {
        tracing::warn!(
            topic = topic.name,
            min_insync_replicas = config.min_insync_replicas,
            "produce with acks=all to this topic will fail: there is one replica"
        );
    }
    let configs = described(&config);
    let topic_id = if validate_only {
        Uuid::nil()
    } else {
        let created = broker.topics().create(&topic.name, partitions, config).await;
        Uuid::from_bytes(created.map_err(|error| topic_error(&error))?.id().bytes())
    };
    let result = CreatableTopicResult { name: topic.name.clone(), topic_id, ..Default::default() };
    // who may not see the settings is told so, and the topic is created all the same
    let seen = context.access.check(Operation::DescribeConfigs, ResourceType::Topic, &topic.name);
    Ok(match seen {
        Ok(()) => CreatableTopicResult {
            num_partitions: partitions,
            replication_factor: 1,
            configs: Some(configs),
            ..result
        },
        Err(code) => CreatableTopicResult { topic_config_error_code: code.code(), configs: None, ..result },
    })
}

/// The number of partitions wanted, once count, replication factor and assignments are found to fit each other and one node.
fn partition_count(context: &Context, topic: &CreatableTopic) -> Result<i32, Refusal> {
    let config = context.broker.config();
    if !topic.assignments.is_empty() {
        if topic.num_partitions != -1 || topic.replication_factor != -1 {
            let message = "Both partition counts and manual assignments were given.";
            return Err((ErrorCode::InvalidRequest, message.to_owned()));
        }
        return assigned(
            &topic
                .assignments
                .iter()
                .map(|row| (row.partition_index, row.broker_ids.as_slice()))
                .collect::<Vec<_>>(),
            config.node_id,
        );
    }
    // -1 means the broker's default in every version: clients say so before version 4, and Kafka serves them
    let partitions = match topic.num_partitions {
        -1 => config.num_partitions,
        count => count,
    };
    if partitions < 1 {
        let message = "Number of partitions must be larger than 0.";
        return Err((ErrorCode::InvalidPartitions, message.to_owned()));
    }
    let replicas = match topic.replication_factor {
        -1 => config.default_replication_factor,
        factor => factor,
    };
    match replicas {
        1 => Ok(partitions),
        2.. if config.replication_factor_clamp => Ok(partitions),
        2.. => Err((
            ErrorCode::InvalidReplicationFactor,
            format!("Replication factor: {replicas} larger than available brokers: 1."),
        )),
        _ => {
            Err((ErrorCode::InvalidReplicationFactor, "Replication factor must be larger than 0.".to_owned()))
        }
    }
}

fn assigned(assignments: &[(i32, &[i32])], node_id: i32) -> Result<i32, Refusal> {
    let mut indexes: Vec<i32> = assignments.iter().map(|(index, _)| *index).collect();
    indexes.sort_unstable();
    let consecutive = indexes.iter().zip(0..).all(|(index, expected)| *index == expected);
    if !consecutive {
        let message = "Partitions must be numbered from 0 on, without gaps.";
        return Err((ErrorCode::InvalidReplicaAssignment, message.to_owned()));
    }
    if assignments.iter().any(|(_, brokers)| *brokers != [node_id]) {
        let message = format!("Every partition must be assigned to broker {node_id} alone.");
        return Err((ErrorCode::InvalidReplicaAssignment, message));
    }
    i32::try_from(assignments.len())
        .map_err(|_| (ErrorCode::InvalidPartitions, "Too many partitions.".to_owned()))
}

fn described(config: &TopicConfig) -> Vec<CreatableTopicConfigs> {
    let entries = config.entries().into_iter().map(|entry| CreatableTopicConfigs {
        name: entry.key.name.to_owned(),
        value: Some(entry.value),
        read_only: false,
        config_source: entry.source.code(),
        is_sensitive: false,
    });
    entries.collect()
}
