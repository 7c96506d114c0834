//! Finds offsets by timestamp (key 2). -1 is the end, -2 the start, -3 (7+) the largest timestamp.

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `ListOffsets` request.
    ListOffsetsRequest: key 2, versions 1..=11, flexible 6;
    replica_id: i32;
    isolation_level: i8, since 2;
    topics: Vec<ListOffsetsTopic>;
    timeout_ms: i32, since 10;
}

structure! {
    /// A `ListOffsetsTopic` of [`ListOffsetsRequest`].
    ListOffsetsTopic;
    name: String;
    partitions: Vec<ListOffsetsPartition>;
}

structure! {
    /// A `ListOffsetsPartition` of [`ListOffsetsRequest`].
    ListOffsetsPartition;
    partition_index: i32;
    current_leader_epoch: i32, since 4, default -1;
    timestamp: i64;
}

message! {
    /// The `ListOffsets` response.
    ListOffsetsResponse: key 2, versions 1..=11, flexible 6;
    throttle_time_ms: i32, since 2;
    topics: Vec<ListOffsetsTopicResponse>;
}

structure! {
    /// A `ListOffsetsTopicResponse` of [`ListOffsetsResponse`].
    ListOffsetsTopicResponse;
    name: String;
    partitions: Vec<ListOffsetsPartitionResponse>;
}

structure! {
    /// A `ListOffsetsPartitionResponse` of [`ListOffsetsResponse`].
    ListOffsetsPartitionResponse;
    partition_index: i32;
    error_code: i16;
    timestamp: i64, default -1;
    offset: i64, default -1;
    leader_epoch: i32, since 4, default -1;
}
