//! Steps that may solve one problem, the likeliest first.

mod fields;
mod types;

use serde_json::Value;

use super::texts::Speller;
use super::{Action, Operation, Step};
use crate::avro::explain::{Problem, What};
use crate::avro::located::Located;
use crate::avro::node::{Kind, Node, NodeId};
use crate::avro::schema::Schema;
use crate::json::to_text;
use crate::level::Direction;

/// Steps offered for one problem.
const STEPS_MAX: usize = 12;

/// What steps are made of: the schema being edited with its text, and the old one.
pub(super) struct Bench<'a> {
    pub(super) new: &'a Located<'a>,
    pub(super) old: &'a Schema,
    pub(super) document: &'a Value,
}

/// Steps for a problem and its causes. A place in a referenced text cannot be edited and gives none.
pub(super) fn candidates(
    problem: &Problem,
    direction: Direction,
    new: &Located<'_>,
    old: &Schema,
    document: &Value,
) -> Vec<Step> {
    let bench = Bench { new, old, document };
    let mut steps: Vec<Step> = Vec::new();
    for cause in &problem.causes {
        steps.extend(candidates(cause, direction, new, old, document));
    }
    let (n, o) = match direction {
        Direction::Backward => (problem.reader, problem.writer),
        Direction::Forward => (problem.writer, problem.reader),
    };
    let found = match (&problem.what, direction) {
        (What::Name, _) => bench.names(n, o, direction),
        (What::Size, _) => bench.size(n, o),
        (What::Symbols(symbols), Direction::Backward) => bench.symbols_back(n, symbols),
        (What::Symbols(symbols), Direction::Forward) => bench.symbols_away(n, symbols),
        (What::MissingDefault(index), Direction::Backward) => bench.missing_default(n, o, *index),
        (What::MissingDefault(index), Direction::Forward) => bench.removed_field(n, o, *index),
        (What::Type, _) => bench.type_mismatch(n, o, direction),
        (What::Branch, Direction::Backward) => bench.missing_branch(n, o),
        (What::Branch, Direction::Forward) => bench.added_branch(n, o),
        (What::Ambiguous(index, names), Direction::Backward) => bench.ambiguous(n, *index, names),
        (What::Ambiguous(..), Direction::Forward) | (What::TooComplex, _) => Vec::new(),
    };
    steps.extend(found);
    steps.truncate(STEPS_MAX);
    steps
}

pub(super) fn step(action: Action, description: String, patch: Vec<Operation>) -> Step {
    Step { action, description, patch }
}

