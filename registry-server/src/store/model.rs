//! Rows as the rules see them.

use assay_schema_core::{
    Context, Guid, Metadata, Mode, QualifiedSubject, RuleSet, SchemaId, SchemaReference, SchemaType, Version,
};

/// A content to store.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSchema {
    /// Context of the id.
    pub context: Context,
    /// Content hash.
    pub hash: Guid,
    /// Schema language.
    pub schema_type: SchemaType,
    /// Canonical text.
    pub text: String,
    /// References as sent, with real version numbers.
    pub references: Vec<SchemaReference>,
    /// The subjects the references mean, in the same order, qualified with the owner's context.
    pub targets: Vec<QualifiedSubject>,
    /// Data-contract metadata.
    pub metadata: Option<Metadata>,
    /// Data-contract rules.
    pub rule_set: Option<RuleSet>,
    /// Time of the write, epoch milliseconds.
    pub created_ms: i64,
}

/// A stored content.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaRow {
    /// Context of the id.
    pub context: Context,
    /// The id.
    pub id: SchemaId,
    /// Content hash.
    pub hash: Guid,
    /// Schema language.
    pub schema_type: SchemaType,
    /// Canonical text.
    pub text: String,
    /// References as sent, with real version numbers.
    pub references: Vec<SchemaReference>,
    /// Data-contract metadata.
    pub metadata: Option<Metadata>,
    /// Data-contract rules.
    pub rule_set: Option<RuleSet>,
}

/// A version of a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionRow {
    /// The subject.
    pub subject: QualifiedSubject,
    /// The version.
    pub version: Version,
    /// Its content.
    pub id: SchemaId,
    /// When it was registered, epoch milliseconds.
    pub ts_ms: i64,
    /// Whether it is soft-deleted.
    pub deleted: bool,
}

/// A position in the list of all versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionCursor {
    /// Subject of the last version seen.
    pub subject: QualifiedSubject,
    /// The last version seen.
    pub version: Version,
}

impl From<&VersionRow> for VersionCursor {
    fn from(row: &VersionRow) -> Self {
        Self { subject: row.subject.clone(), version: row.version }
    }
}

/// A stored version whose content references another subject's version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrer {
    /// The version it references.
    pub target_version: Version,
    /// The content that references.
    pub id: SchemaId,
    /// Subject of the referring version.
    pub subject: QualifiedSubject,
    /// The referring version.
    pub version: Version,
    /// Whether the referring version is soft-deleted.
    pub deleted: bool,
}

/// A subject with stored versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectRow {
    /// The subject.
    pub subject: QualifiedSubject,
    /// Whether it has a version that is not soft-deleted.
    pub live: bool,
    /// Whether it has a soft-deleted version.
    pub has_deleted: bool,
}

/// What is set at one scope. The scope is a subject, or a context when the subject's name is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScopeSettings {
    /// The scope.
    pub scope: QualifiedSubject,
    /// Its config as JSON.
    pub config: Option<String>,
    /// Its mode.
    pub mode: Option<Mode>,
}

/// A change to record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// When, epoch milliseconds.
    pub ts_ms: i64,
    /// Who.
    pub principal: String,
    /// From which address.
    pub address: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// What was done, such as `register` or `config.put`.
    pub action: &'static str,
    /// To which subject or scope.
    pub subject: QualifiedSubject,
    /// To which version, if one.
    pub version: Option<Version>,
    /// With which id, if one.
    pub id: Option<SchemaId>,
    /// State before, JSON.
    pub before: Option<String>,
    /// State after, JSON.
    pub after: Option<String>,
}

/// A recorded change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Order of writing; commit order is given by `seal`.
    pub revision: i64,
    /// When, epoch milliseconds.
    pub ts_ms: i64,
    /// Who.
    pub principal: String,
    /// From which address.
    pub address: Option<String>,
    /// In which request.
    pub request_id: Option<String>,
    /// What was done.
    pub action: String,
    /// To which subject or scope.
    pub subject: QualifiedSubject,
    /// To which version, if one.
    pub version: Option<Version>,
    /// With which id, if one.
    pub id: Option<SchemaId>,
    /// State before, JSON.
    pub before: Option<String>,
    /// State after, JSON.
    pub after: Option<String>,
    /// Place in the hash chain, from 1; `None` until sealed.
    pub seal: Option<i64>,
    /// Hash of the event before it in the chain.
    pub prev_hash: Option<Vec<u8>>,
    /// Hash over `prev_hash` and the event.
    pub hash: Option<Vec<u8>>,
}

/// Which events to read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Only events of this subject or scope.
    pub subject: Option<QualifiedSubject>,
    /// Only revisions above this one.
    pub after_revision: i64,
    /// Only events at or after this time, epoch milliseconds.
    pub from_ms: Option<i64>,
    /// Only events before this time, epoch milliseconds.
    pub until_ms: Option<i64>,
    /// At most this many.
    pub limit: u32,
}
