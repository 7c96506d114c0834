//! Issues a producer id (key 22).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `InitProducerId` request.
    InitProducerIdRequest: key 22, versions 0..=6, flexible 2;
    transactional_id: Option<String>;
    transaction_timeout_ms: i32;
    producer_id: i64, since 3, default -1;
    producer_epoch: i16, since 3, default -1;
    enable_2_pc: bool, since 6;
    keep_prepared_txn: bool, since 6;
}

message! {
    /// The `InitProducerId` response.
    InitProducerIdResponse: key 22, versions 0..=6, flexible 2;
    throttle_time_ms: i32;
    error_code: i16;
    producer_id: i64, default -1;
    producer_epoch: i16;
    ongoing_txn_producer_id: i64, since 6, default -1;
    ongoing_txn_producer_epoch: i16, since 6, default -1;
}
