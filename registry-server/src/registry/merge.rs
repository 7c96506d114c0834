//! Data-contract parts at registration: inheritance and merging (registry-api.md 12.4), and `confluent:version` (12.6).

use assay_schema_core::{CONFLUENT_VERSION, Metadata, Rule, RuleSet};

use super::settings::StoredConfig;

/// Metadata a registration ends up with: defaults, then what is given (or inherited), then overrides.
pub(super) fn metadata(config: &StoredConfig, specific: Option<&Metadata>) -> Option<Metadata> {
    let merged = merge_metadata(config.default_metadata.as_ref(), specific);
    merge_metadata(merged.as_ref(), config.override_metadata.as_ref())
}

/// Rules a registration ends up with, merged like the metadata.
pub(super) fn rule_set(config: &StoredConfig, specific: Option<&RuleSet>) -> Option<RuleSet> {
    let merged = merge_rule_sets(config.default_rule_set.as_ref(), specific);
    merge_rule_sets(merged.as_ref(), config.override_rule_set.as_ref())
}

/// Per map, the later side wins per key; sensitive names are joined.
fn merge_metadata(earlier: Option<&Metadata>, later: Option<&Metadata>) -> Option<Metadata> {
    let (Some(earlier), Some(later)) = (earlier, later) else { return earlier.or(later).cloned() };
    let mut merged = earlier.clone();
    merged.tags.extend(later.tags.clone());
    merged.properties.extend(later.properties.clone());
    merged.sensitive.extend(later.sensitive.iter().cloned());
    Some(merged)
}

/// Per list, earlier rules whose name recurs are dropped and the later ones appended.
pub(super) fn merge_rule_sets(earlier: Option<&RuleSet>, later: Option<&RuleSet>) -> Option<RuleSet> {
    let (Some(earlier), Some(later)) = (earlier, later) else { return earlier.or(later).cloned() };
    Some(RuleSet {
        migration_rules: merge_rules(&earlier.migration_rules, &later.migration_rules),
        domain_rules: merge_rules(&earlier.domain_rules, &later.domain_rules),
        encoding_rules: merge_rules(&earlier.encoding_rules, &later.encoding_rules),
        enable_at: later.enable_at.or(earlier.enable_at),
    })
}

fn merge_rules(earlier: &[Rule], later: &[Rule]) -> Vec<Rule> {
    let kept = earlier.iter().filter(|rule| later.iter().all(|other| other.name != rule.name));
    kept.chain(later).cloned().collect()
}

/// Whether metadata carries a version number of its own.
pub(super) fn has_version(metadata: Option<&Metadata>) -> bool {
    metadata.is_some_and(|metadata| metadata.properties.contains_key(CONFLUENT_VERSION))
}

/// The metadata with the version number set.
pub(super) fn with_version(metadata: Option<Metadata>, version: i32) -> Option<Metadata> {
    let mut metadata = metadata.unwrap_or_default();
    metadata.properties.insert(CONFLUENT_VERSION.to_owned(), version.to_string());
    Some(metadata)
}

/// Equality that ignores the version number when only one side has it. Metadata that holds nothing else equals none.
pub(super) fn same_metadata(one: Option<&Metadata>, other: Option<&Metadata>) -> bool {
    if one == other {
        return true;
    }
    if has_version(one) == has_version(other) {
        return false;
    }
    without_version(one) == without_version(other)
}

fn without_version(metadata: Option<&Metadata>) -> Option<Metadata> {
    let mut metadata = metadata?.clone();
    if metadata.properties.remove(CONFLUENT_VERSION).is_some() && metadata == Metadata::default() {
        return None;
    }
    Some(metadata)
}
