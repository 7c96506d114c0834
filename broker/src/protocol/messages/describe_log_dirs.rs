//! Describes data folders (key 35).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `DescribeLogDirs` request.
    DescribeLogDirsRequest: key 35, versions 1..=5, flexible 2;
    topics: Option<Vec<DescribableLogDirTopic>>;
}

structure! {
    /// A `DescribableLogDirTopic` of [`DescribeLogDirsRequest`].
    DescribableLogDirTopic;
    topic: String;
    partitions: Vec<i32>;
}

message! {
    /// The `DescribeLogDirs` response.
    DescribeLogDirsResponse: key 35, versions 1..=5, flexible 2;
    throttle_time_ms: i32;
    error_code: i16, since 3;
    results: Vec<DescribeLogDirsResult>;
}

structure! {
    /// A `DescribeLogDirsResult` of [`DescribeLogDirsResponse`].
    DescribeLogDirsResult;
    error_code: i16;
    log_dir: String;
    topics: Vec<DescribeLogDirsTopic>;
    total_bytes: i64, since 4, default -1;
    usable_bytes: i64, since 4, default -1;
    is_cordoned: bool, since 5;
}

structure! {
    /// A `DescribeLogDirsTopic` of [`DescribeLogDirsResponse`].
    DescribeLogDirsTopic;
    name: String;
    partitions: Vec<DescribeLogDirsPartition>;
}

structure! {
    /// A `DescribeLogDirsPartition` of [`DescribeLogDirsResponse`].
    DescribeLogDirsPartition;
    partition_index: i32;
    partition_size: i64;
    offset_lag: i64;
    is_future_key: bool;
}
