//! Describes the quorum behind the cluster's metadata (key 55, KIP-595).

use uuid::Uuid;

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `DescribeQuorum` request.
    DescribeQuorumRequest: key 55, versions 0..=2, flexible 0;
    topics: Vec<QuorumTopic>;
}

structure! {
    /// A `TopicData` of [`DescribeQuorumRequest`].
    QuorumTopic;
    topic_name: String;
    partitions: Vec<QuorumPartition>;
}

structure! {
    /// A `PartitionData` of [`DescribeQuorumRequest`].
    QuorumPartition;
    partition_index: i32;
}

message! {
    /// The `DescribeQuorum` response.
    DescribeQuorumResponse: key 55, versions 0..=2, flexible 0;
    error_code: i16;
    error_message: Option<String>, since 2;
    topics: Vec<TopicData>;
    nodes: Vec<Node>, since 2;
}

structure! {
    /// A `TopicData` of [`DescribeQuorumResponse`].
    TopicData;
    topic_name: String;
    partitions: Vec<PartitionData>;
}

structure! {
    /// A `PartitionData` of [`DescribeQuorumResponse`].
    PartitionData;
    partition_index: i32;
    error_code: i16;
    error_message: Option<String>, since 2;
    leader_id: i32;
    leader_epoch: i32;
    high_watermark: i64;
    current_voters: Vec<ReplicaState>;
    observers: Vec<ReplicaState>;
}

structure! {
    /// A `ReplicaState` of [`DescribeQuorumResponse`].
    ReplicaState;
    replica_id: i32;
    replica_directory_id: Uuid, since 2;
    log_end_offset: i64;
    last_fetch_timestamp: i64, since 1, default -1;
    last_caught_up_timestamp: i64, since 1, default -1;
}

structure! {
    /// A `Node` of [`DescribeQuorumResponse`].
    Node;
    node_id: i32, since 2;
    listeners: Vec<Listener>, since 2;
}

structure! {
    /// A `Listener` of [`DescribeQuorumResponse`].
    Listener;
    name: String, since 2;
    host: String, since 2;
    port: u16, since 2;
}
