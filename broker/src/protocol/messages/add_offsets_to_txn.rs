//! Adds a group's offsets to a transaction (key 25).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `AddOffsetsToTxn` request.
    AddOffsetsToTxnRequest: key 25, versions 0..=4, flexible 3;
    transactional_id: String;
    producer_id: i64;
    producer_epoch: i16;
    group_id: String;
}

message! {
    /// The `AddOffsetsToTxn` response.
    AddOffsetsToTxnResponse: key 25, versions 0..=4, flexible 3;
    throttle_time_ms: i32;
    error_code: i16;
}
