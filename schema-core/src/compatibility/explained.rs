//! A refusal in plain words: the same versions and directions as the verdict, each problem once.

use serde::Serialize;

use super::{Direction, OldVersion};
use crate::avro::explain::{self, Explanation, Rule, Words};
use crate::avro::{Located, Side};
use crate::{CompatibilityLevel, Version};

/// One problem between the new schema and a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// The stable code of the rule.
    pub rule: Rule,
    /// Who was to read.
    pub direction: Direction,
    /// The old version.
    pub version: Version,
    /// The place in the old version, and what stands there.
    pub before: Side,
    /// The place in the new schema, and what stands there.
    pub after: Side,
    /// One sentence.
    pub why: String,
    /// For a failing union: what keeps its closest branch from reading.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Explained>,
}

/// Why `level` refuses `new`: forward problems first, then backward ones, of the newest version that has any. Empty when
/// the level accepts. `new` carries the places of the posted text; those of a version are in its stored text.
///
/// The reserved-field rules and a difference in language are not schema problems and have no entry.
pub fn explain(
    level: CompatibilityLevel,
    new: &Located<'_>,
    olds_newest_first: &[OldVersion<'_>],
) -> Vec<Explained> {
    let versions_max = match level {
        CompatibilityLevel::None => 0,
        level if level.is_transitive() => olds_newest_first.len(),
        _ => 1,
    };
    for old in olds_newest_first.iter().take(versions_max) {
        let located = Located::in_text(old.schema, old.text);
        let mut problems = Vec::new();
        for (direction, asked) in
            [(Direction::Forward, level.checks_forward()), (Direction::Backward, level.checks_backward())]
        {
            if asked {
                problems.extend(between(new, old.version, &located, direction));
            }
        }
        if !problems.is_empty() {
            return problems;
        }
    }
    Vec::new()
}

fn between(new: &Located<'_>, version: Version, old: &Located<'_>, direction: Direction) -> Vec<Explained> {
    let old_words = format!("version {version}");
    let new_words = "the new schema";
    let found = match direction {
        Direction::Backward => explain::explain(new, old, Words { reader: new_words, writer: &old_words }),
        Direction::Forward => explain::explain(old, new, Words { reader: &old_words, writer: new_words }),
    };
    found.into_iter().map(|one| explained(one, direction, version)).collect()
}

fn explained(one: Explanation, direction: Direction, version: Version) -> Explained {
    let Explanation { rule, reader, writer, why, causes } = one;
    let (before, after) = match direction {
        Direction::Backward => (writer, reader),
        Direction::Forward => (reader, writer),
    };
    let causes = causes.into_iter().map(|cause| explained(cause, direction, version)).collect();
    Explained { rule, direction, version, before, after, why, causes }
}
