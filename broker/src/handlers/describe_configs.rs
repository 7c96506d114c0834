//! `DescribeConfigs` (key 32): topics, and this broker under its node id or under the empty name of the cluster default.

use crate::authorizer::{CLUSTER_NAME, Operation, ResourceType};
use crate::config::{BrokerConfigSource, BrokerKey, KEYS};
use crate::dispatch::Context;
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
/// Source of a value given at start, on the wire.
const STATIC_BROKER: i8 = 4;
/// Source of a default, on the wire.
const DEFAULT: i8 = 5;

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
            let node_id = context.broker.config().node_id.to_string();
            if resource.resource_name.is_empty() {
                // nothing is set for the whole cluster
                return Ok(Vec::new());
            }
            if resource.resource_name != node_id {
                let message = format!(
                    "Unexpected broker id, expected {node_id} but received {}",
                    resource.resource_name
                );
                return Err((ErrorCode::InvalidRequest, message));
            }
            Ok(broker_entries(context).into_iter().filter(|entry| wanted(&entry.name)).collect())
        }
        _ => {
            Err((ErrorCode::InvalidRequest, format!("Unsupported resource type: {}", resource.resource_type)))
        }
    }
}

fn topic_entry(entry: ConfigEntry) -> DescribeConfigsResourceResult {
    let source = entry.source.code();
    let synonym = |name: &str, value: &str, source| DescribeConfigsSynonym {
        name: name.to_owned(),
        value: Some(value.to_owned()),
        source,
    };
    let broker_name = entry.key.broker_name();
    let mut synonyms = match entry.source {
        ConfigSource::DynamicTopic => vec![synonym(entry.key.name, &entry.value, source)],
        ConfigSource::StaticBroker => vec![synonym(broker_name, &entry.value, source)],
        ConfigSource::Default => Vec::new(),
    };
    synonyms.push(synonym(broker_name, entry.key.default, DEFAULT));
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

fn broker_entries(context: &Context) -> Vec<DescribeConfigsResourceResult> {
    let config = context.broker.config();
    let mut entries: Vec<_> = KEYS
        .iter()
        .map(|key| {
            let (value, source) = config.value(key);
            let source = match source {
                BrokerConfigSource::Static => STATIC_BROKER,
                BrokerConfigSource::Default => DEFAULT,
            };
            broker_entry(key.name, value, source, key.value_type, key.documentation)
        })
        .collect();
    for (name, value) in config.given() {
        if !entries.iter().any(|entry| entry.name == name) {
            entries.push(broker_entry(name, value, STATIC_BROKER, ValueType::String, "Default for topics."));
        }
    }
    let advertised = context.connection.advertised();
    let listeners = format!("{}://{advertised}", context.connection.listener.name);
    let kind = ValueType::String;
    if let Some(entry) = entries
        .iter_mut()
        .find(|entry| entry.name == "advertised.listeners" && entry.config_source == DEFAULT)
    {
        *entry = broker_entry(&entry.name, &listeners, STATIC_BROKER, kind, "Where this client came in.");
    }
    entries.push(broker_entry(
        "broker.id",
        &config.node_id.to_string(),
        STATIC_BROKER,
        ValueType::Int,
        "As node.id.",
    ));
    // tools guess the broker's release by it
    entries.push(broker_entry(
        "inter.broker.protocol.version",
        "4.1",
        DEFAULT,
        kind,
        "Release whose protocol is spoken.",
    ));
    entries
}

fn broker_entry(
    name: &str,
    value: &str,
    source: i8,
    value_type: ValueType,
    documentation: &str,
) -> DescribeConfigsResourceResult {
    const PASSWORD: i8 = 9;
    let is_sensitive = BrokerKey::is_sensitive(name);
    let name = name.to_owned();
    let shown = (!is_sensitive).then(|| value.to_owned());
    let synonym = DescribeConfigsSynonym { name: name.clone(), value: shown.clone(), source };
    DescribeConfigsResourceResult {
        name,
        value: shown,
        read_only: true,
        is_sensitive,
        config_source: source,
        synonyms: vec![synonym],
        config_type: if is_sensitive { PASSWORD } else { value_type.code() },
        documentation: Some(documentation.to_owned()),
    }
}
