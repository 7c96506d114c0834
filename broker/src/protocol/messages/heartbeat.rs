//! Keeps a member of a classic group alive (key 12).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `Heartbeat` request.
    HeartbeatRequest: key 12, versions 0..=4, flexible 4;
    group_id: String;
    generation_id: i32;
    member_id: String;
    group_instance_id: Option<String>, since 3;
}

message! {
    /// The `Heartbeat` response.
    HeartbeatResponse: key 12, versions 0..=4, flexible 4;
    throttle_time_ms: i32, since 1;
    error_code: i16;
}
