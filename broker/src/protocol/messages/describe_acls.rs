//! Lists access rules (key 29).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `DescribeAcls` request.
    DescribeAclsRequest: key 29, versions 1..=3, flexible 2;
    resource_type_filter: i8;
    resource_name_filter: Option<String>;
    pattern_type_filter: i8, default 3;
    principal_filter: Option<String>;
    host_filter: Option<String>;
    operation: i8;
    permission_type: i8;
}

message! {
    /// The `DescribeAcls` response.
    DescribeAclsResponse: key 29, versions 1..=3, flexible 2;
    throttle_time_ms: i32;
    error_code: i16;
    error_message: Option<String>;
    resources: Vec<DescribeAclsResource>;
}

structure! {
    /// A `DescribeAclsResource` of [`DescribeAclsResponse`].
    DescribeAclsResource;
    resource_type: i8;
    resource_name: String;
    pattern_type: i8, default 3;
    acls: Vec<AclDescription>;
}

structure! {
    /// An `AclDescription` of [`DescribeAclsResponse`].
    AclDescription;
    principal: String;
    host: String;
    operation: i8;
    permission_type: i8;
}
