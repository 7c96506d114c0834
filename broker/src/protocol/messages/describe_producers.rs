//! Lists active producers of partitions (key 61).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `DescribeProducers` request.
    DescribeProducersRequest: key 61, versions 0..=0, flexible 0;
    topics: Vec<TopicRequest>;
}

structure! {
    /// A `TopicRequest` of [`DescribeProducersRequest`].
    TopicRequest;
    name: String;
    partition_indexes: Vec<i32>;
}

message! {
    /// The `DescribeProducers` response.
    DescribeProducersResponse: key 61, versions 0..=0, flexible 0;
    throttle_time_ms: i32;
    topics: Vec<TopicResponse>;
}

structure! {
    /// A `TopicResponse` of [`DescribeProducersResponse`].
    TopicResponse;
    name: String;
    partitions: Vec<PartitionResponse>;
}

structure! {
    /// A `PartitionResponse` of [`DescribeProducersResponse`].
    PartitionResponse;
    partition_index: i32;
    error_code: i16;
    error_message: Option<String>;
    active_producers: Vec<ProducerState>;
}

structure! {
    /// A `ProducerState` of [`DescribeProducersResponse`].
    ProducerState;
    producer_id: i64;
    producer_epoch: i32;
    last_sequence: i32, default -1;
    last_timestamp: i64, default -1;
    coordinator_epoch: i32;
    current_txn_start_offset: i64, default -1;
}
