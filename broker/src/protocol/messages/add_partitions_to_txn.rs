//! Adds partitions to a transaction (key 24). 4 and later are spoken between brokers.

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `AddPartitionsToTxn` request.
    AddPartitionsToTxnRequest: key 24, versions 0..=5, flexible 3;
    transactions: Vec<AddPartitionsToTxnTransaction>, since 4;
    v3_and_below_transactional_id: String, until 3;
    v3_and_below_producer_id: i64, until 3;
    v3_and_below_producer_epoch: i16, until 3;
    v3_and_below_topics: Vec<AddPartitionsToTxnTopic>, until 3;
}

structure! {
    /// An `AddPartitionsToTxnTransaction` of [`AddPartitionsToTxnRequest`].
    AddPartitionsToTxnTransaction;
    transactional_id: String, since 4;
    producer_id: i64, since 4;
    producer_epoch: i16, since 4;
    verify_only: bool, since 4;
    topics: Vec<AddPartitionsToTxnTopic>, since 4;
}

structure! {
    /// An `AddPartitionsToTxnTopic` of [`AddPartitionsToTxnRequest`].
    AddPartitionsToTxnTopic;
    name: String;
    partitions: Vec<i32>;
}

message! {
    /// The `AddPartitionsToTxn` response.
    AddPartitionsToTxnResponse: key 24, versions 0..=5, flexible 3;
    throttle_time_ms: i32;
    error_code: i16, since 4;
    results_by_transaction: Vec<AddPartitionsToTxnResult>, since 4;
    results_by_topic_v3_and_below: Vec<AddPartitionsToTxnTopicResult>, until 3;
}

structure! {
    /// An `AddPartitionsToTxnResult` of [`AddPartitionsToTxnResponse`].
    AddPartitionsToTxnResult;
    transactional_id: String, since 4;
    topic_results: Vec<AddPartitionsToTxnTopicResult>, since 4;
}

structure! {
    /// An `AddPartitionsToTxnTopicResult` of [`AddPartitionsToTxnResponse`].
    AddPartitionsToTxnTopicResult;
    name: String;
    results_by_partition: Vec<AddPartitionsToTxnPartitionResult>;
}

structure! {
    /// An `AddPartitionsToTxnPartitionResult` of [`AddPartitionsToTxnResponse`].
    AddPartitionsToTxnPartitionResult;
    partition_index: i32;
    partition_error_code: i16;
}
