//! Deletes groups (key 42).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `DeleteGroups` request.
    DeleteGroupsRequest: key 42, versions 0..=2, flexible 2;
    groups_names: Vec<String>;
}

message! {
    /// The `DeleteGroups` response.
    DeleteGroupsResponse: key 42, versions 0..=2, flexible 2;
    throttle_time_ms: i32;
    results: Vec<DeletableGroupResult>;
}

structure! {
    /// A `DeletableGroupResult` of [`DeleteGroupsResponse`].
    DeletableGroupResult;
    group_id: String;
    error_code: i16;
}
