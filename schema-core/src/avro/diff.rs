//! What differs between two schemas, change by change.

mod fields;
mod walk;

use serde::{Serialize, Serializer};

use super::located::{Located, Side};

/// Changes that one difference lists.
pub const CHANGES_MAX: usize = 5_000;

/// The kinds of change, as stable codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChangeKind {
    /// A type became another type, or was wrapped into a union or taken out of one.
    TypeChanged,
    /// A record, enum or fixed has another name or namespace.
    NameChanged,
    /// A field that the old record lacks.
    FieldAdded,
    /// A field that the new record lacks.
    FieldRemoved,
    /// A field with another name, recognised by an alias.
    FieldRenamed,
    /// A field stands elsewhere among those that both records have.
    FieldMoved,
    /// A field got a default.
    DefaultAdded,
    /// A field lost its default.
    DefaultRemoved,
    /// A field has another default.
    DefaultChanged,
    /// A field sorts differently.
    OrderChanged,
    /// The documentation of a type or field differs.
    DocChanged,
    /// The other names of a type or field differ.
    AliasesChanged,
    /// Symbols that the old enum lacks.
    SymbolsAdded,
    /// Symbols that the new enum lacks.
    SymbolsRemoved,
    /// The same symbols in another order.
    SymbolsMoved,
    /// The symbol that stands in for unknown ones differs.
    EnumDefaultChanged,
    /// A fixed has another size.
    SizeChanged,
    /// A branch that the old union lacks.
    BranchAdded,
    /// A branch that the new union lacks.
    BranchRemoved,
    /// The same branches in another order.
    BranchesMoved,
    /// The logical type, its precision or its scale differs.
    LogicalTypeChanged,
    /// The tags (`confluent:tags`) differ.
    TagsChanged,
    /// Other attributes differ.
    PropertiesChanged,
    /// A record became an error, or an error a record.
    ErrorFlagChanged,
}

impl ChangeKind {
    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TypeChanged => "TYPE_CHANGED",
            Self::NameChanged => "NAME_CHANGED",
            Self::FieldAdded => "FIELD_ADDED",
            Self::FieldRemoved => "FIELD_REMOVED",
            Self::FieldRenamed => "FIELD_RENAMED",
            Self::FieldMoved => "FIELD_MOVED",
            Self::DefaultAdded => "DEFAULT_ADDED",
            Self::DefaultRemoved => "DEFAULT_REMOVED",
            Self::DefaultChanged => "DEFAULT_CHANGED",
            Self::OrderChanged => "ORDER_CHANGED",
            Self::DocChanged => "DOC_CHANGED",
            Self::AliasesChanged => "ALIASES_CHANGED",
            Self::SymbolsAdded => "SYMBOLS_ADDED",
            Self::SymbolsRemoved => "SYMBOLS_REMOVED",
            Self::SymbolsMoved => "SYMBOLS_MOVED",
            Self::EnumDefaultChanged => "ENUM_DEFAULT_CHANGED",
            Self::SizeChanged => "SIZE_CHANGED",
            Self::BranchAdded => "BRANCH_ADDED",
            Self::BranchRemoved => "BRANCH_REMOVED",
            Self::BranchesMoved => "BRANCHES_MOVED",
            Self::LogicalTypeChanged => "LOGICAL_TYPE_CHANGED",
            Self::TagsChanged => "TAGS_CHANGED",
            Self::PropertiesChanged => "PROPERTIES_CHANGED",
            Self::ErrorFlagChanged => "ERROR_FLAG_CHANGED",
        }
    }
}

impl Serialize for ChangeKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Which kind.
    pub kind: ChangeKind,
    /// The place in the old schema.
    pub old: Side,
    /// The place in the new schema.
    pub new: Side,
    /// Whether the change keeps the new schema from reading data of the old one.
    pub breaks_backward: bool,
    /// Whether the change keeps the old schema from reading data of the new one.
    pub breaks_forward: bool,
}

/// The changes from `old` to `new`, each named type once, in the order of the new schema; at most [`CHANGES_MAX`].
///
/// Empty exactly when the two are the same but for the order of attributes and the spelling of the text. When a direction
/// is incompatible some change says that it breaks it (unless the list is cut or the check was given up), and no change
/// does when it is compatible.
pub fn diff(old: &Located<'_>, new: &Located<'_>) -> Vec<Change> {
    walk::walk(old, new)
}

#[cfg(test)]
mod tests;
