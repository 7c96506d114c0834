//! Why a reader cannot read a writer's data, in plain words and with the places in both texts.
//!
//! [`check`](fn@super::check) speaks Java's words and repeats Java's places. Here every problem carries the places where the
//! two schemas really differ, and a failing union says what keeps its closest branch from reading.

use std::collections::HashSet;

use serde::{Serialize, Serializer};

use super::check::{AmbiguousField, CheckError, PAIRS_MAX, check_from};
use super::incompatibility::{Incompatibility, IncompatibilityKind};
use super::located::{Located, Side};
use super::node::{EnumNode, Field, Kind, Node, NodeId, RecordNode};
use super::schema::Schema;

/// Problems that one explanation lists, causes included.
const EXPLAINED_MAX: usize = 200;
/// Unions within unions that an explanation looks into.
const CAUSES_DEPTH_MAX: usize = 8;
/// Symbols, names and the like that one sentence lists.
const LISTED_MAX: usize = 10;

/// The rules, as stable codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rule {
    /// A rule of the pair of types.
    Broken(IncompatibilityKind),
    /// A field of the reader matches several of the writer.
    AmbiguousField,
    /// The check was given up.
    TooComplex,
}

impl Rule {
    /// The stable code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Broken(kind) => kind.as_str(),
            Self::AmbiguousField => "AMBIGUOUS_FIELD",
            Self::TooComplex => "TOO_COMPLEX",
        }
    }
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One problem, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Which rule.
    pub rule: Rule,
    /// The place in the reader's schema.
    pub reader: Side,
    /// The place in the writer's schema.
    pub writer: Side,
    /// One sentence.
    pub why: String,
    /// What keeps the closest branch of a union from reading; empty when no branch is close, and for other rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<Explanation>,
}

/// The words a sentence has for the two schemas, such as `the new schema` and `version 3`.
#[derive(Debug, Clone, Copy)]
pub struct Words<'a> {
    /// The one that reads.
    pub reader: &'a str,
    /// The one that wrote.
    pub writer: &'a str,
}

/// Everything that keeps `reader` from reading data of `writer`, each problem once; empty when it can. At most 200 problems.
pub fn explain(reader: &Located<'_>, writer: &Located<'_>, words: Words<'_>) -> Vec<Explanation> {
    let roots = (reader.schema().root(), writer.schema().root());
    problems(reader.schema(), writer.schema(), roots, &mut Bounds::default())
        .iter()
        .map(|problem| explanation(problem, reader, writer, words))
        .collect()
}

/// What one search may still do.
pub(super) struct Bounds {
    problems: usize,
    depth: usize,
    pub(super) pairs: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { problems: EXPLAINED_MAX, depth: CAUSES_DEPTH_MAX, pairs: PAIRS_MAX }
    }
}

/// A problem as nodes: the reader's first.
#[derive(Debug, Clone)]
pub(super) struct Problem {
    pub(super) reader: NodeId,
    pub(super) writer: NodeId,
    pub(super) what: What,
    pub(super) causes: Vec<Problem>,
}

/// What is wrong between two nodes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Name,
    Size,
    /// The writer's symbols that the reader lacks.
    Symbols(Vec<String>),
    /// A field of the reader's record, by position, that the writer's record lacks.
    MissingDefault(usize),
    Type,
    /// The reader is a union, the writer a type none of its branches reads.
    Branch,
    /// A field of the reader's record, by position, and the writer's fields it matches.
    Ambiguous(usize, Vec<String>),
    TooComplex,
}

/// The problems of a pair of types, without repetitions.
pub(super) fn problems(
    reader: &Schema,
    writer: &Schema,
    (reader_node, writer_node): (NodeId, NodeId),
    bounds: &mut Bounds,
) -> Vec<Problem> {
    let found = match check_from((reader, reader_node), (writer, writer_node), &mut bounds.pairs) {
        Ok(found) => found,
        Err(CheckError::Ambiguous(ambiguous)) => return vec![ambiguity(reader, writer, &ambiguous)],
        Err(CheckError::TooComplex) => {
            let what = What::TooComplex;
            return vec![Problem { reader: reader_node, writer: writer_node, what, causes: Vec::new() }];
        }
    };
    let mut seen = HashSet::new();
    let mut problems = Vec::new();
    for one in &found {
        if !seen.insert((one.kind, one.reader, one.writer, one.message.as_str())) {
            continue;
        }
        let Some(left) = bounds.problems.checked_sub(1) else { break };
        bounds.problems = left;
        problems.push(problem(reader, writer, one, bounds));
    }
    problems
}

