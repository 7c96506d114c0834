//! `DescribeConfigs` (key 32): topics, groups, and this broker under its node id or under the empty name of the cluster default.

use crate::authorizer::{CLUSTER_NAME, Operation, ResourceType};
use crate::config::{BrokerConfigSource, BrokerKey, KEYS};
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
/// Source of a value set on this broker while it runs, on the wire.
const DYNAMIC_BROKER: i8 = 2;
/// Source of a value set on all brokers while they run, on the wire.
const DYNAMIC_DEFAULT_BROKER: i8 = 3;
/// Source of a value set on a group, on the wire.
const DYNAMIC_GROUP: i8 = 8;
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
            let entries = match broker_scope(context, &resource.resource_name)? {
                Scope::Brokers => dynamic_entries(context, &Scope::Brokers, DYNAMIC_DEFAULT_BROKER),
                _ => broker_entries(context),
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
    let synonym = |name: &str, value: &str, source| DescribeConfigsSynonym {
        name: name.to_owned(),
        value: Some(value.to_owned()),
        source,
    };
    let broker_name = entry.key.broker_name();
    let mut synonyms = match entry.source {
        ConfigSource::DynamicTopic => vec![synonym(entry.key.name, &entry.value, source)],
        ConfigSource::DynamicBroker | ConfigSource::DynamicDefaultBroker | ConfigSource::StaticBroker => {
            vec![synonym(broker_name, &entry.value, source)]
        }
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

/// What was set on brokers while they run.
fn dynamic_entries(context: &Context, scope: &Scope, source: i8) -> Vec<DescribeConfigsResourceResult> {
    let settings = context.broker.dynamic_configs().settings(scope);
    let rows = settings.iter().map(|(name, value)| DescribeConfigsResourceResult {
        read_only: false,
        ..broker_entry(name, value, source, ValueType::String, "Set while running.")
    });
    rows.collect()
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
        let entry = broker_entry(name, value, source, ValueType::Int, documentation);
        DescribeConfigsResourceResult { read_only: false, ..entry }
    });
    rows.collect()
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
    for (scope, source) in [(Scope::Brokers, DYNAMIC_DEFAULT_BROKER), (Scope::Broker, DYNAMIC_BROKER)] {
        for entry in dynamic_entries(context, &scope, source) {
            entries.retain(|below| below.name != entry.name);
            entries.push(entry);
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
