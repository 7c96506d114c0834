//! Asks for a leader election (key 43).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `ElectLeaders` request.
    ElectLeadersRequest: key 43, versions 0..=2, flexible 2;
    election_type: i8, since 1;
    topic_partitions: Option<Vec<TopicPartitions>>;
    timeout_ms: i32, default 60000;
}

structure! {
    /// A `TopicPartitions` of [`ElectLeadersRequest`].
    TopicPartitions;
    topic: String;
    partitions: Vec<i32>;
}

message! {
    /// The `ElectLeaders` response.
    ElectLeadersResponse: key 43, versions 0..=2, flexible 2;
    throttle_time_ms: i32;
    error_code: i16, since 1;
    replica_election_results: Vec<ReplicaElectionResult>;
}

structure! {
    /// A `ReplicaElectionResult` of [`ElectLeadersResponse`].
    ReplicaElectionResult;
    topic: String;
    partition_result: Vec<PartitionResult>;
}

structure! {
    /// A `PartitionResult` of [`ElectLeadersResponse`].
    PartitionResult;
    partition_id: i32;
    error_code: i16;
    error_message: Option<String>;
}
