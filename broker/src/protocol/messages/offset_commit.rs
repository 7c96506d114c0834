//! Stores offsets of a group (key 8).

use uuid::Uuid;

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `OffsetCommit` request.
    OffsetCommitRequest: key 8, versions 2..=10, flexible 8;
    group_id: String;
    generation_id_or_member_epoch: i32, default -1;
    member_id: String;
    group_instance_id: Option<String>, since 7;
    retention_time_ms: i64, until 4, default -1;
    topics: Vec<OffsetCommitRequestTopic>;
}

structure! {
    /// An `OffsetCommitRequestTopic` of [`OffsetCommitRequest`].
    OffsetCommitRequestTopic;
    name: String, until 9;
    topic_id: Uuid, since 10;
    partitions: Vec<OffsetCommitRequestPartition>;
}

structure! {
    /// An `OffsetCommitRequestPartition` of [`OffsetCommitRequest`].
    OffsetCommitRequestPartition;
    partition_index: i32;
    committed_offset: i64;
    committed_leader_epoch: i32, since 6, default -1;
    committed_metadata: Option<String>;
}

message! {
    /// The `OffsetCommit` response.
    OffsetCommitResponse: key 8, versions 2..=10, flexible 8;
    throttle_time_ms: i32, since 3;
    topics: Vec<OffsetCommitResponseTopic>;
}

structure! {
    /// An `OffsetCommitResponseTopic` of [`OffsetCommitResponse`].
    OffsetCommitResponseTopic;
    name: String, until 9;
    topic_id: Uuid, since 10;
    partitions: Vec<OffsetCommitResponsePartition>;
}

structure! {
    /// An `OffsetCommitResponsePartition` of [`OffsetCommitResponse`].
    OffsetCommitResponsePartition;
    partition_index: i32;
    error_code: i16;
}
