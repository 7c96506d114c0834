//! Joins a classic group (key 11). 4 brings the required member id, 5 static membership.

use bytes::Bytes;

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `JoinGroup` request.
    JoinGroupRequest: key 11, versions 0..=9, flexible 6;
    group_id: String;
    session_timeout_ms: i32;
    rebalance_timeout_ms: i32, since 1, default -1;
    member_id: String;
    group_instance_id: Option<String>, since 5;
    protocol_type: String;
    protocols: Vec<JoinGroupRequestProtocol>;
    reason: Option<String>, since 8;
}

structure! {
    /// A `JoinGroupRequestProtocol` of [`JoinGroupRequest`].
    JoinGroupRequestProtocol;
    name: String;
    metadata: Bytes;
}

message! {
    /// The `JoinGroup` response.
    JoinGroupResponse: key 11, versions 0..=9, flexible 6;
    throttle_time_ms: i32, since 2;
    error_code: i16;
    generation_id: i32, default -1;
    protocol_type: Option<String>, since 7;
    protocol_name: Option<String>, null 7;
    leader: String;
    skip_assignment: bool, since 9;
    member_id: String;
    members: Vec<JoinGroupResponseMember>;
}

structure! {
    /// A `JoinGroupResponseMember` of [`JoinGroupResponse`].
    JoinGroupResponseMember;
    member_id: String;
    group_instance_id: Option<String>, since 5;
    metadata: Bytes;
}
