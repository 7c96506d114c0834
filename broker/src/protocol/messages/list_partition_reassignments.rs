//! Lists partitions on the move (key 46).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `ListPartitionReassignments` request.
    ListPartitionReassignmentsRequest: key 46, versions 0..=0, flexible 0;
    timeout_ms: i32, default 60000;
    topics: Option<Vec<ListPartitionReassignmentsTopics>>;
}

structure! {
    /// A `ListPartitionReassignmentsTopics` of [`ListPartitionReassignmentsRequest`].
    ListPartitionReassignmentsTopics;
    name: String;
    partition_indexes: Vec<i32>;
}

message! {
    /// The `ListPartitionReassignments` response.
    ListPartitionReassignmentsResponse: key 46, versions 0..=0, flexible 0;
    throttle_time_ms: i32;
    error_code: i16;
    error_message: Option<String>;
    topics: Vec<OngoingTopicReassignment>;
}

structure! {
    /// An `OngoingTopicReassignment` of [`ListPartitionReassignmentsResponse`].
    OngoingTopicReassignment;
    name: String;
    partitions: Vec<OngoingPartitionReassignment>;
}

structure! {
    /// An `OngoingPartitionReassignment` of [`ListPartitionReassignmentsResponse`].
    OngoingPartitionReassignment;
    partition_index: i32;
    replicas: Vec<i32>;
    adding_replicas: Vec<i32>;
    removing_replicas: Vec<i32>;
}
