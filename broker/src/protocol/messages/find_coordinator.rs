//! Locates the coordinator of a group or transaction (key 10). From 4 on for several keys.

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `FindCoordinator` request.
    FindCoordinatorRequest: key 10, versions 0..=6, flexible 3;
    key: String, until 3;
    key_type: i8, since 1;
    coordinator_keys: Vec<String>, since 4;
}

message! {
    /// The `FindCoordinator` response.
    FindCoordinatorResponse: key 10, versions 0..=6, flexible 3;
    throttle_time_ms: i32, since 1;
    error_code: i16, until 3;
    error_message: Option<String>, since 1, until 3;
    node_id: i32, until 3;
    host: String, until 3;
    port: i32, until 3;
    coordinators: Vec<Coordinator>, since 4;
}

structure! {
    /// A `Coordinator` of [`FindCoordinatorResponse`].
    Coordinator;
    key: String, since 4;
    node_id: i32, since 4;
    host: String, since 4;
    port: i32, since 4;
    error_code: i16, since 4;
    error_message: Option<String>, since 4;
}
