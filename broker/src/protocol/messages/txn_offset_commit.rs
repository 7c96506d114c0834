//! Stores a group's offsets inside a transaction (key 28).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `TxnOffsetCommit` request.
    TxnOffsetCommitRequest: key 28, versions 0..=5, flexible 3;
    transactional_id: String;
    group_id: String;
    producer_id: i64;
    producer_epoch: i16;
    generation_id: i32, since 3, default -1;
    member_id: String, since 3;
    group_instance_id: Option<String>, since 3;
    topics: Vec<TxnOffsetCommitRequestTopic>;
}

structure! {
    /// A `TxnOffsetCommitRequestTopic` of [`TxnOffsetCommitRequest`].
    TxnOffsetCommitRequestTopic;
    name: String;
    partitions: Vec<TxnOffsetCommitRequestPartition>;
}

structure! {
    /// A `TxnOffsetCommitRequestPartition` of [`TxnOffsetCommitRequest`].
    TxnOffsetCommitRequestPartition;
    partition_index: i32;
    committed_offset: i64;
    committed_leader_epoch: i32, since 2, default -1;
    committed_metadata: Option<String>;
}

message! {
    /// The `TxnOffsetCommit` response.
    TxnOffsetCommitResponse: key 28, versions 0..=5, flexible 3;
    throttle_time_ms: i32;
    topics: Vec<TxnOffsetCommitResponseTopic>;
}

structure! {
    /// A `TxnOffsetCommitResponseTopic` of [`TxnOffsetCommitResponse`].
    TxnOffsetCommitResponseTopic;
    name: String;
    partitions: Vec<TxnOffsetCommitResponsePartition>;
}

structure! {
    /// A `TxnOffsetCommitResponsePartition` of [`TxnOffsetCommitResponse`].
    TxnOffsetCommitResponsePartition;
    partition_index: i32;
    error_code: i16;
}
