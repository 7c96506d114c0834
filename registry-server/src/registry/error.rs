//! What can go wrong, in the registry's words.

use assay_schema_core::avro::SchemaError;
use assay_schema_core::{Context, QualifiedSubject, SchemaId, Version};

use crate::store::StoreError;

/// A refused or failed operation. The display text is the one the REST contract dictates.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The subject has no version that counts for the operation, or nothing is configured for it.
    #[error("Subject '{subject}' not found.")]
    SubjectNotFound {
        /// The subject as the caller wrote it.
        subject: String,
    },
    /// The subject has no such version; `latest` prints as -1.
    #[error("Version {version} not found.")]
    VersionNotFound {
        /// The number asked for.
        version: i32,
    },
    /// No content with this id or GUID.
    #[error("Schema {key} not found")]
    SchemaKeyNotFound {
        /// The id or GUID as asked.
        key: String,
    },
    /// No version matches the schema that was looked up.
    #[error("Schema not found")]
    SchemaNotFound,
    /// A soft delete of a subject that has only soft-deleted versions.
    #[error("Subject '{subject}' was soft deleted.Set permanent=true to delete permanently")]
    SubjectSoftDeleted {
        /// The subject.
        subject: QualifiedSubject,
    },
    /// A hard delete of a subject that has live versions.
    #[error("Subject '{subject}' was not deleted first before being permanently deleted")]
    SubjectNotSoftDeleted {
        /// The subject.
        subject: QualifiedSubject,
    },
    /// A soft delete of a soft-deleted version.
    #[error("Subject '{subject}' Version {} was soft deleted.Set permanent=true to delete permanently", version.get())]
    VersionSoftDeleted {
        /// The subject.
        subject: QualifiedSubject,
        /// The version.
        version: Version,
    },
    /// A hard delete of a live version.
    #[error("Subject '{subject}' Version {} was not deleted first before being permanently deleted", version.get())]
    VersionNotSoftDeleted {
        /// The subject.
        subject: QualifiedSubject,
        /// The version.
        version: Version,
    },
    /// No config of its own.
    #[error("Subject '{subject}' does not have subject-level compatibility configured")]
    ConfigNotSet {
        /// The scope.
        subject: String,
    },
    /// No mode of its own.
    #[error("Subject '{subject}' does not have subject-level mode configured")]
    ModeNotSet {
        /// The scope.
        subject: String,
    },
    /// The new schema is not compatible with an earlier one.
    #[error(
        "Schema being registered is incompatible with an earlier schema for subject \"{subject}\", details: [{}]",
        messages.join(", ")
    )]
    Incompatible {
        /// The subject.
        subject: QualifiedSubject,
        /// The reasons, in the contract's text and order.
        messages: Vec<String>,
    },
    /// The posted schema cannot be used.
    #[error("{0}")]
    InvalidSchema(#[from] InvalidSchema),
    /// Not a version number and not `latest`.
    #[error(
        "The specified version '{text}' is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\""
    )]
    InvalidVersion {
        /// What was sent.
        text: String,
    },
    /// Unknown compatibility level.
    #[error(
        "Invalid compatibility level. Valid values are none, backward, forward, full, backward_transitive, forward_transitive, and full_transitive"
    )]
    InvalidCompatibilityLevel,
    /// Unknown mode.
    #[error("Invalid mode. Valid values are READWRITE, READONLY, IMPORT and FORWARD.")]
    InvalidMode,
    /// `FORWARD` on a scope other than all contexts.
    #[error("Forward mode only supported on global level")]
    ForwardModeNotGlobal,
    /// The mode in scope, or the server's settings, forbid it.
    #[error("{0}")]
    NotPermitted(#[from] NotPermitted),
    /// Another stored schema references the version.
    #[error("One or more references exist to the schema {{magic=1,keytype=SCHEMA,subject={subject},version={}}}.", version.get())]
    ReferenceExists {
        /// The referenced subject.
        subject: QualifiedSubject,
        /// The referenced version.
        version: Version,
    },
    /// A subject name that cannot be used.
    #[error("The specified subject '{subject}' is not a valid.")]
    InvalidSubject {
        /// What was sent.
        subject: String,
    },
    /// The schema's text, or what it references, is beyond the limit.
    #[error("Register operation failed because schema is too large")]
    SchemaTooLarge,
    /// A rule set that breaks a rule for rules.
    #[error("{message}")]
    InvalidRuleSet {
        /// The contract's text.
        message: String,
    },
    /// A context with subjects cannot be deleted.
    #[error("The specified context '{}' is not empty.", context.as_str())]
    ContextNotEmpty {
        /// The context.
        context: Context,
    },
    /// A resource without such an association.
    #[error("Association for '{resource}' not found.")]
    AssociationNotFound {
        /// Id of the resource.
        resource: String,
    },
    /// The resource has another association of the type.
    #[error("An association of type '{association_type}' already exists for resource '{resource}'")]
    AssociationExists {
        /// `key` or `value`.
        association_type: String,
        /// Name of the resource.
        resource: String,
    },
    /// The subject has an association.
    #[error("An association already exists for subject '{subject}'")]
    SubjectAssociated {
        /// The subject.
        subject: String,
    },
    /// The subject belongs to a topic.
    #[error("A strong association already exists for subject '{subject}'")]
    SubjectOwned {
        /// The subject.
        subject: String,
    },
    /// An association needs a subject with a live version.
    #[error("No active (non-deleted) version exists for subject '{subject}'")]
    NoLiveVersion {
        /// The subject.
        subject: String,
    },
    /// The association cannot be changed.
    #[error("The association of type  '{association_type}' is frozen for subject '{subject}'")]
    AssociationFrozen {
        /// `key` or `value`.
        association_type: String,
        /// The subject.
        subject: String,
    },
    /// A subject that is referenced cannot belong to a topic.
    #[error("One or more references exist to the schema {subject}.")]
    SubjectReferenced {
        /// The subject.
        subject: String,
    },
    /// A request for associations that breaks a rule.
    #[error("The association specified an invalid value for property: '{property}', detail: {detail}")]
    InvalidAssociation {
        /// The property.
        property: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// A body that is JSON but not of the needed shape.
    #[error("{message}")]
    InvalidBody {
        /// What is wrong with it.
        message: String,
    },
    /// Concurrent changes kept getting in between.
    #[error("{operation} operation timed out")]
    Contended {
        /// What was tried.
        operation: &'static str,
    },
    /// The store failed; the cause is for the log.
    #[error("Error in the backend data store")]
    Store(#[from] StoreError),
}

/// A place in a schema's text.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Place {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// JSON pointer to the refused part; absent when the text is not JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Index of the referenced text the place is in, in resolution order; absent for the posted text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<usize>,
}

/// Why a posted schema cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum InvalidSchema {
    /// The parser, or the resolution of references, refused it.
    #[error(
        "Invalid schema of type AVRO, details: Invalid schema {request} with refs [{references}] of type AVRO, details: {detail}"
    )]
    Refused {
        /// The request, printed the way the contract prints it.
        request: String,
        /// The references, printed.
        references: String,
        /// The parser's own text.
        detail: String,
        /// Where in the text, if the parser said so.
        place: Option<Box<Place>>,
    },
    /// A schema type nobody here parses.
    #[error("Invalid schema type {schema_type}")]
    UnknownType {
        /// The type as sent.
        schema_type: String,
    },
    /// No text, and no earlier version to take it from.
    #[error("Empty schema")]
    Empty,
    /// An explicit version that does not follow the last one.
    #[error("Version is not one more than previous version")]
    VersionNotNext,
    /// A tag for an entity the schema does not have.
    #[error("Invalid schema tags: no {entity_type} at path '{path}'")]
    UnknownEntity {
        /// `sr_record` or `sr_field`.
        entity_type: String,
        /// The path as sent.
        path: String,
    },
}

