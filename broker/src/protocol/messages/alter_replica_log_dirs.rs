//! Moves replicas between the log folders of a broker (key 34).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `AlterReplicaLogDirs` request.
    AlterReplicaLogDirsRequest: key 34, versions 1..=2, flexible 2;
    dirs: Vec<AlterReplicaLogDir>;
}

structure! {
    /// An `AlterReplicaLogDir` of [`AlterReplicaLogDirsRequest`].
    AlterReplicaLogDir;
    path: String;
    topics: Vec<AlterReplicaLogDirTopic>;
}

structure! {
    /// An `AlterReplicaLogDirTopic` of [`AlterReplicaLogDirsRequest`].
    AlterReplicaLogDirTopic;
    name: String;
    partitions: Vec<i32>;
}

message! {
    /// The `AlterReplicaLogDirs` response.
    AlterReplicaLogDirsResponse: key 34, versions 1..=2, flexible 2;
    throttle_time_ms: i32;
    results: Vec<AlterReplicaLogDirTopicResult>;
}

structure! {
    /// An `AlterReplicaLogDirTopicResult` of [`AlterReplicaLogDirsResponse`].
    AlterReplicaLogDirTopicResult;
    topic_name: String;
    partitions: Vec<AlterReplicaLogDirPartitionResult>;
}

structure! {
    /// An `AlterReplicaLogDirPartitionResult` of [`AlterReplicaLogDirsResponse`].
    AlterReplicaLogDirPartitionResult;
    partition_index: i32;
    error_code: i16;
}
