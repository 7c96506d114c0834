//! Replaces the dynamic configuration of a resource (key 33).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `AlterConfigs` request.
    AlterConfigsRequest: key 33, versions 0..=2, flexible 2;
    resources: Vec<AlterConfigsResource>;
    validate_only: bool;
}

structure! {
    /// An `AlterConfigsResource` of [`AlterConfigsRequest`].
    AlterConfigsResource;
    resource_type: i8;
    resource_name: String;
    configs: Vec<AlterableConfig>;
}

structure! {
    /// An `AlterableConfig` of [`AlterConfigsRequest`].
    AlterableConfig;
    name: String;
    value: Option<String>;
}

message! {
    /// The `AlterConfigs` response.
    AlterConfigsResponse: key 33, versions 0..=2, flexible 2;
    throttle_time_ms: i32;
    responses: Vec<AlterConfigsResourceResponse>;
}

structure! {
    /// An `AlterConfigsResourceResponse` of [`AlterConfigsResponse`].
    AlterConfigsResourceResponse;
    error_code: i16;
    error_message: Option<String>;
    resource_type: i8;
    resource_name: String;
}
