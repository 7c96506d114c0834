//! Why a schema cannot follow, and what would help.

use assay_schema_core::avro::Side;
use assay_schema_core::avro::edits::Operation;
use assay_schema_core::compatibility::Direction;
use assay_schema_core::{CompatibilityLevel, Version};
use serde::Deserialize;

/// A verdict with its reasons as data.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct CompatibilityExplanation {
    /// Whether the schema could be registered.
    pub is_compatible: bool,
    /// The level it was checked under.
    pub level: Option<CompatibilityLevel>,
    /// What keeps it from following, against the newest version that has problems.
    pub problems: Vec<Problem>,
    /// Changes to the posted text, the smallest first; each alone makes it acceptable, and was checked before it was offered.
    pub edits: Vec<Edit>,
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Problem {
    /// Stable code of the rule, such as `TYPE_MISMATCH` or `READER_FIELD_MISSING_DEFAULT_VALUE`.
    pub rule: String,
    /// Who was to read.
    pub direction: Direction,
    /// The old version.
    pub version: Version,
    /// The place in the old version, and what stands there.
    #[serde(default)]
    pub before: Side,
    /// The place in the new schema, and what stands there.
    #[serde(default)]
    pub after: Side,
    /// One sentence.
    #[serde(default)]
    pub why: String,
    /// For a failing union: what keeps its closest branch from reading.
    #[serde(default)]
    pub causes: Vec<Problem>,
}

/// Changes that together make a refused schema acceptable.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Edit {
    /// What is done, in one sentence for each step.
    #[serde(default)]
    pub description: String,
    /// The steps, in order.
    #[serde(default)]
    pub steps: Vec<EditStep>,
    /// All operations in order: a JSON Patch (RFC 6902) for the posted text.
    #[serde(default)]
    pub patch: Vec<Operation>,
    /// The edited text.
    pub schema: String,
}

/// One change, undivided: its operations belong together.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct EditStep {
    /// Stable code of what the step does, such as `ADD_DEFAULT`.
    pub action: String,
    /// One sentence.
    #[serde(default)]
    pub description: String,
    /// Its operations, in order.
    #[serde(default)]
    pub patch: Vec<Operation>,
}

/// Where the text of a refused schema is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct TextPlace {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// JSON pointer to the refused part; absent when the text is not JSON.
    #[serde(default)]
    pub path: Option<String>,
    /// Index of the referenced text the place is in, in resolution order; absent for the posted text.
    #[serde(default)]
    pub reference: Option<usize>,
}
