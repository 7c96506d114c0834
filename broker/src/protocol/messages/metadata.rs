//! Describes brokers and topics (key 3). In version 0 an empty list means every topic, later null does.

use uuid::Uuid;

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `Metadata` request.
    MetadataRequest: key 3, versions 0..=13, flexible 9;
    topics: Option<Vec<MetadataRequestTopic>>, null 1;
    allow_auto_topic_creation: bool, since 4, default true;
    include_cluster_authorized_operations: bool, since 8, until 10;
    include_topic_authorized_operations: bool, since 8;
}

structure! {
    /// A `MetadataRequestTopic` of [`MetadataRequest`].
    MetadataRequestTopic;
    topic_id: Uuid, since 10;
    name: Option<String>, null 10;
}

message! {
    /// The `Metadata` response.
    MetadataResponse: key 3, versions 0..=13, flexible 9;
    throttle_time_ms: i32, since 3;
    brokers: Vec<MetadataResponseBroker>;
    cluster_id: Option<String>, since 2;
    controller_id: i32, since 1, default -1;
    topics: Vec<MetadataResponseTopic>;
    cluster_authorized_operations: i32, since 8, until 10, default i32::MIN;
    error_code: i16, since 13;
}

structure! {
    /// A `MetadataResponseBroker` of [`MetadataResponse`].
    MetadataResponseBroker;
    node_id: i32;
    host: String;
    port: i32;
    rack: Option<String>, since 1;
}

structure! {
    /// A `MetadataResponseTopic` of [`MetadataResponse`].
    MetadataResponseTopic;
    error_code: i16;
    name: Option<String>, null 12;
    topic_id: Uuid, since 10;
    is_internal: bool, since 1;
    partitions: Vec<MetadataResponsePartition>;
    topic_authorized_operations: i32, since 8, default i32::MIN;
}

structure! {
    /// A `MetadataResponsePartition` of [`MetadataResponse`].
    MetadataResponsePartition;
    error_code: i16;
    partition_index: i32;
    leader_id: i32;
    leader_epoch: i32, since 7, default -1;
    replica_nodes: Vec<i32>;
    isr_nodes: Vec<i32>;
    offline_replicas: Vec<i32>, since 5;
}
