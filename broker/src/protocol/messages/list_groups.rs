//! Lists groups (key 16).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `ListGroups` request.
    ListGroupsRequest: key 16, versions 0..=5, flexible 3;
    states_filter: Vec<String>, since 4;
    types_filter: Vec<String>, since 5;
}

message! {
    /// The `ListGroups` response.
    ListGroupsResponse: key 16, versions 0..=5, flexible 3;
    throttle_time_ms: i32, since 1;
    error_code: i16;
    groups: Vec<ListedGroup>;
}

structure! {
    /// A `ListedGroup` of [`ListGroupsResponse`].
    ListedGroup;
    group_id: String;
    protocol_type: String;
    group_state: String, since 4;
    group_type: String, since 5;
}
