//! `UpdateFeatures` (key 57): the levels are fixed by the release, so only what changes nothing is accepted.

use crate::authorizer::Operation;
use crate::dispatch::Context;
use crate::error::denied;
use crate::handlers::api_versions::FEATURES;
use crate::protocol::ErrorCode;
use crate::protocol::messages::update_features::{FeatureUpdateKey, UpdatableFeatureResult};
use crate::protocol::messages::{UpdateFeaturesRequest, UpdateFeaturesResponse};

/// First version that answers for all features with one code.
const ONE_CODE_SINCE: i16 = 2;
/// First version that says whether a level is to rise or to fall; before, it may be allowed to fall.
const TYPE_SINCE: i16 = 1;
/// A level is to rise.
const UPGRADE: i8 = 1;

pub(crate) async fn handle(context: &Context, request: UpdateFeaturesRequest) -> UpdateFeaturesResponse {
    let failed = |(code, message): (ErrorCode, String)| UpdateFeaturesResponse {
        error_code: code.code(),
        error_message: Some(message),
        ..Default::default()
    };
    if !context.access.allows_cluster(Operation::Alter) {
        return failed(denied(ErrorCode::ClusterAuthorizationFailed));
    }
    let version = context.version;
    if version < ONE_CODE_SINCE {
        let results = request.feature_updates.into_iter().map(|update| {
            let (code, error_message) = match check(&update, version) {
                Ok(()) => (ErrorCode::None, None),
                Err((code, message)) => (code, Some(message)),
            };
            UpdatableFeatureResult { feature: update.feature, error_code: code.code(), error_message }
        });
        return UpdateFeaturesResponse { results: results.collect(), ..Default::default() };
    }
    match request.feature_updates.iter().try_for_each(|update| check(update, version)) {
        Ok(()) => UpdateFeaturesResponse::default(),
        Err((code, message)) => failed((code, format!("No feature was updated: {message}"))),
    }
}

/// Whether a feature may be set to a level: it is at that level already.
fn check(update: &FeatureUpdateKey, version: i16) -> Result<(), (ErrorCode, String)> {
    let level = update.max_version_level;
    let invalid = |why: String| {
        let message = format!("Invalid update version {level} for feature {}. {why}", update.feature);
        Err((ErrorCode::InvalidUpdateVersion, message))
    };
    let Some(feature) = FEATURES.iter().find(|feature| feature.name == update.feature) else {
        return invalid("This node does not support the feature.".to_owned());
    };
    if level == feature.level {
        return Ok(());
    }
    if !(feature.least..=feature.level).contains(&level) {
        return invalid(format!("This node only supports versions {}-{}", feature.least, feature.level));
    }
    let may_fall = if version < TYPE_SINCE { update.allow_downgrade } else { update.upgrade_type != UPGRADE };
    if !may_fall {
        return invalid("A downgrade must be asked for as one.".to_owned());
    }
    let message = format!("The level of {} is fixed; it stays at {}.", feature.name, feature.level);
    Err((ErrorCode::FeatureUpdateFailed, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_level_in_force_is_accepted() {
        const SAFE_DOWNGRADE: i8 = 2;
        let code = |feature: &str, max_version_level, upgrade_type| {
            let feature = feature.to_owned();
            let update = FeatureUpdateKey { feature, max_version_level, upgrade_type, ..Default::default() };
            check(&update, 1).err().map(|(code, _)| code)
        };
        for feature in &FEATURES {
            for upgrade_type in [UPGRADE, SAFE_DOWNGRADE] {
                assert_eq!(code(feature.name, feature.level, upgrade_type), None);
                let above = code(feature.name, feature.level + 1, upgrade_type);
                assert_eq!(above, Some(ErrorCode::InvalidUpdateVersion));
                let below = code(feature.name, feature.least - 1, upgrade_type);
                assert_eq!(below, Some(ErrorCode::InvalidUpdateVersion));
            }
            let lower = feature.level - 1;
            assert_eq!(code(feature.name, lower, UPGRADE), Some(ErrorCode::InvalidUpdateVersion));
            assert_eq!(code(feature.name, lower, SAFE_DOWNGRADE), Some(ErrorCode::FeatureUpdateFailed));
        }
        assert_eq!(code("nobody", 1, UPGRADE), Some(ErrorCode::InvalidUpdateVersion));
    }

    #[test]
    fn before_types_a_flag_allows_a_downgrade() {
        let update = |allow_downgrade| FeatureUpdateKey {
            feature: "transaction.version".to_owned(),
            max_version_level: 1,
            allow_downgrade,
            ..Default::default()
        };
        assert_eq!(check(&update(false), 0).unwrap_err().0, ErrorCode::InvalidUpdateVersion);
        assert_eq!(check(&update(true), 0).unwrap_err().0, ErrorCode::FeatureUpdateFailed);
    }
}
