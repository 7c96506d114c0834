//! From a level to a verdict: which versions a new schema is held against, in which direction, and what is said.

mod explained;

pub use crate::level::Direction;
pub use explained::{Explained, explain};

use crate::avro::{self, CheckError, Incompatibility, check};
use crate::{CompatibilityLevel, Metadata, Version};

/// UTF-16 units of an old schema that a message shows.
const OLD_SCHEMA_UNITS_MAX: usize = 10_240;

/// The one message when the new schema is of another language than an old one.
pub const DIFFERENT_TYPE: &str = "Incompatible because of different schema type";

/// A live version of the subject.
#[derive(Debug, Clone, Copy)]
pub struct OldVersion<'a> {
    /// Its number.
    pub version: Version,
    /// Its parsed schema.
    pub schema: &'a avro::Schema,
    /// Its stored text.
    pub text: &'a str,
}

/// One broken rule, against one version in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Who was to read.
    pub direction: Direction,
    /// The old version.
    pub version: Version,
    /// The rule, the place and the nodes.
    pub incompatibility: Incompatibility,
}

/// What a level says about a new schema.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it may be registered.
    pub compatible: bool,
    /// The registry's messages in order; empty when compatible.
    pub messages: Vec<String>,
    /// The broken rules as data. A check that had to be given up leaves a message and no problem.
    pub problems: Vec<Problem>,
}

/// The rules beside the level.
#[derive(Debug, Clone, Copy, Default)]
pub struct FieldRules<'a> {
    /// Whether reserved fields are checked; shown in the last message either way.
    pub validate_fields: bool,
    /// Metadata of the new schema and of the latest version.
    pub metadata: Option<&'a Metadata>,
    /// Metadata of the latest version.
    pub old_metadata: Option<&'a Metadata>,
}

/// Holds `new` against the versions the level asks for: the first of `olds_newest_first`, or all of a transitive level
/// until one fails.
pub fn check_against(
    level: CompatibilityLevel,
    new: &avro::Schema,
    olds_newest_first: &[OldVersion<'_>],
) -> Verdict {
    check_with_fields(level, new, olds_newest_first, FieldRules::default())
}

/// As [`check_against`], with the reserved-field rules in front: what they say counts as incompatible under every level
/// but NONE.
pub fn check_with_fields(
    level: CompatibilityLevel,
    new: &avro::Schema,
    olds_newest_first: &[OldVersion<'_>],
    rules: FieldRules<'_>,
) -> Verdict {
    let mut verdict = Verdict { compatible: true, ..Verdict::default() };
    if level == CompatibilityLevel::None {
        return verdict;
    }
    if rules.validate_fields {
        verdict.messages = Metadata::reserved_field_messages(rules.metadata, rules.old_metadata, new);
    }
    let versions_max = if level.is_transitive() { olds_newest_first.len() } else { 1 };
    for old in olds_newest_first.iter().take(versions_max) {
        let before = verdict.messages.len();
        if level.checks_forward() {
            compare(&mut verdict, new, old, Direction::Forward);
        }
        let before_trailers = if level.checks_backward() {
            let middle = verdict.messages.len();
            compare(&mut verdict, new, old, Direction::Backward);
            middle
        } else {
            before
        };
        if verdict.messages.len() > before_trailers {
            verdict.messages.extend(trailers(old));
        }
        if verdict.messages.len() > before {
            break;
        }
    }
    verdict.compatible = verdict.messages.is_empty();
    if !verdict.compatible {
        let validate = rules.validate_fields;
        verdict.messages.push(format!("{{validateFields: '{validate}', compatibility: '{level}'}}"));
    }
    verdict
}

/// The live versions of `versions` that take part under a compatibility group: those whose metadata property `group` is
/// the same as, or equally absent from, the new schema's.
pub fn in_group<'a, T>(
    group: Option<&'a str>,
    new: Option<&'a Metadata>,
    versions: impl Iterator<Item = T> + 'a,
    metadata_of: impl Fn(&T) -> Option<&Metadata> + 'a,
) -> impl Iterator<Item = T> + 'a
where
    T: 'a,
{
    let value =
        move |metadata: Option<&Metadata>| group.and_then(|group| metadata?.properties.get(group).cloned());
    let wanted = value(new);
    versions.filter(move |version| value(metadata_of(version)) == wanted)
}

/// The message of the conflict answer (409): the prefix and the list as Java prints one.
pub fn conflict_message(subject: &str, messages: &[String]) -> String {
    let messages = messages.join(", ");
    format!(
        "Schema being registered is incompatible with an earlier schema for subject \"{subject}\", details: [{messages}]"
    )
}

fn compare(verdict: &mut Verdict, new: &avro::Schema, old: &OldVersion<'_>, direction: Direction) {
    let (found, reader, writer) = match direction {
        Direction::Backward => (check(new, old.schema), "new", "old"),
        Direction::Forward => (check(old.schema, new), "old", "new"),
    };
    match found {
        Ok(found) => {
            for incompatibility in found {
                verdict.messages.push(incompatibility.render(reader, writer));
                verdict.problems.push(Problem { direction, version: old.version, incompatibility });
            }
        }
        Err(error @ (CheckError::Ambiguous(_) | CheckError::TooComplex)) => {
            verdict.messages.push(format!("Unexpected exception during compatibility check: {error}"));
        }
    }
}

fn trailers(old: &OldVersion<'_>) -> [String; 2] {
    let mut units = 0;
    let cut = old.text.char_indices().find(|(_, character)| {
        units += character.len_utf16();
        units > OLD_SCHEMA_UNITS_MAX
    });
    let schema = match cut {
        None => format!("{{oldSchema: '{}'}}", old.text),
        Some((end, _)) => {
            format!("{{oldSchema: <truncated> '{}...'}}", old.text.get(..end).unwrap_or_default())
        }
    };
    [format!("{{oldSchemaVersion: {}}}", old.version), schema]
}

#[cfg(test)]
mod tests;
