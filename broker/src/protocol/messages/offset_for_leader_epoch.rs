//! Finds where a leader epoch ends (key 23).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `OffsetForLeaderEpoch` request.
    OffsetForLeaderEpochRequest: key 23, versions 2..=4, flexible 4;
    replica_id: i32, since 3, default -2;
    topics: Vec<OffsetForLeaderTopic>;
}

structure! {
    /// An `OffsetForLeaderTopic` of [`OffsetForLeaderEpochRequest`].
    OffsetForLeaderTopic;
    topic: String;
    partitions: Vec<OffsetForLeaderPartition>;
}

structure! {
    /// An `OffsetForLeaderPartition` of [`OffsetForLeaderEpochRequest`].
    OffsetForLeaderPartition;
    partition: i32;
    current_leader_epoch: i32, default -1;
    leader_epoch: i32;
}

message! {
    /// The `OffsetForLeaderEpoch` response.
    OffsetForLeaderEpochResponse: key 23, versions 2..=4, flexible 4;
    throttle_time_ms: i32;
    topics: Vec<OffsetForLeaderTopicResult>;
}

structure! {
    /// An `OffsetForLeaderTopicResult` of [`OffsetForLeaderEpochResponse`].
    OffsetForLeaderTopicResult;
    topic: String;
    partitions: Vec<EpochEndOffset>;
}

structure! {
    /// An `EpochEndOffset` of [`OffsetForLeaderEpochResponse`].
    EpochEndOffset;
    error_code: i16;
    partition: i32;
    leader_epoch: i32, default -1;
    end_offset: i64, default -1;
}
