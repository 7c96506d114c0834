//! Who changed what, and whether the record of it is whole.

use assay_schema_core::{SchemaId, Version};
use serde::Deserialize;
use serde_json::Value;

/// One recorded change.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HistoryEvent {
    /// Its number in the history, ascending with gaps.
    pub revision: i64,
    /// When, in milliseconds since 1970.
    pub ts: i64,
    /// Who.
    pub principal: String,
    /// From where, where that is known.
    #[serde(default)]
    pub address: Option<String>,
    /// The request's id.
    #[serde(default)]
    pub request_id: Option<String>,
    /// What was done, such as `register`.
    pub action: String,
    /// The subject, or a context as `:.ctx:`.
    pub subject: String,
    /// The version, for changes of one.
    #[serde(default)]
    pub version: Option<Version>,
    /// The schema's id, for changes of a version.
    #[serde(default)]
    pub id: Option<SchemaId>,
    /// What was there before; its form depends on the action.
    #[serde(default)]
    pub before: Option<Value>,
    /// What is there since.
    #[serde(default)]
    pub after: Option<Value>,
    /// Its number in the hash chain; a fresh change gets one within a second.
    #[serde(default)]
    pub seal: Option<i64>,
    /// Its hash in the chain, hexadecimal.
    #[serde(default)]
    pub hash: Option<String>,
}

/// Whether the record of changes is whole and agrees with what is stored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct HistoryCheck {
    /// Whether nothing was found.
    pub ok: bool,
    /// Events in the hash chain.
    #[serde(default)]
    pub sealed: i64,
    /// Events not in the chain yet.
    #[serde(default)]
    pub unsealed: i64,
    /// Hash of the chain's last event, hexadecimal. Keep it elsewhere to notice a rewritten chain.
    #[serde(default)]
    pub chain_end: Option<String>,
    /// Contents compared with their hash.
    #[serde(default)]
    pub contents: u64,
    /// Versions compared with their events.
    #[serde(default)]
    pub versions: u64,
    /// What is wrong, at most 100 findings.
    #[serde(default)]
    pub findings: Vec<HistoryFinding>,
}

/// One thing that is wrong with the record, or with what is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct HistoryFinding {
    /// Stable code of what is wrong, such as `event-does-not-follow` or `version-missing`.
    pub finding: String,
    /// Revision of the event.
    pub revision: Option<i64>,
    /// Events the chain had when it was last extended.
    pub expected: Option<i64>,
    /// Events the chain has now.
    pub found: Option<i64>,
    /// Context of the id.
    pub context: Option<String>,
    /// Id of a changed content.
    pub id: Option<SchemaId>,
    /// The subject.
    pub subject: Option<String>,
    /// The version.
    pub version: Option<Version>,
    /// The subject or context whose settings changed.
    pub scope: Option<String>,
    /// Id of the resource whose association changed.
    pub resource: Option<String>,
    /// Which of its associations.
    pub association_type: Option<String>,
}
