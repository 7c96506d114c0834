//! Hands out the assignment of a classic group (key 14).

use bytes::Bytes;

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `SyncGroup` request.
    SyncGroupRequest: key 14, versions 0..=5, flexible 4;
    group_id: String;
    generation_id: i32;
    member_id: String;
    group_instance_id: Option<String>, since 3;
    protocol_type: Option<String>, since 5;
    protocol_name: Option<String>, since 5;
    assignments: Vec<SyncGroupRequestAssignment>;
}

structure! {
    /// A `SyncGroupRequestAssignment` of [`SyncGroupRequest`].
    SyncGroupRequestAssignment;
    member_id: String;
    assignment: Bytes;
}

message! {
    /// The `SyncGroup` response.
    SyncGroupResponse: key 14, versions 0..=5, flexible 4;
    throttle_time_ms: i32, since 1;
    error_code: i16;
    protocol_type: Option<String>, since 5;
    protocol_name: Option<String>, since 5;
    assignment: Bytes;
}
