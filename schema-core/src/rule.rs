//! Data-contract rules: their shape, what makes them valid, and how sets merge.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

use crate::metadata::null_as_default;

/// The rules of a schema, in three lists. Part of its identity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RuleSet {
    /// Rules between versions.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub migration_rules: Vec<Rule>,
    /// Rules on what is written and read.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub domain_rules: Vec<Rule>,
    /// Rules on the encoded bytes.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub encoding_rules: Vec<Rule>,
    /// Where the rules run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_at: Option<ExecutionEnvironment>,
}

/// Where rules run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the variants are the words of the contract")]
pub enum ExecutionEnvironment {
    All,
    Client,
    Gateway,
    Server,
    None,
}

impl ExecutionEnvironment {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::All => "ALL",
            Self::Client => "CLIENT",
            Self::Gateway => "GATEWAY",
            Self::Server => "SERVER",
            Self::None => "NONE",
        }
    }
}

/// What a rule does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the variants are the words of the contract")]
pub enum RuleKind {
    #[default]
    Transform,
    Condition,
}

impl RuleKind {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transform => "TRANSFORM",
            Self::Condition => "CONDITION",
        }
    }
}

/// When a rule runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the variants are the words of the contract")]
pub enum RuleMode {
    Upgrade,
    Downgrade,
    UpDown,
    Write,
    Read,
    #[default]
    WriteRead,
}

impl RuleMode {
    /// The word of the contract.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Upgrade => "UPGRADE",
            Self::Downgrade => "DOWNGRADE",
            Self::UpDown => "UPDOWN",
            Self::Write => "WRITE",
            Self::Read => "READ",
            Self::WriteRead => "WRITEREAD",
        }
    }

    const fn is_migration(self) -> bool {
        matches!(self, Self::Upgrade | Self::Downgrade | Self::UpDown)
    }

    const fn has_two_actions(self) -> bool {
        matches!(self, Self::WriteRead | Self::UpDown)
    }
}

/// One rule. Fields are written in this order; absent ones not at all, `disabled` always.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Rule {
    /// Unique name over all three lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Documentation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doc: Option<String>,
    /// What it does.
    #[serde(deserialize_with = "null_as_default")]
    pub kind: RuleKind,
    /// When it runs.
    #[serde(deserialize_with = "null_as_default")]
    pub mode: RuleMode,
    /// The executor's type, such as `CEL` or `ENCRYPT`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub rule_type: Option<String>,
    /// Tags it applies to.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "BTreeSet::is_empty")]
    pub tags: BTreeSet<String>,
    /// Parameters of the executor.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub params: BTreeMap<String, String>,
    /// Its expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expr: Option<String>,
    /// Action or pair of actions when it passes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_success: Option<String>,
    /// Action or pair of actions when it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_failure: Option<String>,
    /// Kept and not run.
    #[serde(deserialize_with = "flag")]
    pub disabled: bool,
}

fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    null_as_default(deserializer)
}

/// Which list a rule is in.
#[derive(Clone, Copy)]
enum List {
    Migration,
    Domain,
    Encoding,
}

impl RuleSet {
    /// Checks every rule and that names are unique over the three lists (42210).
    pub fn validate(&self) -> Result<(), RuleError> {
        let lists = [
            (List::Migration, &self.migration_rules),
            (List::Domain, &self.domain_rules),
            (List::Encoding, &self.encoding_rules),
        ];
        let mut names = HashSet::new();
        for (list, rules) in lists {
            for rule in rules {
                rule.validate(list)?;
                let name = rule.name.as_deref().unwrap_or_default();
                if !names.insert(name) {
                    return Err(RuleError::DuplicateName { name: name.to_owned() });
                }
            }
        }
        Ok(())
    }

    /// `later` over `earlier`: per list, earlier rules whose name recurs are dropped and later ones appended; a later
    /// `enableAt` wins. Absent only when both are.
    pub fn merged(earlier: Option<&Self>, later: Option<&Self>) -> Option<Self> {
        let (Some(earlier), Some(later)) = (earlier, later) else { return earlier.or(later).cloned() };
        let merge = |earlier: &[Rule], later: &[Rule]| -> Vec<Rule> {
            let names: HashSet<_> = later.iter().map(|rule| &rule.name).collect();
            earlier.iter().filter(|rule| !names.contains(&rule.name)).chain(later).cloned().collect()
        };
        Some(Self {
            migration_rules: merge(&earlier.migration_rules, &later.migration_rules),
            domain_rules: merge(&earlier.domain_rules, &later.domain_rules),
            encoding_rules: merge(&earlier.encoding_rules, &later.encoding_rules),
            enable_at: later.enable_at.or(earlier.enable_at),
        })
    }

