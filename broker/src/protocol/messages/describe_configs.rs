//! Describes configurations (key 32).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `DescribeConfigs` request.
    DescribeConfigsRequest: key 32, versions 1..=4, flexible 4;
    resources: Vec<DescribeConfigsResource>;
    include_synonyms: bool;
    include_documentation: bool, since 3;
}

structure! {
    /// A `DescribeConfigsResource` of [`DescribeConfigsRequest`].
    DescribeConfigsResource;
    resource_type: i8;
    resource_name: String;
    configuration_keys: Option<Vec<String>>;
}

message! {
    /// The `DescribeConfigs` response.
    DescribeConfigsResponse: key 32, versions 1..=4, flexible 4;
    throttle_time_ms: i32;
    results: Vec<DescribeConfigsResult>;
}

structure! {
    /// A `DescribeConfigsResult` of [`DescribeConfigsResponse`].
    DescribeConfigsResult;
    error_code: i16;
    error_message: Option<String>;
    resource_type: i8;
    resource_name: String;
    configs: Vec<DescribeConfigsResourceResult>;
}

structure! {
    /// A `DescribeConfigsResourceResult` of [`DescribeConfigsResponse`].
    DescribeConfigsResourceResult;
    name: String;
    value: Option<String>;
    read_only: bool;
    config_source: i8, default -1;
    is_sensitive: bool;
    synonyms: Vec<DescribeConfigsSynonym>;
    config_type: i8, since 3;
    documentation: Option<String>, since 3;
}

structure! {
    /// A `DescribeConfigsSynonym` of [`DescribeConfigsResponse`].
    DescribeConfigsSynonym;
    name: String;
    value: Option<String>;
    source: i8;
}
