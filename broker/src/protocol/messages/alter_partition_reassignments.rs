//! Moves partitions to other brokers (key 45).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `AlterPartitionReassignments` request.
    AlterPartitionReassignmentsRequest: key 45, versions 0..=1, flexible 0;
    timeout_ms: i32, default 60000;
    allow_replication_factor_change: bool, since 1, default true;
    topics: Vec<ReassignableTopic>;
}

structure! {
    /// A `ReassignableTopic` of [`AlterPartitionReassignmentsRequest`].
    ReassignableTopic;
    name: String;
    partitions: Vec<ReassignablePartition>;
}

structure! {
    /// A `ReassignablePartition` of [`AlterPartitionReassignmentsRequest`]; without replicas what is under way is cancelled.
    ReassignablePartition;
    partition_index: i32;
    replicas: Option<Vec<i32>>;
}

message! {
    /// The `AlterPartitionReassignments` response.
    AlterPartitionReassignmentsResponse: key 45, versions 0..=1, flexible 0;
    throttle_time_ms: i32;
    allow_replication_factor_change: bool, since 1, default true;
    error_code: i16;
    error_message: Option<String>;
    responses: Vec<ReassignableTopicResponse>;
}

structure! {
    /// A `ReassignableTopicResponse` of [`AlterPartitionReassignmentsResponse`].
    ReassignableTopicResponse;
    name: String;
    partitions: Vec<ReassignablePartitionResponse>;
}

structure! {
    /// A `ReassignablePartitionResponse` of [`AlterPartitionReassignmentsResponse`].
    ReassignablePartitionResponse;
    partition_index: i32;
    error_code: i16;
    error_message: Option<String>;
}