    /// What a registration stores: `specific` (the request's, else the latest version's) over `default`, `forced` over
    /// both.
    pub fn at_registration(
        default: Option<&Self>,
        specific: Option<&Self>,
        forced: Option<&Self>,
    ) -> Option<Self> {
        Self::merged(Self::merged(default, specific).as_ref(), forced)
    }

    /// The set without the rules of these names.
    #[must_use]
    pub fn without(mut self, names: &[String]) -> Self {
        for rules in [&mut self.migration_rules, &mut self.domain_rules, &mut self.encoding_rules] {
            rules.retain(|rule| rule.name.as_ref().is_none_or(|name| !names.contains(name)));
        }
        self
    }

    /// Whether some rule is of this type.
    pub fn has_type(&self, rule_type: &str) -> bool {
        self.rules().any(|rule| rule.rule_type.as_deref() == Some(rule_type))
    }

    fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.migration_rules.iter().chain(&self.domain_rules).chain(&self.encoding_rules)
    }

    /// Everything that takes part in the identity, in order.
    pub(crate) fn for_each_part(&self, mut take: impl FnMut(&str)) {
        for rule in self.rules() {
            for part in [&rule.name, &rule.doc].into_iter().flatten() {
                take(part);
            }
            take(rule.kind.as_str());
            take(rule.mode.as_str());
            if let Some(rule_type) = &rule.rule_type {
                take(rule_type);
            }
            rule.tags.iter().for_each(|tag| take(tag));
            for (key, value) in &rule.params {
                take(key);
                take(value);
            }
            for part in [&rule.expr, &rule.on_success, &rule.on_failure].into_iter().flatten() {
                take(part);
            }
            if rule.disabled {
                take("\u{1}");
            }
        }
        if let Some(enable_at) = self.enable_at {
            take(enable_at.as_str());
        }
    }
}

impl Rule {
    fn validate(&self, list: List) -> Result<(), RuleError> {
        const NAME_UNITS_MAX: usize = 256;
        let name = self.name.as_deref().ok_or(RuleError::MissingName)?;
        let first = name.chars().next().ok_or(RuleError::EmptyName)?;
        if name.encode_utf16().count() > NAME_UNITS_MAX {
            return Err(RuleError::NameTooLong);
        }
        if !first.is_alphabetic() && first != '_' {
            return Err(RuleError::IllegalInitialCharacter { character: first });
        }
        let illegal = |c: &char| !c.is_alphanumeric() && *c != '_' && *c != '-';
        if let Some(character) = name.chars().find(illegal) {
            return Err(RuleError::IllegalCharacter { character });
        }
        if self.rule_type.as_deref().is_none_or(str::is_empty) {
            return Err(RuleError::MissingType);
        }
        match list {
            List::Migration if !self.mode.is_migration() => return Err(RuleError::MigrationMode),
            List::Domain if self.mode.is_migration() => return Err(RuleError::DomainMode),
            List::Encoding if self.mode.is_migration() => return Err(RuleError::EncodingMode),
            List::Migration | List::Domain | List::Encoding => {}
        }
        let two_actions =
            [&self.on_success, &self.on_failure].into_iter().flatten().any(|action| action.contains(','));
        if two_actions && !self.mode.has_two_actions() {
            return Err(RuleError::MultipleActions);
        }
        Ok(())
    }
}

