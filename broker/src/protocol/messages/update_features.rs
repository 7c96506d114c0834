//! Changes the levels of features (key 57).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `UpdateFeatures` request.
    UpdateFeaturesRequest: key 57, versions 0..=2, flexible 0;
    timeout_ms: i32, default 60000;
    feature_updates: Vec<FeatureUpdateKey>;
    validate_only: bool, since 1;
}

structure! {
    /// A `FeatureUpdateKey` of [`UpdateFeaturesRequest`].
    FeatureUpdateKey;
    feature: String;
    max_version_level: i16;
    allow_downgrade: bool, until 0;
    upgrade_type: i8, since 1, default 1;
}

message! {
    /// The `UpdateFeatures` response.
    UpdateFeaturesResponse: key 57, versions 0..=2, flexible 0;
    throttle_time_ms: i32;
    error_code: i16;
    error_message: Option<String>;
    results: Vec<UpdatableFeatureResult>, until 1;
}

structure! {
    /// An `UpdatableFeatureResult` of [`UpdateFeaturesResponse`].
    UpdatableFeatureResult;
    feature: String;
    error_code: i16;
    error_message: Option<String>;
}
