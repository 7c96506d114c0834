//! `DescribeConfigs` (key 32): topics, groups, and this broker under its node id or under the empty name of the cluster default.

use crate::authorizer::{CLUSTER_NAME, Operation, ResourceType};
use crate::dispatch::Context;
use crate::dynamic_config::{HEARTBEAT_INTERVAL, SESSION_TIMEOUT, Scope, group_defaults};
use crate::error::denied;
use crate::handlers::describe_topic_partitions::absent;
use crate::protocol::ErrorCode;
use crate::protocol::messages::describe_configs::{
    DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResult, DescribeConfigsSynonym,
};
use crate::protocol::messages::{DescribeConfigsRequest, DescribeConfigsResponse};
use crate::topics::config::{ConfigEntry, ConfigSource, ValueType};

/// Resource type of a topic.
pub(crate) const TOPIC: i8 = 2;
/// Resource type of a broker.
pub(crate) const BROKER: i8 = 4;
/// Resource type of a broker's log levels.
pub(crate) const BROKER_LOGGER: i8 = 8;
/// Resource type of subscriptions to client metrics.
pub(crate) const CLIENT_METRICS: i8 = 16;
/// Resource type of a group.
pub(crate) const GROUP: i8 = 32;
/// Source of a value set on a group, on the wire.
const DYNAMIC_GROUP: i8 = 8;
/// Source of a default, on the wire.
const DEFAULT: i8 = 5;

mod broker;

type Refusal = (ErrorCode, String);

pub(crate) async fn handle(context: &Context, request: DescribeConfigsRequest) -> DescribeConfigsResponse {
    let (synonyms, documentation) = (request.include_synonyms, request.include_documentation);
    let results = request.resources.into_iter().map(|resource| {
        let described = describe(context, &resource).map(|configs| {
            let shown = configs.into_iter().map(|mut config| {
                if !synonyms {
                    config.synonyms.clear();
                }
                config.documentation = config.documentation.filter(|_| documentation);
                config
            });
            shown.collect()
        });
        let head = DescribeConfigsResult {
            resource_type: resource.resource_type,
            resource_name: resource.resource_name,
            ..Default::default()
        };
        match described {
            Ok(configs) => DescribeConfigsResult { configs, ..head },
            Err((code, message)) => {
                DescribeConfigsResult { error_code: code.code(), error_message: Some(message), ..head }
            }
        }
    });
    DescribeConfigsResponse { results: results.collect(), ..Default::default() }
}

fn describe(
    context: &Context,
    resource: &DescribeConfigsResource,
) -> Result<Vec<DescribeConfigsResourceResult>, Refusal> {
    let wanted = |name: &str| match &resource.configuration_keys {
        Some(keys) => keys.iter().any(|key| key == name),
        None => true,
    };
    match resource.resource_type {
        TOPIC => {
            let access = &context.access;
            let name = &resource.resource_name;
            access.check(Operation::DescribeConfigs, ResourceType::Topic, name).map_err(denied)?;
            let topics = context.broker.topics();
            let topic = topics.get(&resource.resource_name).ok_or_else(|| {
                let code = absent(&topics.check_create(&resource.resource_name, 1));
                (code, "This server does not host this topic.".to_owned())
            })?;
            let entries = topic.config().entries().into_iter();
            Ok(entries.filter(|entry| wanted(entry.key.name)).map(topic_entry).collect())
        }
        BROKER => {
            let access = &context.access;
            access.check(Operation::DescribeConfigs, ResourceType::Cluster, CLUSTER_NAME).map_err(denied)?;
            let entries = match broker_scope(context, &resource.resource_name)? {
                Scope::Brokers => broker::of_all(context),
                _ => broker::of_this(context),
            };
            Ok(entries.into_iter().filter(|entry| wanted(&entry.name)).collect())
        }
        GROUP => {
            let name = &resource.resource_name;
            let access = &context.access;
            access.check(Operation::DescribeConfigs, ResourceType::Group, name).map_err(denied)?;
            if name.is_empty() {
                return Err((ErrorCode::InvalidRequest, "Group name must not be empty".to_owned()));
            }
            Ok(group_entries(context, name).into_iter().filter(|entry| wanted(&entry.name)).collect())
        }
        CLIENT_METRICS => {
            let access = &context.access;
            access.check(Operation::DescribeConfigs, ResourceType::Cluster, CLUSTER_NAME).map_err(denied)?;
            // there are no subscriptions: clients are not asked for metrics
            Ok(Vec::new())
        }
        _ => {
            Err((ErrorCode::InvalidRequest, format!("Unsupported resource type: {}", resource.resource_type)))
        }
    }
}

fn topic_entry(entry: ConfigEntry) -> DescribeConfigsResourceResult {
    let source = entry.source.code();
    let broker_name = entry.key.broker_name();
    let mut synonyms = match entry.source {
        ConfigSource::DynamicTopic => vec![synonym(entry.key.name, &entry.value, source)],
        ConfigSource::DynamicBroker | ConfigSource::DynamicDefaultBroker | ConfigSource::StaticBroker => {
            vec![synonym(broker_name, &entry.value, source)]
        }
        ConfigSource::Default => Vec::new(),
    };
    if !broker::is_default_in_hours(broker_name) {
        synonyms.push(synonym(broker_name, entry.key.default, DEFAULT));
    }
    DescribeConfigsResourceResult {
        name: entry.key.name.to_owned(),
        value: Some(entry.value),
        config_source: source,
        synonyms,
        config_type: entry.key.value_type.code(),
        documentation: Some(entry.key.documentation.to_owned()),
        ..Default::default()
    }
}

fn synonym(name: &str, value: &str, source: i8) -> DescribeConfigsSynonym {
    DescribeConfigsSynonym { name: name.to_owned(), value: Some(value.to_owned()), source }
}

/// This broker by its node id, or all brokers by the empty name.
pub(crate) fn broker_scope(context: &Context, name: &str) -> Result<Scope, Refusal> {
    let node_id = context.broker.config().node_id.to_string();
    match name {
        "" => Ok(Scope::Brokers),
        name if name == node_id => Ok(Scope::Broker),
        name => {
            let message = format!("Unexpected broker id, expected {node_id} but received {name}");
            Err((ErrorCode::InvalidRequest, message))
        }
    }
}

fn group_entries(context: &Context, name: &str) -> Vec<DescribeConfigsResourceResult> {
    let broker = &context.broker;
    let settings = broker.dynamic_configs().settings(&Scope::Group(name.to_owned()));
    let (session, interval) = group_defaults(broker.groups().config());
    let rows = [
        (HEARTBEAT_INTERVAL, interval, "How often members of the consumer protocol send heartbeats."),
        (SESSION_TIMEOUT, session, "How long a member of the consumer protocol may be silent."),
    ];
    let rows = rows.into_iter().map(|(name, default, documentation)| {
        let default = default.to_string();
        let (value, source) = match settings.get(name) {
            Some(value) => (value, DYNAMIC_GROUP),
            None => (&default, DEFAULT),
        };
        DescribeConfigsResourceResult {
            name: name.to_owned(),
            value: Some(value.clone()),
            config_source: source,
            synonyms: vec![synonym(name, value, source)],
            config_type: ValueType::Int.code(),
            documentation: Some(documentation.to_owned()),
            ..Default::default()
        }
    });
    rows.collect()
}