impl Bench<'_> {
    /// Pointer to a type in the main text.
    pub(super) fn at(&self, id: NodeId) -> Option<String> {
        let (pointer, reference) = self.new.place(id);
        reference.is_none().then_some(pointer)
    }

    pub(super) fn new_node(&self, id: NodeId) -> &Node {
        self.new.schema().node(id)
    }

    /// The JSON of an old type for the new text, of which the part at `replaced` goes away.
    pub(super) fn spell(&self, old: NodeId, replaced: Option<&str>) -> Value {
        Speller::new(self.old, self.new, replaced).spell(old)
    }

    fn names(&self, n: NodeId, o: NodeId, direction: Direction) -> Vec<Step> {
        let (Some(at), Some(old), Some(new)) = (self.at(n), self.old.node(o).name(), self.new_node(n).name())
        else {
            return Vec::new();
        };
        let word = self.new_node(n).kind().as_str();
        let mut steps = Vec::new();
        if direction == Direction::Backward {
            let alias = if old.namespace().is_empty() && !new.namespace().is_empty() {
                format!(".{}", old.simple())
            } else {
                old.full().to_owned()
            };
            let alias = if old.namespace() == new.namespace() { old.simple().to_owned() } else { alias };
            steps.push(step(
                Action::AddTypeAlias,
                format!("Give {word} {new} the alias {old}."),
                vec![self.append(&format!("{at}/aliases"), alias.into())],
            ));
        }
        let name = self.document.pointer(&format!("{at}/name")).and_then(Value::as_str);
        let name = match name.and_then(|name| name.rsplit_once('.')) {
            Some((namespace, _)) => format!("{namespace}.{}", old.simple()),
            None => old.simple().to_owned(),
        };
        steps.push(step(
            Action::RenameTypeBack,
            format!("Call {word} {new} {} again.", old.simple()),
            vec![Operation::Replace { path: format!("{at}/name"), value: name.into() }],
        ));
        steps
    }

    /// Appends to a list that may not be there yet.
    pub(super) fn append(&self, path: &str, item: Value) -> Operation {
        match self.document.pointer(path) {
            Some(Value::Array(_)) => Operation::Add { path: format!("{path}/-"), value: item },
            _ => Operation::Add { path: path.to_owned(), value: Value::Array(vec![item]) },
        }
    }

    fn size(&self, n: NodeId, o: NodeId) -> Vec<Step> {
        let (Some(at), Node::Fixed(old), Node::Fixed(new)) = (self.at(n), self.old.node(o), self.new_node(n))
        else {
            return Vec::new();
        };
        vec![step(
            Action::RestoreSize,
            format!("Give fixed {} its {} bytes back.", new.name, old.size),
            vec![Operation::Replace { path: format!("{at}/size"), value: old.size.into() }],
        )]
    }

    fn symbols_back(&self, n: NodeId, missing: &[String]) -> Vec<Step> {
        let (Some(at), Node::Enum(node)) = (self.at(n), self.new_node(n)) else { return Vec::new() };
        let symbols: Value = node.symbols.iter().chain(missing).map(String::as_str).collect();
        let mut steps = vec![step(
            Action::RestoreSymbols,
            format!("Give enum {} the {} back.", node.name, symbols_in_words(missing)),
            match missing {
                [one] => vec![Operation::Add { path: format!("{at}/symbols/-"), value: one.as_str().into() }],
                _ => vec![Operation::Replace { path: format!("{at}/symbols"), value: symbols }],
            },
        )];
        if let Some(first) = node.symbols.first() {
            steps.push(step(
                Action::AddEnumDefault,
                format!(
                    "Give enum {} the default {first}, which stands in for symbols it does not know.",
                    node.name
                ),
                vec![Operation::Add { path: format!("{at}/default"), value: first.as_str().into() }],
            ));
        }
        steps
    }

    fn symbols_away(&self, n: NodeId, added: &[String]) -> Vec<Step> {
        let (Some(at), Node::Enum(node)) = (self.at(n), self.new_node(n)) else { return Vec::new() };
        let kept: Value =
            node.symbols.iter().filter(|symbol| !added.contains(symbol)).map(String::as_str).collect();
        let mut patch = Vec::new();
        if node.default.as_ref().is_some_and(|default| added.contains(default)) {
            patch.push(Operation::Remove { path: format!("{at}/default") });
        }
        patch.push(Operation::Replace { path: format!("{at}/symbols"), value: kept });
        let description = format!("Take the {} out of enum {}.", symbols_in_words(added), node.name);
        vec![step(Action::RemoveSymbols, description, patch)]
    }
}

fn symbols_in_words(symbols: &[String]) -> String {
    const LISTED_MAX: usize = 10;
    match symbols {
        [one] => format!("symbol {one}"),
        many if many.len() <= LISTED_MAX => format!("symbols {}", many.join(", ")),
        many => format!("{} symbols", many.len()),
    }
}

/// A JSON value in a sentence.
pub(super) fn in_words(value: &Value) -> String {
    const CHARACTERS_MAX: usize = 60;
    let text = to_text(value);
    match text.char_indices().nth(CHARACTERS_MAX) {
        Some((end, _)) => format!("{}...", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// A type in a sentence.
pub(super) fn type_in_words(node: &Node) -> String {
    match (node.name(), node.kind()) {
        (Some(name), kind) => format!("{} {name}", kind.as_str()),
        (None, Kind::Union) => "the old union".to_owned(),
        (None, kind) => kind.as_str().to_owned(),
    }
}
