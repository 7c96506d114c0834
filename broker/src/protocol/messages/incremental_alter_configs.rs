//! Changes single configuration keys (key 44).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `IncrementalAlterConfigs` request.
    IncrementalAlterConfigsRequest: key 44, versions 0..=1, flexible 1;
    resources: Vec<AlterConfigsResource>;
    validate_only: bool;
}

structure! {
    /// An `AlterConfigsResource` of [`IncrementalAlterConfigsRequest`].
    AlterConfigsResource;
    resource_type: i8;
    resource_name: String;
    configs: Vec<AlterableConfig>;
}

structure! {
    /// An `AlterableConfig` of [`IncrementalAlterConfigsRequest`].
    AlterableConfig;
    name: String;
    config_operation: i8;
    value: Option<String>;
}

message! {
    /// The `IncrementalAlterConfigs` response.
    IncrementalAlterConfigsResponse: key 44, versions 0..=1, flexible 1;
    throttle_time_ms: i32;
    responses: Vec<AlterConfigsResourceResponse>;
}

structure! {
    /// An `AlterConfigsResourceResponse` of [`IncrementalAlterConfigsResponse`].
    AlterConfigsResourceResponse;
    error_code: i16;
    error_message: Option<String>;
    resource_type: i8;
    resource_name: String;
}
