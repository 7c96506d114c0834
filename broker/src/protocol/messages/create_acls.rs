//! Creates access rules (key 30).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `CreateAcls` request.
    CreateAclsRequest: key 30, versions 1..=3, flexible 2;
    creations: Vec<AclCreation>;
}

structure! {
    /// An `AclCreation` of [`CreateAclsRequest`].
    AclCreation;
    resource_type: i8;
    resource_name: String;
    resource_pattern_type: i8, default 3;
    principal: String;
    host: String;
    operation: i8;
    permission_type: i8;
}

message! {
    /// The `CreateAcls` response.
    CreateAclsResponse: key 30, versions 1..=3, flexible 2;
    throttle_time_ms: i32;
    results: Vec<AclCreationResult>;
}

structure! {
    /// An `AclCreationResult` of [`CreateAclsResponse`].
    AclCreationResult;
    error_code: i16;
    error_message: Option<String>;
}
