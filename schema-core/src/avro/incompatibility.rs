//! One reason why a reader cannot read a writer's data, and the one place where it becomes prose.

use std::fmt;

use super::node::NodeId;

/// The rules a pair of schemas can break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IncompatibilityKind {
    /// Names of record, enum or fixed differ and no alias of the reader covers it.
    NameMismatch,
    /// Sizes of fixed differ.
    FixedSizeMismatch,
    /// The writer has symbols that the reader lacks, and the reader has no default symbol.
    MissingEnumSymbols,
    /// The reader has a field without default that the writer lacks.
    ReaderFieldMissingDefaultValue,
    /// The types differ and do not promote.
    TypeMismatch,
    /// No branch of the reader's union takes a type of the writer.
    MissingUnionBranch,
}

impl IncompatibilityKind {
    /// The stable code, as messages carry it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NameMismatch => "NAME_MISMATCH",
            Self::FixedSizeMismatch => "FIXED_SIZE_MISMATCH",
            Self::MissingEnumSymbols => "MISSING_ENUM_SYMBOLS",
            Self::ReaderFieldMissingDefaultValue => "READER_FIELD_MISSING_DEFAULT_VALUE",
            Self::TypeMismatch => "TYPE_MISMATCH",
            Self::MissingUnionBranch => "MISSING_UNION_BRANCH",
        }
    }
}

/// One broken rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incompatibility {
    /// Which rule.
    pub kind: IncompatibilityKind,
    /// Where, as Java reports it: `/` and the steps through the reader, with writer branch indices in between. Repeated
    /// named types repeat the first place they were met, and places first met inside a union start at the branch.
    pub location: String,
    /// Java's message.
    pub message: String,
    /// The reader's node the rule was applied to: for a missing default the record that has the field.
    pub reader: NodeId,
    /// The writer's node.
    pub writer: NodeId,
}

impl Incompatibility {
    /// The message of the registry, with the words for reader and writer (`new` and `old`, by direction).
    pub fn render(&self, reader: &str, writer: &str) -> String {
        let (location, message) = (&self.location, &self.message);
        let description = match self.kind {
            IncompatibilityKind::FixedSizeMismatch => format!(
                "The size of FIXED type field at path '{location}' in the {reader} schema does not match with the {writer} schema"
            ),
            IncompatibilityKind::TypeMismatch => format!(
                "The type (path '{location}') of a field in the {reader} schema does not match with the {writer} schema"
            ),
            IncompatibilityKind::NameMismatch => {
                format!("The name of the schema has changed (path '{location}')")
            }
            IncompatibilityKind::MissingEnumSymbols => format!(
                "The {reader} schema is missing enum symbols '{message}' at path '{location}' in the {writer} schema"
            ),
            IncompatibilityKind::MissingUnionBranch => format!(
                "The {reader} schema is missing a type inside a union field at path '{location}' in the {writer} schema"
            ),
            IncompatibilityKind::ReaderFieldMissingDefaultValue => format!(
                "The field '{message}' at path '{location}' in the {reader} schema has no default value and is missing in the {writer} schema"
            ),
        };
        format!(
            "{{errorType:'{}', description:'{description}', additionalInfo:'{message}'}}",
            self.kind.as_str()
        )
    }
}

impl fmt::Display for Incompatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}", self.kind.as_str(), self.location, self.message)
    }
}
