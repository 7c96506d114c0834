//! Bodies about schemas. Numbers are plain: requests may carry 0 and -1, which are no versions and ids.

use serde::{Deserialize, Serialize};

use crate::metadata::null_as_default;
use crate::{Metadata, RuleSet, SchemaReference};

/// Register, look up, and check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RegisterSchemaRequest {
    /// The version it must become; -1 means the next one, numbered in the metadata.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    /// The id it must get, in import mode.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i32>,
    /// The language; absent means Avro.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_type: Option<String>,
    /// References, versions possibly -1.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<SchemaReference>,
    /// Metadata; an empty object differs from none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Rules; an empty object differs from none.
    #[serde(alias = "ruleset", skip_serializing_if = "Option::is_none")]
    pub rule_set: Option<RuleSet>,
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Inline tags to add first.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub schema_tags_to_add: Vec<SchemaTags>,
    /// Inline tags to remove then.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub schema_tags_to_remove: Vec<SchemaTags>,
    /// Whether inline tags of the previous version are copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagate_schema_tags: Option<bool>,
}

/// Answer to a registration. Old registries send the id alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct RegisterSchemaResponse {
    pub id: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_type: Option<String>,
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<SchemaReference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    #[serde(alias = "ruleset", skip_serializing_if = "Option::is_none")]
    pub rule_set: Option<RuleSet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// Milliseconds since the epoch of the write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
}

/// A schema under its subject and version.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct Schema {
    pub subject: String,
    pub version: i32,
    pub id: i32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_type: Option<String>,
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<SchemaReference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    pub schema: String,
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub schema_tags: Vec<SchemaTags>,
    /// Milliseconds since the epoch of the write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
    #[serde(alias = "ruleset", skip_serializing_if = "Option::is_none")]
    pub rule_set: Option<RuleSet>,
    /// Alias subjects that lead here; in lists of schemas only.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<String>,
}

/// A schema by id or guid.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct SchemaString {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<SchemaReference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    #[serde(alias = "ruleset", skip_serializing_if = "Option::is_none")]
    pub rule_set: Option<RuleSet>,
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub schema_tags: Vec<SchemaTags>,
    /// The highest id issued in the context, when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_id: Option<i32>,
    /// Milliseconds since the epoch of the write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deleted: Option<bool>,
}

/// Tags of one entity of a schema.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SchemaTags {
    /// The entity.
    pub schema_entity: SchemaEntity,
    /// Tag names.
    #[serde(deserialize_with = "null_as_default")]
    pub tags: Vec<String>,
}

/// A record or field of a schema.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SchemaEntity {
    /// `ns.Record` or `ns.Record.field`.
    pub entity_path: String,
    /// `sr_record` or `sr_field`.
    pub entity_type: String,
}

/// A new version that differs in tags, metadata or rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TagSchemaRequest {
    /// The number of the new version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub new_version: Option<i32>,
    /// Inline tags to add first.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub tags_to_add: Vec<SchemaTags>,
    /// Inline tags to remove then.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub tags_to_remove: Vec<SchemaTags>,
    /// Metadata in the place of the version's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Rules in the place of the version's.
    #[serde(alias = "ruleset", skip_serializing_if = "Option::is_none")]
    pub rule_set: Option<RuleSet>,
    /// Rules merged into the version's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules_to_merge: Option<RuleSet>,
    /// Names of rules taken out of the version's.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "Vec::is_empty")]
    pub rules_to_remove: Vec<String>,
}

/// Answer to a compatibility check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompatibilityCheckResponse {
    /// The verdict.
    pub is_compatible: bool,
    /// The reasons; present when asked for, even if empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<Vec<String>>,
}

/// A version by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SubjectVersion {
    /// The subject, qualified outside the default context.
    pub subject: String,
    /// The version.
    pub version: i32,
}
