//! Moves the log start forward (key 21).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `DeleteRecords` request.
    DeleteRecordsRequest: key 21, versions 0..=2, flexible 2;
    topics: Vec<DeleteRecordsTopic>;
    timeout_ms: i32;
}

structure! {
    /// A `DeleteRecordsTopic` of [`DeleteRecordsRequest`].
    DeleteRecordsTopic;
    name: String;
    partitions: Vec<DeleteRecordsPartition>;
}

structure! {
    /// A `DeleteRecordsPartition` of [`DeleteRecordsRequest`].
    DeleteRecordsPartition;
    partition_index: i32;
    offset: i64;
}

message! {
    /// The `DeleteRecords` response.
    DeleteRecordsResponse: key 21, versions 0..=2, flexible 2;
    throttle_time_ms: i32;
    topics: Vec<DeleteRecordsTopicResult>;
}

structure! {
    /// A `DeleteRecordsTopicResult` of [`DeleteRecordsResponse`].
    DeleteRecordsTopicResult;
    name: String;
    partitions: Vec<DeleteRecordsPartitionResult>;
}

structure! {
    /// A `DeleteRecordsPartitionResult` of [`DeleteRecordsResponse`].
    DeleteRecordsPartitionResult;
    partition_index: i32;
    low_watermark: i64;
    error_code: i16;
}
