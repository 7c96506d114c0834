//! Deletes access rules (key 31).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `DeleteAcls` request.
    DeleteAclsRequest: key 31, versions 1..=3, flexible 2;
    filters: Vec<DeleteAclsFilter>;
}

structure! {
    /// A `DeleteAclsFilter` of [`DeleteAclsRequest`].
    DeleteAclsFilter;
    resource_type_filter: i8;
    resource_name_filter: Option<String>;
    pattern_type_filter: i8, default 3;
    principal_filter: Option<String>;
    host_filter: Option<String>;
    operation: i8;
    permission_type: i8;
}

message! {
    /// The `DeleteAcls` response.
    DeleteAclsResponse: key 31, versions 1..=3, flexible 2;
    throttle_time_ms: i32;
    filter_results: Vec<DeleteAclsFilterResult>;
}

structure! {
    /// A `DeleteAclsFilterResult` of [`DeleteAclsResponse`].
    DeleteAclsFilterResult;
    error_code: i16;
    error_message: Option<String>;
    matching_acls: Vec<DeleteAclsMatchingAcl>;
}

structure! {
    /// A `DeleteAclsMatchingAcl` of [`DeleteAclsResponse`].
    DeleteAclsMatchingAcl;
    error_code: i16;
    error_message: Option<String>;
    resource_type: i8;
    resource_name: String;
    pattern_type: i8, default 3;
    principal: String;
    host: String;
    operation: i8;
    permission_type: i8;
}
