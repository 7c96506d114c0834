//! Lists what has settings (key 74, KIP-1142). Version 0 knows client metrics alone.

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `ListConfigResources` request.
    ListConfigResourcesRequest: key 74, versions 0..=1, flexible 0;
    resource_types: Vec<i8>, since 1;
}

message! {
    /// The `ListConfigResources` response.
    ListConfigResourcesResponse: key 74, versions 0..=1, flexible 0;
    throttle_time_ms: i32;
    error_code: i16;
    config_resources: Vec<ConfigResource>;
}

structure! {
    /// A `ConfigResource` of [`ListConfigResourcesResponse`].
    ConfigResource;
    resource_name: String;
    resource_type: i8, since 1, default 16;
}