fn problem(reader: &Schema, writer: &Schema, one: &Incompatibility, bounds: &mut Bounds) -> Problem {
    let pair = (reader.node(one.reader), writer.node(one.writer));
    let mut nodes = (one.reader, one.writer);
    let mut causes = Vec::new();
    let what = match (one.kind, pair) {
        (IncompatibilityKind::NameMismatch, _) => What::Name,
        (IncompatibilityKind::FixedSizeMismatch, _) => What::Size,
        (IncompatibilityKind::MissingEnumSymbols, (Node::Enum(r), Node::Enum(w))) => {
            What::Symbols(missing_symbols(r, w))
        }
        (IncompatibilityKind::ReaderFieldMissingDefaultValue, (Node::Record(r), _)) => {
            What::MissingDefault(r.field(&one.message).map_or(0, |(index, _)| index))
        }
        (IncompatibilityKind::TypeMismatch, (Node::Enum(e), Node::Record(w))) if e.default.is_some() => {
            match field_of_enum(reader, one.reader, w) {
                Some((record, index)) => {
                    nodes.0 = record;
                    What::MissingDefault(index)
                }
                None => What::Type,
            }
        }
        (IncompatibilityKind::MissingUnionBranch, (Node::Union { branches }, _)) => {
            let closest = closest_branch(reader, branches, writer.node(one.writer));
            if let (Some(branch), Some(left)) = (closest, bounds.depth.checked_sub(1)) {
                bounds.depth = left;
                causes = problems(reader, writer, (branch, one.writer), bounds);
                bounds.depth = left + 1;
            }
            What::Branch
        }
        _ => What::Type,
    };
    Problem { reader: nodes.0, writer: nodes.1, what, causes }
}

fn ambiguity(reader: &Schema, writer: &Schema, ambiguous: &AmbiguousField) -> Problem {
    let (record, written) = ambiguous.pair;
    let matched = match (reader.node(record), writer.node(written)) {
        (Node::Record(r), Node::Record(w)) => r.fields.get(ambiguous.position).map(|field| matches(field, w)),
        _ => None,
    };
    let what = What::Ambiguous(ambiguous.position, matched.unwrap_or_default());
    Problem { reader: record, writer: written, what, causes: Vec::new() }
}

/// The writer's fields that a reader's field matches, by name and by alias.
pub(super) fn matches(field: &Field, writer: &RecordNode) -> Vec<String> {
    let names = std::iter::once(&field.name).chain(&field.aliases);
    names.filter(|name| writer.field(name).is_some()).cloned().collect()
}

fn missing_symbols(reader: &EnumNode, writer: &EnumNode) -> Vec<String> {
    let known: HashSet<&String> = reader.symbols.iter().collect();
    writer.symbols.iter().filter(|symbol| !known.contains(symbol)).cloned().collect()
}

/// The field that made the check compare an enum with the writer's whole record: one of that enum's type, without a
/// default and without a match.
fn field_of_enum(reader: &Schema, id: NodeId, writer: &RecordNode) -> Option<(NodeId, usize)> {
    reader.node_ids().find_map(|record_id| {
        let Node::Record(record) = reader.node(record_id) else { return None };
        let lost = |field: &Field| {
            field.schema == id && field.default.is_none() && matches(field, writer).is_empty()
        };
        record.fields.iter().position(lost).map(|index| (record_id, index))
    })
}

/// The branch that was most likely meant for a type of the writer: the one of the same name, else the only one of the
/// same type.
pub(super) fn closest_branch(reader: &Schema, branches: &[NodeId], writer: &Node) -> Option<NodeId> {
    let mut same = branches.iter().copied().filter(|branch| reader.node(*branch).kind() == writer.kind());
    let Some(name) = writer.name() else { return same.next() };
    let by_name = |branch: &NodeId| {
        let node = reader.node(*branch);
        node.name().is_some_and(|own| own.simple() == name.simple()) || node.aliases().contains(name)
    };
    let all: Vec<NodeId> = same.collect();
    let named = all.iter().copied().find(by_name);
    named.or(if let [only] = all.as_slice() { Some(*only) } else { None })
}