/// Why a rule set is refused (42210). The texts are the contract's.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[expect(missing_docs, reason = "each variant's message states it")]
pub enum RuleError {
    #[error("Missing rule name")]
    MissingName,
    #[error("Empty rule name")]
    EmptyName,
    #[error("Rule name too long")]
    NameTooLong,
    #[error("Illegal initial character in rule name: {character}")]
    IllegalInitialCharacter { character: char },
    #[error("Illegal character in rule name: {character}")]
    IllegalCharacter { character: char },
    #[error("Missing rule type")]
    MissingType,
    #[error("Found rule with duplicate name '{name}'")]
    DuplicateName { name: String },
    #[error("Migration rules can only be UPGRADE, DOWNGRADE, UPDOWN")]
    MigrationMode,
    #[error("Domain rules can only be WRITE, READ, WRITEREAD")]
    DomainMode,
    #[error("Encoding rules can only be WRITE, READ, WRITEREAD")]
    EncodingMode,
    #[error("Multiple actions only valid with WRITEREAD and UPDOWN")]
    MultipleActions,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> RuleSet {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn rules_are_checked_with_the_contracts_texts() {
        for (json, message) in [
            (r#"{"domainRules":[{"name":"a-1_","type":"CEL"}],"migrationRules":null}"#, None),
            (r#"{"domainRules":[{"type":"CEL"}]}"#, Some("Missing rule name")),
            (r#"{"domainRules":[{"name":"","type":"CEL"}]}"#, Some("Empty rule name")),
            (
                r#"{"domainRules":[{"name":"1","type":"CEL"}]}"#,
                Some("Illegal initial character in rule name: 1"),
            ),
            (r#"{"domainRules":[{"name":"a b","type":"CEL"}]}"#, Some("Illegal character in rule name:  ")),
            (r#"{"domainRules":[{"name":"a"}]}"#, Some("Missing rule type")),
            (
                r#"{"domainRules":[{"name":"a","type":"T"}],"encodingRules":[{"name":"a","type":"T"}]}"#,
                Some("Found rule with duplicate name 'a'"),
            ),
            (
                r#"{"migrationRules":[{"name":"a","type":"T"}]}"#,
                Some("Migration rules can only be UPGRADE, DOWNGRADE, UPDOWN"),
            ),
            (
                r#"{"domainRules":[{"name":"a","type":"T","mode":"UPDOWN"}]}"#,
                Some("Domain rules can only be WRITE, READ, WRITEREAD"),
            ),
            (
                r#"{"encodingRules":[{"name":"a","type":"T","mode":"UPGRADE"}]}"#,
                Some("Encoding rules can only be WRITE, READ, WRITEREAD"),
            ),
            (
                r#"{"domainRules":[{"name":"a","type":"T","mode":"READ","onSuccess":"NONE,ERROR"}]}"#,
                Some("Multiple actions only valid with WRITEREAD and UPDOWN"),
            ),
        ] {
            let error = read(json).validate().err().map(|error| error.to_string());
            assert_eq!(error.as_deref(), message, "{json}");
        }
        let long = RuleSet {
            domain_rules: vec![Rule { name: Some("a".repeat(257)), ..Rule::default() }],
            ..RuleSet::default()
        };
        assert_eq!(long.validate(), Err(RuleError::NameTooLong));
    }

    #[test]
    fn rules_are_written_in_order_with_their_defaults() {
        let set = read(r#"{"domainRules":[{"type":"CEL","name":"a","expr":"x"}],"enableAt":"CLIENT"}"#);
        assert_eq!(
            serde_json::to_string(&set).unwrap(),
            r#"{"domainRules":[{"name":"a","kind":"TRANSFORM","mode":"WRITEREAD","type":"CEL","expr":"x","disabled":false}],"enableAt":"CLIENT"}"#
        );
    }

    #[test]
    fn later_rules_replace_earlier_ones_of_their_name() {
        let earlier =
            read(r#"{"domainRules":[{"name":"a","type":"1"},{"name":"b","type":"1"}],"enableAt":"ALL"}"#);
        let later = read(r#"{"domainRules":[{"name":"a","type":"2"}]}"#);
        let merged = RuleSet::merged(Some(&earlier), Some(&later)).unwrap();
        let names: Vec<_> =
            merged.domain_rules.iter().map(|r| (r.name.as_deref(), r.rule_type.as_deref())).collect();
        assert_eq!(names, [(Some("b"), Some("1")), (Some("a"), Some("2"))]);
        assert_eq!(merged.enable_at, Some(ExecutionEnvironment::All));
        assert_eq!(merged.without(&["a".to_owned()]).domain_rules.len(), 1);
    }
}
