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

/// How far the history of a subject reaches. Two equal stamps of one subject mean that nothing that was read with the first has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stamp {
    /// Highest revision among the subject's own events; 0 without any.
    pub subject: i64,
    /// The highest revisions among the events of its context, of the global scope and of all contexts, added up: each only grows.
    pub scopes: i64,
}

/// What is stored about one subject, all seen at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SubjectRows {
    /// Its stored versions, soft-deleted ones included, ascending.
    pub versions: Vec<VersionRow>,
    /// The content hash of each version, in the same order.
    pub hashes: Vec<Guid>,
    /// The settings that can apply to it, unset scopes left out.
    pub settings: Vec<ScopeSettings>,
    /// When that was, in revisions.
    pub stamp: Stamp,
}

/// A version to append if nothing has happened to its subject since it was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Append {
    /// The subject.
    pub subject: QualifiedSubject,
    /// The stamp the judgement was made at.
    pub stamp: Stamp,
    /// The version to write; the judgement made sure that it is the next one.
    pub version: Version,
    /// Its content, without references. It gets the id it has in this context, or a fresh one.
    pub schema: NewSchema,
    /// The event; version and id are filled in.
    pub event: NewEvent,
}

/// What became of an [`Append`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// Committed, with this id; the event has this revision.
    Written {
        /// The id.
        id: SchemaId,
        /// Revision of the event.
        revision: i64,
    },
    /// Something happened to the subject in between; nothing was written.
    Stale,
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
