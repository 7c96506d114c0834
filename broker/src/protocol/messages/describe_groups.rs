//! Describes classic groups (key 15). From 6 on an unknown group is an error.

use bytes::Bytes;

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `DescribeGroups` request.
    DescribeGroupsRequest: key 15, versions 0..=6, flexible 5;
    groups: Vec<String>;
    include_authorized_operations: bool, since 3;
}

message! {
    /// The `DescribeGroups` response.
    DescribeGroupsResponse: key 15, versions 0..=6, flexible 5;
    throttle_time_ms: i32, since 1;
    groups: Vec<DescribedGroup>;
}

structure! {
    /// A `DescribedGroup` of [`DescribeGroupsResponse`].
    DescribedGroup;
    error_code: i16;
    error_message: Option<String>, since 6;
    group_id: String;
    group_state: String;
    protocol_type: String;
    protocol_data: String;
    members: Vec<DescribedGroupMember>;
    authorized_operations: i32, since 3, default i32::MIN;
}

structure! {
    /// A `DescribedGroupMember` of [`DescribeGroupsResponse`].
    DescribedGroupMember;
    member_id: String;
    group_instance_id: Option<String>, since 4;
    client_id: String;
    client_host: String;
    member_metadata: Bytes;
    member_assignment: Bytes;
}
