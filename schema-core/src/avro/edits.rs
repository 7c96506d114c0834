//! The smallest edits that make a refused schema acceptable, each tried before it is offered.

mod candidates;
mod patch;
mod search;
mod texts;

use serde::Serialize;

use super::parse::ParseMode;
use super::schema::Schema;
use crate::CompatibilityLevel;

pub use patch::{Operation, apply};

/// Edits that one call offers.
pub const EDITS_MAX: usize = 6;

/// The schema to be edited, as it was posted.
#[derive(Debug, Clone, Copy)]
pub struct Posted<'a> {
    /// The text; patches apply to it as JSON (comments do not survive).
    pub text: &'a str,
    /// The texts it refers to, in resolution order.
    pub references: &'a [&'a str],
    /// How an edited text is parsed.
    pub mode: ParseMode,
}

/// A set of changes to the posted text that together make it compatible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Edit {
    /// What is done, in one sentence for each step.
    pub description: String,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// All operations in order: a JSON Patch (RFC 6902) for the posted text.
    pub patch: Vec<Operation>,
    /// The edited text, compact. It was parsed and checked against every version before it was offered.
    pub schema: String,
}

/// One change, undivided: its operations belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// What the step does.
    pub action: Action,
    /// One sentence.
    pub description: String,
    /// Its operations, in order.
    pub patch: Vec<Operation>,
}

/// The kinds of step, as stable codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum Action {
    /// A field gets a default.
    AddDefault,
    /// A field becomes nullable with null as its default.
    MakeOptional,
    /// A field gets the name of an old one as an alias.
    AddFieldAlias,
    /// A type gets its old name as an alias.
    AddTypeAlias,
    /// A field that was removed comes back.
    RestoreField,
    /// A field gets its old name back.
    RenameFieldBack,
    /// A type gets its old name back.
    RenameTypeBack,
    /// An alias goes away.
    RemoveAlias,
    /// An enum gets a default.
    AddEnumDefault,
    /// Symbols that were removed come back.
    RestoreSymbols,
    /// Symbols that were added go away.
    RemoveSymbols,
    /// A fixed gets its old size back.
    RestoreSize,
    /// A type becomes one that also reads the old data.
    WidenType,
    /// A type becomes what it was.
    RestoreType,
    /// A type becomes a union that also has the old type.
    AddBranch,
    /// A branch that was added goes away.
    RemoveBranch,
}

/// Edits of the posted schema that make `level` accept it after `olds_newest_first`, the smallest first; each is verified.
/// Empty when nothing needs to change, when the text does not parse, and when nothing was found.
///
/// At most [`EDITS_MAX`] edits of at most 40 steps. The search tries at most 400 texts of together 32 MiB and compares at most
/// 8,000,000 pairs of types, however long the history; a schema of more than 256 KiB or with more than 80 problems gets none.
pub fn suggest(new: &Posted<'_>, olds_newest_first: &[&Schema], level: CompatibilityLevel) -> Vec<Edit> {
    search::search(new, olds_newest_first, level)
}

#[cfg(test)]
mod tests;
