//! Deletes committed offsets of a group (key 47).

use crate::protocol::declare::{NEVER, bound_or, default_value, message, structure};

message! {
    /// The `OffsetDelete` request.
    OffsetDeleteRequest: key 47, versions 0..=0, flexible NEVER;
    group_id: String;
    topics: Vec<OffsetDeleteRequestTopic>;
}

structure! {
    /// An `OffsetDeleteRequestTopic` of [`OffsetDeleteRequest`].
    OffsetDeleteRequestTopic;
    name: String;
    partitions: Vec<OffsetDeleteRequestPartition>;
}

structure! {
    /// An `OffsetDeleteRequestPartition` of [`OffsetDeleteRequest`].
    OffsetDeleteRequestPartition;
    partition_index: i32;
}

message! {
    /// The `OffsetDelete` response.
    OffsetDeleteResponse: key 47, versions 0..=0, flexible NEVER;
    error_code: i16;
    throttle_time_ms: i32;
    topics: Vec<OffsetDeleteResponseTopic>;
}

structure! {
    /// An `OffsetDeleteResponseTopic` of [`OffsetDeleteResponse`].
    OffsetDeleteResponseTopic;
    name: String;
    partitions: Vec<OffsetDeleteResponsePartition>;
}

structure! {
    /// An `OffsetDeleteResponsePartition` of [`OffsetDeleteResponse`].
    OffsetDeleteResponsePartition;
    partition_index: i32;
    error_code: i16;
}