/// A problem in words.
pub(super) fn explanation(
    problem: &Problem,
    reader: &Located<'_>,
    writer: &Located<'_>,
    words: Words<'_>,
) -> Explanation {
    let (r, w) = (problem.reader, problem.writer);
    let whole = || (reader.side(r), writer.side(w));
    let (rule, (reader_side, writer_side)) = match &problem.what {
        What::Name => {
            let name = |located: &Located<'_>, id| {
                let name = located.schema().node(id).name().map(|name| name.full().into());
                located.part(id, "name", name)
            };
            (Rule::Broken(IncompatibilityKind::NameMismatch), (name(reader, r), name(writer, w)))
        }
        What::Size => {
            let size = |located: &Located<'_>, id| {
                let side: Side = located.side(id);
                located.part(id, "size", side.json.and_then(|json| json.get("size").cloned()))
            };
            (Rule::Broken(IncompatibilityKind::FixedSizeMismatch), (size(reader, r), size(writer, w)))
        }
        What::Symbols(_) => {
            let symbols = |located: &Located<'_>, id| {
                let side: Side = located.side(id);
                located.part(id, "symbols", side.json.and_then(|json| json.get("symbols").cloned()))
            };
            (Rule::Broken(IncompatibilityKind::MissingEnumSymbols), (symbols(reader, r), symbols(writer, w)))
        }
        What::MissingDefault(index) => (
            Rule::Broken(IncompatibilityKind::ReaderFieldMissingDefaultValue),
            (reader.field(r, *index), writer.part(w, "fields", None)),
        ),
        What::Type => (Rule::Broken(IncompatibilityKind::TypeMismatch), whole()),
        What::Branch => (Rule::Broken(IncompatibilityKind::MissingUnionBranch), whole()),
        What::Ambiguous(index, _) => (Rule::AmbiguousField, (reader.field(r, *index), writer.side(w))),
        What::TooComplex => (Rule::TooComplex, whole()),
    };
    Explanation {
        rule,
        reader: reader_side,
        writer: writer_side,
        why: sentence(problem, reader.schema(), writer.schema(), words),
        causes: problem.causes.iter().map(|cause| explanation(cause, reader, writer, words)).collect(),
    }
}

fn sentence(problem: &Problem, reader: &Schema, writer: &Schema, words: Words<'_>) -> String {
    let Words { reader: r_words, writer: w_words } = words;
    let (r, w) = (reader.node(problem.reader), writer.node(problem.writer));
    let field_name = |index: usize| match r {
        Node::Record(record) => record.fields.get(index).map_or("", |field| field.name.as_str()),
        _ => "",
    };
    let text = match &problem.what {
        What::Name => format!(
            "{w_words} calls this {} {}, {r_words} calls it {} and has no alias for the old name.",
            w.kind().as_str(),
            full(w),
            full(r)
        ),
        What::Size => format!(
            "A value of fixed {} has another number of bytes in {r_words} than in {w_words}.",
            full(r)
        ),
        What::Symbols(symbols) => format!(
            "Data of {w_words} may hold {} of enum {}, which {r_words} does not know, and the enum has no default to read instead.",
            listed(symbols),
            full(r)
        ),
        What::MissingDefault(index) => {
            let mut text = format!(
                "Data of {w_words} has no field {} of record {}, and {r_words} gives the field no default to read instead.",
                field_name(*index),
                full(r)
            );
            if enum_default(reader, r, *index) {
                text.push_str(" The default of the enum does not stand in for one of the field.");
            }
            text
        }
        What::Type => {
            format!("{w_words} writes {} here, which {r_words} cannot read as {}.", article(w), article(r))
        }
        What::Branch if problem.causes.is_empty() => {
            format!(
                "{w_words} may write {} here, and the union of {r_words} has no branch for it.",
                article(w)
            )
        }
        What::Branch => format!(
            "{w_words} may write {} here, and the branch of {r_words} that should take it cannot read it.",
            article(w)
        ),
        What::Ambiguous(index, names) => format!(
            "Field {} of record {} in {r_words} matches several fields of {w_words} by its name and aliases: {}.",
            field_name(*index),
            full(r),
            listed(names)
        ),
        What::TooComplex => {
            "The schemas are too complex to compare: too many pairs of types, or too many problems."
                .to_owned()
        }
    };
    capitalised(&text)
}

pub(super) fn capitalised(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

fn enum_default(schema: &Schema, record: &Node, index: usize) -> bool {
    let Node::Record(record) = record else { return false };
    let field = record.fields.get(index);
    field.is_some_and(|field| matches!(schema.node(field.schema), Node::Enum(node) if node.default.is_some()))
}

fn full(node: &Node) -> &str {
    node.name().map_or("", |name| name.full())
}

fn article(node: &Node) -> String {
    let word = node.kind().as_str();
    let named = node.name().map_or_else(String::new, |name| format!(" {}", name.full()));
    match node.kind() {
        Kind::Null | Kind::Bytes => word.to_owned(),
        Kind::Int | Kind::Array | Kind::Enum => format!("an {word}{named}"),
        _ => format!("a {word}{named}"),
    }
}

fn listed(items: &[String]) -> String {
    let shown = items.iter().take(LISTED_MAX).map(String::as_str).collect::<Vec<_>>().join(", ");
    match items.len().saturating_sub(LISTED_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests;
