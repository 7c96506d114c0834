//! Appends record batches (key 0). Versions 0 to 2 are advertised for old librdkafka and never served; 7 allows zstd, 8 brings
//! record errors, 13 names topics by id.

use uuid::Uuid;

use crate::protocol::declare::{bound_or, default_value, message, structure};
use crate::protocol::records::Records;

message! {
    /// The `Produce` request.
    ProduceRequest: key 0, versions 3..=13, flexible 9;
    transactional_id: Option<String>;
    acks: i16;
    timeout_ms: i32;
    topic_data: Vec<TopicProduceData>;
}

structure! {
    /// A `TopicProduceData` of [`ProduceRequest`].
    TopicProduceData;
    name: String, until 12;
    topic_id: Uuid, since 13;
    partition_data: Vec<PartitionProduceData>;
}

structure! {
    /// A `PartitionProduceData` of [`ProduceRequest`].
    PartitionProduceData;
    index: i32;
    records: Option<Records>;
}

message! {
    /// The `Produce` response.
    ProduceResponse: key 0, versions 3..=13, flexible 9;
    responses: Vec<TopicProduceResponse>;
    throttle_time_ms: i32;
    node_endpoints: Vec<NodeEndpoint>, since 10, tag 0;
}

structure! {
    /// A `TopicProduceResponse` of [`ProduceResponse`].
    TopicProduceResponse;
    name: String, until 12;
    topic_id: Uuid, since 13;
    partition_responses: Vec<PartitionProduceResponse>;
}

structure! {
    /// A `PartitionProduceResponse` of [`ProduceResponse`].
    PartitionProduceResponse;
    index: i32;
    error_code: i16;
    base_offset: i64;
    log_append_time_ms: i64, default -1;
    log_start_offset: i64, since 5, default -1;
    record_errors: Vec<BatchIndexAndErrorMessage>, since 8;
    error_message: Option<String>, since 8;
    current_leader: LeaderIdAndEpoch, since 10, tag 0;
}

structure! {
    /// A `BatchIndexAndErrorMessage` of [`ProduceResponse`].
    BatchIndexAndErrorMessage;
    batch_index: i32, since 8;
    batch_index_error_message: Option<String>, since 8;
}

structure! {
    /// A `LeaderIdAndEpoch` of [`ProduceResponse`].
    LeaderIdAndEpoch;
    leader_id: i32, since 10, default -1;
    leader_epoch: i32, since 10, default -1;
}

structure! {
    /// A `NodeEndpoint` of [`ProduceResponse`].
    NodeEndpoint;
    node_id: i32, since 10;
    host: String, since 10;
    port: i32, since 10;
    rack: Option<String>, since 10;
}
