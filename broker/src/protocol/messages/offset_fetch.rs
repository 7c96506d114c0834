//! Reads offsets of a group (key 9). From 8 on one request names several groups.

use uuid::Uuid;

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `OffsetFetch` request.
    OffsetFetchRequest: key 9, versions 1..=10, flexible 6;
    group_id: String, until 7;
    topics: Option<Vec<OffsetFetchRequestTopic>>, until 7, null 2;
    groups: Vec<OffsetFetchRequestGroup>, since 8;
    require_stable: bool, since 7;
}

structure! {
    /// An `OffsetFetchRequestTopic` of [`OffsetFetchRequest`].
    OffsetFetchRequestTopic;
    name: String, until 7;
    partition_indexes: Vec<i32>, until 7;
}

structure! {
    /// An `OffsetFetchRequestGroup` of [`OffsetFetchRequest`].
    OffsetFetchRequestGroup;
    group_id: String, since 8;
    member_id: Option<String>, since 9;
    member_epoch: i32, since 9, default -1;
    topics: Option<Vec<OffsetFetchRequestTopics>>, since 8;
}

structure! {
    /// An `OffsetFetchRequestTopics` of [`OffsetFetchRequest`].
    OffsetFetchRequestTopics;
    name: String, since 8, until 9;
    topic_id: Uuid, since 10;
    partition_indexes: Vec<i32>, since 8;
}

message! {
    /// The `OffsetFetch` response.
    OffsetFetchResponse: key 9, versions 1..=10, flexible 6;
    throttle_time_ms: i32, since 3;
    topics: Vec<OffsetFetchResponseTopic>, until 7;
    error_code: i16, since 2, until 7;
    groups: Vec<OffsetFetchResponseGroup>, since 8;
}

structure! {
    /// An `OffsetFetchResponseTopic` of [`OffsetFetchResponse`].
    OffsetFetchResponseTopic;
    name: String, until 7;
    partitions: Vec<OffsetFetchResponsePartition>, until 7;
}

structure! {
    /// An `OffsetFetchResponsePartition` of [`OffsetFetchResponse`].
    OffsetFetchResponsePartition;
    partition_index: i32, until 7;
    committed_offset: i64, until 7;
    committed_leader_epoch: i32, since 5, until 7, default -1;
    metadata: Option<String>, until 7;
    error_code: i16, until 7;
}

structure! {
    /// An `OffsetFetchResponseGroup` of [`OffsetFetchResponse`].
    OffsetFetchResponseGroup;
    group_id: String, since 8;
    topics: Vec<OffsetFetchResponseTopics>, since 8;
    error_code: i16, since 8;
}

structure! {
    /// An `OffsetFetchResponseTopics` of [`OffsetFetchResponse`].
    OffsetFetchResponseTopics;
    name: String, since 8, until 9;
    topic_id: Uuid, since 10;
    partitions: Vec<OffsetFetchResponsePartitions>, since 8;
}

structure! {
    /// An `OffsetFetchResponsePartitions` of [`OffsetFetchResponse`].
    OffsetFetchResponsePartitions;
    partition_index: i32, since 8;
    committed_offset: i64, since 8;
    committed_leader_epoch: i32, since 8, default -1;
    metadata: Option<String>, since 8;
    error_code: i16, since 8;
}
