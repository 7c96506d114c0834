//! Describes transactions (key 65).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `DescribeTransactions` request.
    DescribeTransactionsRequest: key 65, versions 0..=0, flexible 0;
    transactional_ids: Vec<String>;
}

message! {
    /// The `DescribeTransactions` response.
    DescribeTransactionsResponse: key 65, versions 0..=0, flexible 0;
    throttle_time_ms: i32;
    transaction_states: Vec<TransactionState>;
}

structure! {
    /// A `TransactionState` of [`DescribeTransactionsResponse`].
    TransactionState;
    error_code: i16;
    transactional_id: String;
    transaction_state: String;
    transaction_timeout_ms: i32;
    transaction_start_time_ms: i64;
    producer_id: i64;
    producer_epoch: i16;
    topics: Vec<TopicData>;
}

structure! {
    /// A `TopicData` of [`DescribeTransactionsResponse`].
    TopicData;
    topic: String;
    partitions: Vec<i32>;
}
