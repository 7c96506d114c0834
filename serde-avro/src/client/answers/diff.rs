//! What changed between two schemas.

use assay_schema_core::avro::Side;
use assay_schema_core::{Metadata, RuleSet, SchemaReference, Version};
use serde::Deserialize;

/// The difference between two versions of a subject, or between a version and a posted schema.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SchemaDiff {
    /// The subject.
    pub subject: String,
    /// The older side.
    pub from: Version,
    /// The newer side; absent for a posted schema.
    #[serde(default)]
    pub to: Option<Version>,
    /// Whether nothing differs.
    pub identical: bool,
    /// What changed in the schema, by meaning and not by text.
    #[serde(default)]
    pub changes: Vec<SchemaChange>,
    /// The references, where they differ.
    #[serde(default)]
    pub references: Option<BeforeAfter<Vec<SchemaReference>>>,
    /// The metadata, where it differs.
    #[serde(default)]
    pub metadata: Option<BeforeAfter<Option<Metadata>>>,
    /// The rules, where they differ.
    #[serde(default)]
    pub rule_set: Option<BeforeAfter<Option<RuleSet>>>,
}

/// One change of a schema.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SchemaChange {
    /// Stable code of the kind, such as `FIELD_ADDED`.
    pub kind: String,
    /// The place in the old schema.
    #[serde(default)]
    pub old: Side,
    /// The place in the new schema.
    #[serde(default)]
    pub new: Side,
    /// Whether it keeps the new schema from reading data of the old one.
    #[serde(default)]
    pub breaks_backward: bool,
    /// Whether it keeps the old schema from reading data of the new one.
    #[serde(default)]
    pub breaks_forward: bool,
}

/// Both sides of something that differs.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BeforeAfter<T> {
    /// The older side.
    pub before: T,
    /// The newer side.
    pub after: T,
}
