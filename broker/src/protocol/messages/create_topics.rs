//! Creates topics (key 19). From 5 on the answer carries configs, from 7 on the topic id.

use uuid::Uuid;

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `CreateTopics` request.
    CreateTopicsRequest: key 19, versions 2..=7, flexible 5;
    topics: Vec<CreatableTopic>;
    timeout_ms: i32, default 60000;
    validate_only: bool;
}

structure! {
    /// A `CreatableTopic` of [`CreateTopicsRequest`].
    CreatableTopic;
    name: String;
    num_partitions: i32;
    replication_factor: i16;
    assignments: Vec<CreatableReplicaAssignment>;
    configs: Vec<CreatableTopicConfig>;
}

structure! {
    /// A `CreatableReplicaAssignment` of [`CreateTopicsRequest`].
    CreatableReplicaAssignment;
    partition_index: i32;
    broker_ids: Vec<i32>;
}

structure! {
    /// A `CreatableTopicConfig` of [`CreateTopicsRequest`].
    CreatableTopicConfig;
    name: String;
    value: Option<String>;
}

message! {
    /// The `CreateTopics` response.
    CreateTopicsResponse: key 19, versions 2..=7, flexible 5;
    throttle_time_ms: i32;
    topics: Vec<CreatableTopicResult>;
}

structure! {
    /// A `CreatableTopicResult` of [`CreateTopicsResponse`].
    CreatableTopicResult;
    name: String;
    topic_id: Uuid, since 7;
    error_code: i16;
    error_message: Option<String>;
    topic_config_error_code: i16, since 5, tag 0;
    num_partitions: i32, since 5, default -1;
    replication_factor: i16, since 5, default -1;
    configs: Option<Vec<CreatableTopicConfigs>>, since 5;
}

structure! {
    /// A `CreatableTopicConfigs` of [`CreateTopicsResponse`].
    CreatableTopicConfigs;
    name: String, since 5;
    value: Option<String>, since 5;
    read_only: bool, since 5;
    config_source: i8, since 5, default -1;
    is_sensitive: bool, since 5;
}
