//! Lists transactions (key 66).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `ListTransactions` request.
    ListTransactionsRequest: key 66, versions 0..=2, flexible 0;
    state_filters: Vec<String>;
    producer_id_filters: Vec<i64>;
    duration_filter: i64, since 1, default -1;
    transactional_id_pattern: Option<String>, since 2;
}

message! {
    /// The `ListTransactions` response.
    ListTransactionsResponse: key 66, versions 0..=2, flexible 0;
    throttle_time_ms: i32;
    error_code: i16;
    unknown_state_filters: Vec<String>;
    transaction_states: Vec<TransactionState>;
}

structure! {
    /// A `TransactionState` of [`ListTransactionsResponse`].
    TransactionState;
    transactional_id: String;
    producer_id: i64;
    transaction_state: String;
}
