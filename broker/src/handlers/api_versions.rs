//! `ApiVersions` (key 18): what is served, straight from the dispatch table.

use crate::dispatch::{Context, SERVED};
use crate::protocol::messages::api_versions::{ApiVersion, FinalizedFeatureKey, SupportedFeatureKey};
use crate::protocol::messages::{ApiVersionsRequest, ApiVersionsResponse};
use crate::protocol::{ApiKey, ErrorCode};

/// First version in which the client names its software.
const SOFTWARE_SINCE: i16 = 3;
/// First version whose clients can read a feature that starts at level 0.
const LEVEL_0_SINCE: i16 = 4;
/// A feature of the cluster (KIP-584).
#[derive(Debug)]
pub(crate) struct Feature {
    pub(crate) name: &'static str,
    /// Lowest level that Kafka 4.1 knows.
    pub(crate) least: i16,
    /// The level in force, and the highest known.
    pub(crate) level: i16,
}

/// The features: the consumer group protocol (KIP-848), the release (tools take 27 for 4.1), and transactions whose every end
/// bumps the epoch (KIP-890).
pub(crate) const FEATURES: [Feature; 3] = [
    Feature { name: "group.version", least: 0, level: 1 },
    Feature { name: "metadata.version", least: 7, level: 27 },
    Feature { name: "transaction.version", least: 0, level: 2 },
];
/// Of the features in force; they never change while a broker runs.
const FEATURES_EPOCH: i64 = 0;

pub(crate) async fn handle(context: &Context, request: ApiVersionsRequest) -> ApiVersionsResponse {
    let mut response = ApiVersionsResponse { api_keys: rows().collect(), ..features(context.version) };
    if context.version >= SOFTWARE_SINCE {
        let (name, version) = (&request.client_software_name, &request.client_software_version);
        if is_software_name(name) && is_software_name(version) {
            tracing::debug!(peer = %context.connection.peer, name, version, "client software");
            context.connection.set_software(name, version);
        } else {
            response =
                ApiVersionsResponse { error_code: ErrorCode::InvalidRequest.code(), ..Default::default() };
        }
    }
    response
}

/// The answer, in version 0, to a version above the range.
pub(crate) fn unsupported() -> ApiVersionsResponse {
    ApiVersionsResponse {
        error_code: ErrorCode::UnsupportedVersion.code(),
        api_keys: rows().filter(|row| row.api_key == ApiKey::ApiVersions.code()).collect(),
        ..Default::default()
    }
}

/// An answer with the features alone.
fn features(version: i16) -> ApiVersionsResponse {
    let readable = FEATURES.iter().filter(|feature| feature.least > 0 || version >= LEVEL_0_SINCE);
    let supported = readable.map(|feature| SupportedFeatureKey {
        name: feature.name.to_owned(),
        min_version: feature.least,
        max_version: feature.level,
    });
    let finalized = FEATURES.iter().map(|feature| FinalizedFeatureKey {
        name: feature.name.to_owned(),
        max_version_level: feature.level,
        min_version_level: feature.level,
    });
    ApiVersionsResponse {
        supported_features: supported.collect(),
        finalized_features_epoch: FEATURES_EPOCH,
        finalized_features: finalized.collect(),
        ..Default::default()
    }
}

fn rows() -> impl Iterator<Item = ApiVersion> {
    SERVED.iter().map(|row| ApiVersion {
        api_key: row.api.code(),
        min_version: row.version_min,
        max_version: row.version_max,
    })
}

/// `[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?` (KIP-511).
fn is_software_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    let ends = bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.last().is_some_and(u8::is_ascii_alphanumeric);
    ends && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::{FEATURES, features, is_software_name};

    #[test]
    fn features_are_named_as_the_version_can_read_them() {
        for (version, supported) in [(3, 1), (4, FEATURES.len())] {
            let response = features(version);
            assert_eq!(response.supported_features.len(), supported);
            let finalized =
                response.finalized_features.iter().map(|one| (one.name.as_str(), one.max_version_level));
            let in_force = FEATURES.iter().map(|feature| (feature.name, feature.level));
            assert_eq!(finalized.collect::<Vec<_>>(), in_force.collect::<Vec<_>>());
            assert!(response.finalized_features_epoch >= 0);
        }
    }

    #[test]
    fn software_names_follow_the_pattern() {
        for good in ["a", "librdkafka", "confluent-kafka-python", "2.15.0-RC1"] {
            assert!(is_software_name(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a b", "é", "."] {
            assert!(!is_software_name(bad), "{bad}");
        }
    }
}
