//! Leaves a classic group (key 13). From 3 on for several members.

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `LeaveGroup` request.
    LeaveGroupRequest: key 13, versions 0..=5, flexible 4;
    group_id: String;
    member_id: String, until 2;
    members: Vec<MemberIdentity>, since 3;
}

structure! {
    /// A `MemberIdentity` of [`LeaveGroupRequest`].
    MemberIdentity;
    member_id: String, since 3;
    group_instance_id: Option<String>, since 3;
    reason: Option<String>, since 5;
}

message! {
    /// The `LeaveGroup` response.
    LeaveGroupResponse: key 13, versions 0..=5, flexible 4;
    throttle_time_ms: i32, since 1;
    error_code: i16;
    members: Vec<MemberResponse>, since 3;
}

structure! {
    /// A `MemberResponse` of [`LeaveGroupResponse`].
    MemberResponse;
    member_id: String, since 3;
    group_instance_id: Option<String>, since 3;
    error_code: i16, since 3;
}
