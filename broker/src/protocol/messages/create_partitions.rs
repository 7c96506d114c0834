//! Adds partitions to a topic (key 37).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `CreatePartitions` request.
    CreatePartitionsRequest: key 37, versions 0..=3, flexible 2;
    topics: Vec<CreatePartitionsTopic>;
    timeout_ms: i32;
    validate_only: bool;
}

structure! {
    /// A `CreatePartitionsTopic` of [`CreatePartitionsRequest`].
    CreatePartitionsTopic;
    name: String;
    count: i32;
    assignments: Option<Vec<CreatePartitionsAssignment>>;
}

structure! {
    /// A `CreatePartitionsAssignment` of [`CreatePartitionsRequest`].
    CreatePartitionsAssignment;
    broker_ids: Vec<i32>;
}

message! {
    /// The `CreatePartitions` response.
    CreatePartitionsResponse: key 37, versions 0..=3, flexible 2;
    throttle_time_ms: i32;
    results: Vec<CreatePartitionsTopicResult>;
}

structure! {
    /// A `CreatePartitionsTopicResult` of [`CreatePartitionsResponse`].
    CreatePartitionsTopicResult;
    name: String;
    error_code: i16;
    error_message: Option<String>;
}
