//! What callers send, and what they get back, without HTTP.

use std::sync::Arc;

use assay_schema_core::{Guid, Metadata, QualifiedSubject, RuleSet, SchemaId, SchemaReference, Version};

use super::stored::StoredSchema;

/// A schema to register, look up or check.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SchemaInput {
    /// The text; blank means "that of the latest version" when registering.
    pub schema: String,
    /// `AVRO` when absent.
    pub schema_type: Option<String>,
    /// References; version -1 means latest.
    pub references: Vec<SchemaReference>,
    /// Data-contract metadata; absent inherits, empty does not.
    pub metadata: Option<Metadata>,
    /// Data-contract rules; absent inherits, empty does not.
    pub rule_set: Option<RuleSet>,
    /// Explicit version: 0 none, -1 "the next, and compare with the latest only", else that number.
    pub version: i32,
    /// Explicit id, for imports.
    pub id: Option<SchemaId>,
    /// Inline tags to add.
    pub tags_to_add: Vec<SchemaTags>,
    /// Inline tags to remove.
    pub tags_to_remove: Vec<SchemaTags>,
    /// Whether the inline tags of the previous version are copied.
    pub propagate_tags: bool,
}

/// Tags of one entity of a schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaTags {
    /// Full name of a record, or full name and field.
    pub entity_path: String,
    /// `sr_record` or `sr_field`.
    pub entity_type: String,
    /// Tag names.
    pub tags: Vec<String>,
}

/// What a registration answers.
#[derive(Debug, Clone)]
pub struct Registered {
    /// The id.
    pub id: SchemaId,
    /// The version under the subject.
    pub version: Version,
    /// The content as stored.
    pub content: StoredContent,
    /// Whether the same request gets the same answer until the subject or what applies to it changes.
    pub settled: bool,
}

/// A content as it is, or would be, stored.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredContent {
    /// Content hash.
    pub guid: Guid,
    /// Canonical text.
    pub text: String,
    /// References with real version numbers.
    pub references: Vec<SchemaReference>,
    /// Metadata after inheritance.
    pub metadata: Option<Metadata>,
    /// Rules after inheritance.
    pub rule_set: Option<RuleSet>,
}

/// A version of a subject with its content.
#[derive(Debug, Clone)]
pub struct SubjectVersion {
    /// The subject it was found under.
    pub subject: QualifiedSubject,
    /// The version.
    pub version: Version,
    /// When it was registered, epoch milliseconds.
    pub ts_ms: i64,
    /// Whether it is soft-deleted.
    pub deleted: bool,
    /// Its content.
    pub schema: Arc<StoredSchema>,
}

/// A lookup's answer.
#[derive(Debug, Clone)]
pub struct Found {
    /// The version.
    pub version: SubjectVersion,
    /// Whether it was found by comparing parsed schemas rather than by hash; only then does the answer carry its time.
    pub by_equivalence: bool,
    /// Whether the same request gets the same answer until the subject or what applies to it changes.
    pub settled: bool,
}

/// Which versions a list or a read takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Deleted {
    /// Live ones.
    #[default]
    Exclude,
    /// All.
    Include,
    /// Soft-deleted ones.
    Only,
}

impl Deleted {
    /// Whether a version with this state is taken.
    pub fn takes(self, deleted: bool) -> bool {
        match self {
            Self::Exclude => !deleted,
            Self::Include => true,
            Self::Only => deleted,
        }
    }
}

/// A part of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Items to skip.
    pub offset: usize,
    /// Items to return at most.
    pub limit: usize,
}

impl Page {
    /// Everything.
    pub const ALL: Self = Self { offset: 0, limit: usize::MAX };

    /// This part of a whole list.
    pub fn of<T>(self, items: impl IntoIterator<Item = T>) -> Vec<T> {
        items.into_iter().skip(self.offset).take(self.limit).collect()
    }
}
