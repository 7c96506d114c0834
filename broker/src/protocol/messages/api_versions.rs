//! Lists the APIs served (key 18, KIP-511). The response header never has a tag buffer.

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `ApiVersions` request.
    ApiVersionsRequest: key 18, versions 0..=4, flexible 3;
    client_software_name: String, since 3;
    client_software_version: String, since 3;
}

message! {
    /// The `ApiVersions` response.
    ApiVersionsResponse: key 18, versions 0..=4, flexible 3;
    error_code: i16;
    api_keys: Vec<ApiVersion>;
    throttle_time_ms: i32, since 1;
    supported_features: Vec<SupportedFeatureKey>, since 3, tag 0;
    finalized_features_epoch: i64, since 3, tag 1, default -1;
    finalized_features: Vec<FinalizedFeatureKey>, since 3, tag 2;
    zk_migration_ready: bool, since 3, tag 3;
}

structure! {
    /// An `ApiVersion` of [`ApiVersionsResponse`].
    ApiVersion;
    api_key: i16;
    min_version: i16;
    max_version: i16;
}

structure! {
    /// A `SupportedFeatureKey` of [`ApiVersionsResponse`].
    SupportedFeatureKey;
    name: String, since 3;
    min_version: i16, since 3;
    max_version: i16, since 3;
}

structure! {
    /// A `FinalizedFeatureKey` of [`ApiVersionsResponse`].
    FinalizedFeatureKey;
    name: String, since 3;
    max_version_level: i16, since 3;
    min_version_level: i16, since 3;
}
