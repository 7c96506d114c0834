//! Names of subjects: what may be registered and how a name is read in a context.

use assay_schema_core::{Context, QualifiedSubject};

use super::error::RegistryError;

/// Longest context and subject together, bytes: both are part of index keys.
pub const SUBJECT_BYTES_MAX: usize = 2048;

/// Names that mean something else when they stand where a subject is expected.
const RESERVED: [&str; 2] = ["__GLOBAL", "__EMPTY"];

pub(super) fn has_control_character(text: &str) -> bool {
    text.chars().any(char::is_control)
}

/// Reads a name in a context: a qualified name keeps its own.
pub(super) fn in_context(context: &Context, name: &str) -> QualifiedSubject {
    if name.starts_with(":.") {
        QualifiedSubject::parse(name)
    } else {
        QualifiedSubject { context: context.clone(), subject: name.to_owned() }
    }
}

/// Whether the name stands for a whole context (or, for the default context, for the global scope).
pub(super) fn is_context(scope: &QualifiedSubject) -> bool {
    scope.subject.is_empty()
}

/// Whether the scope is the one of all contexts.
pub(super) fn is_all_contexts(scope: &QualifiedSubject) -> bool {
    scope.subject.is_empty() && scope.context.as_str() == Context::GLOBAL
}

fn invalid(subject: &QualifiedSubject) -> RegistryError {
    RegistryError::InvalidSubject { subject: subject.to_string() }
}

fn storable(subject: &QualifiedSubject) -> bool {
    let bytes = subject.subject.len() + subject.context.as_str().len();
    bytes <= SUBJECT_BYTES_MAX
        && !has_control_character(&subject.subject)
        && !has_control_character(subject.context.as_str())
        && !RESERVED.contains(&subject.subject.as_str())
}

/// Refuses names that versions cannot be registered under. An empty name is a whole context and is refused too.
pub(super) fn check_registrable(subject: &QualifiedSubject) -> Result<(), RegistryError> {
    if storable(subject) && !subject.subject.is_empty() && subject.context.as_str() != Context::GLOBAL {
        Ok(())
    } else {
        Err(invalid(subject))
    }
}

/// Refuses names that no settings can be kept for.
pub(super) fn check_scope(scope: &QualifiedSubject) -> Result<(), RegistryError> {
    if storable(scope) { Ok(()) } else { Err(invalid(scope)) }
}
