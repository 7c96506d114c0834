//! Bodies about settings.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Metadata, RuleSet};

/// Settings as read. The level may be missing where a scope has none of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct Config {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias_for_deks: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalize: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_fields: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_new_schemas: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validate_rules: Option<bool>,
    /// Called `compatibility` in an update; both are read.
    #[serde(alias = "compatibility", skip_serializing_if = "Option::is_none")]
    pub compatibility_level: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatibility_policy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compatibility_group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_metadata: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_metadata: Option<Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_rule_set: Option<RuleSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub override_rule_set: Option<RuleSet>,
}

/// What an update does to one setting: absent keeps, `null` clears, a value replaces.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Patch<T> {
    /// Absent.
    #[default]
    Keep,
    /// `null`.
    Clear,
    /// A value.
    Set(T),
}

impl<T> Patch<T> {
    /// Whether the setting stays as it is.
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// Applies the change to a stored setting.
    pub fn apply(self, stored: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *stored = None,
            Self::Set(value) => *stored = Some(value),
        }
    }
}

impl<T> From<Option<T>> for Patch<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Keep, Self::Set)
    }
}

impl<T: Serialize> Serialize for Patch<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Set(value) => value.serialize(serializer),
            Self::Keep | Self::Clear => serializer.serialize_none(),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

/// An update of settings, and its answer. Enumerated values are plain text: what is not one is the caller's error to name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct ConfigUpdateRequest {
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub alias: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub alias_for_deks: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub normalize: Patch<bool>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub validate_fields: Patch<bool>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub validate_new_schemas: Patch<bool>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub validate_rules: Patch<bool>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub compatibility: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub compatibility_policy: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub compatibility_group: Patch<String>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub default_metadata: Patch<Metadata>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub override_metadata: Patch<Metadata>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub default_rule_set: Patch<RuleSet>,
    #[serde(skip_serializing_if = "Patch::is_keep")]
    pub override_rule_set: Patch<RuleSet>,
}

/// A mode, read or set.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModeBody {
    /// The word; what is not a mode is the caller's error to name.
    #[serde(default)]
    pub mode: Option<String>,
}
