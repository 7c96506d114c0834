//! Commits or aborts a transaction (key 26).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `EndTxn` request.
    EndTxnRequest: key 26, versions 0..=5, flexible 3;
    transactional_id: String;
    producer_id: i64;
    producer_epoch: i16;
    committed: bool;
}

message! {
    /// The `EndTxn` response.
    EndTxnResponse: key 26, versions 0..=5, flexible 3;
    throttle_time_ms: i32;
    error_code: i16;
    producer_id: i64, since 5, default -1;
    producer_epoch: i16, since 5, default -1;
}
