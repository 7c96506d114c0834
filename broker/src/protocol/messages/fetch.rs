//! Reads record batches (key 1). 7 brings sessions (KIP-227), 12 diverging epochs, 13 names topics by id.

use uuid::Uuid;

use crate::protocol::declare::{bound_or, default_value, message, structure};
use crate::protocol::records::Records;

message! {
    /// The `Fetch` request.
    FetchRequest: key 1, versions 4..=18, flexible 12;
    cluster_id: Option<String>, since 12, tag 0;
    replica_id: i32, until 14, default -1;
    replica_state: ReplicaState, since 15, tag 1;
    max_wait_ms: i32;
    min_bytes: i32;
    max_bytes: i32, default i32::MAX;
    isolation_level: i8;
    session_id: i32, since 7;
    session_epoch: i32, since 7, default -1;
    topics: Vec<FetchTopic>;
    forgotten_topics_data: Vec<ForgottenTopic>, since 7;
    rack_id: String, since 11;
}

structure! {
    /// A `ReplicaState` of [`FetchRequest`].
    ReplicaState;
    replica_id: i32, since 15, default -1;
    replica_epoch: i64, since 15, default -1;
}

structure! {
    /// A `FetchTopic` of [`FetchRequest`].
    FetchTopic;
    topic: String, until 12;
    topic_id: Uuid, since 13;
    partitions: Vec<FetchPartition>;
}

structure! {
    /// A `FetchPartition` of [`FetchRequest`].
    FetchPartition;
    partition: i32;
    current_leader_epoch: i32, since 9, default -1;
    fetch_offset: i64;
    last_fetched_epoch: i32, since 12, default -1;
    log_start_offset: i64, since 5, default -1;
    partition_max_bytes: i32;
    replica_directory_id: Uuid, since 17, tag 0;
    high_watermark: i64, since 18, tag 1, default i64::MAX;
}

structure! {
    /// A `ForgottenTopic` of [`FetchRequest`].
    ForgottenTopic;
    topic: String, since 7, until 12;
    topic_id: Uuid, since 13;
    partitions: Vec<i32>, since 7;
}

message! {
    /// The `Fetch` response.
    FetchResponse: key 1, versions 4..=18, flexible 12;
    throttle_time_ms: i32;
    error_code: i16, since 7;
    session_id: i32, since 7;
    responses: Vec<FetchableTopicResponse>;
    node_endpoints: Vec<NodeEndpoint>, since 16, tag 0;
}

structure! {
    /// A `FetchableTopicResponse` of [`FetchResponse`].
    FetchableTopicResponse;
    topic: String, until 12;
    topic_id: Uuid, since 13;
    partitions: Vec<PartitionData>;
}

structure! {
    /// A `PartitionData` of [`FetchResponse`].
    PartitionData;
    partition_index: i32;
    error_code: i16;
    high_watermark: i64;
    last_stable_offset: i64, default -1;
    log_start_offset: i64, since 5, default -1;
    diverging_epoch: EpochEndOffset, since 12, tag 0;
    current_leader: LeaderIdAndEpoch, since 12, tag 1;
    snapshot_id: SnapshotId, since 12, tag 2;
    aborted_transactions: Option<Vec<AbortedTransaction>>;
    preferred_read_replica: i32, since 11, default -1;
    records: Option<Records>;
}

structure! {
    /// An `EpochEndOffset` of [`FetchResponse`].
    EpochEndOffset;
    epoch: i32, since 12, default -1;
    end_offset: i64, since 12, default -1;
}

structure! {
    /// A `LeaderIdAndEpoch` of [`FetchResponse`].
    LeaderIdAndEpoch;
    leader_id: i32, since 12, default -1;
    leader_epoch: i32, since 12, default -1;
}

structure! {
    /// A `SnapshotId` of [`FetchResponse`].
    SnapshotId;
    end_offset: i64, default -1;
    epoch: i32, default -1;
}

structure! {
    /// An `AbortedTransaction` of [`FetchResponse`].
    AbortedTransaction;
    producer_id: i64;
    first_offset: i64;
}

structure! {
    /// A `NodeEndpoint` of [`FetchResponse`].
    NodeEndpoint;
    node_id: i32, since 16;
    host: String, since 16;
    port: i32, since 16;
    rack: Option<String>, since 16;
}