impl InvalidSchema {
    /// Where in the text, if the parser said so.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Refused { place, .. } => place.as_deref(),
            Self::UnknownType { .. } | Self::Empty | Self::VersionNotNext | Self::UnknownEntity { .. } => {
                None
            }
        }
    }
}

impl Place {
    /// The place a parser's error names.
    pub(super) fn of(error: &SchemaError) -> Option<Box<Self>> {
        let position = error.position()?;
        Some(Box::new(Self {
            line: position.line,
            column: position.column,
            path: error.path().map(str::to_owned),
            reference: error.reference(),
        }))
    }
}

/// Why an operation is not permitted.
#[derive(Debug, thiserror::Error)]
pub enum NotPermitted {
    /// The mode in scope is read-only.
    #[error("Subject {subject} in context {} is in read-only mode", context_text(subject))]
    ReadOnly {
        /// The subject.
        subject: QualifiedSubject,
    },
    /// An id was sent outside `IMPORT`.
    #[error("Subject {subject} in context {} is not in import mode", context_text(subject))]
    NotImport {
        /// The subject.
        subject: QualifiedSubject,
    },
    /// No id was sent in `IMPORT`.
    #[error("Subject {subject} in context {} is not in read-write mode", context_text(subject))]
    NotReadWrite {
        /// The subject.
        subject: QualifiedSubject,
    },
    /// The id holds another content.
    #[error("Overwrite new schema with id {id} in context {} is not permitted.", context.as_str())]
    Overwrite {
        /// The id.
        id: SchemaId,
        /// Its context.
        context: Context,
    },
    /// Modes are fixed by the server's settings.
    #[error("Mode changes are not allowed")]
    ModeFixed,
    /// `IMPORT` needs an empty scope.
    #[error("Cannot import since found existing subjects")]
    SubjectsExist,
}

/// `:.ctx:`, or nothing for the default context.
fn context_text(subject: &QualifiedSubject) -> String {
    if subject.context == Context::default_context() {
        String::new()
    } else {
        format!(":{}:", subject.context.as_str())
    }
}
