//! Steps for types that do not fit: wider ones, the old ones, and branches of unions.

use serde_json::Value;

use super::{Bench, step, type_in_words};
use crate::avro::check::promotes;
use crate::avro::edits::{Action, Operation, Step};
use crate::avro::node::{Kind, Node, NodeId};
use crate::avro::schema::Schema;
use crate::level::Direction;

/// Types that others promote to, the narrowest first.
const WIDER: [(Kind, &str); 5] = [
    (Kind::Long, "long"),
    (Kind::Float, "float"),
    (Kind::Double, "double"),
    (Kind::String, "string"),
    (Kind::Bytes, "bytes"),
];

impl Bench<'_> {
    /// Two types that do not fit, outside a union of the reader.
    pub(super) fn type_mismatch(&self, n: NodeId, o: NodeId, direction: Direction) -> Vec<Step> {
        let mut steps = Vec::new();
        let Some(at) = self.at(n) else { return steps };
        let (new, old) = (self.new_node(n), self.old.node(o));
        match direction {
            Direction::Backward => {
                steps.extend(self.widened(&at, new.kind(), old.kind()));
                let union = union_with(self.old, o);
                let whole = union.map_or(o, |(union, _)| union);
                if old.kind() == Kind::Null {
                    steps.extend(self.union_of(&at, n, o));
                    steps.extend(self.restored(&at, whole));
                } else {
                    steps.extend(self.restored(&at, whole));
                    steps.extend(self.union_of(&at, n, o));
                }
            }
            Direction::Forward => {
                if let Some((union, index)) = union_with(self.new.schema(), n) {
                    steps.extend(self.without_branch(union, index, n));
                    if let Some(at) = self.at(union) {
                        steps.extend(self.restored(&at, o));
                    }
                }
                steps.extend(self.restored(&at, o));
            }
        }
        steps
    }

    /// No branch of the new union reads an old type.
    pub(super) fn missing_branch(&self, n: NodeId, o: NodeId) -> Vec<Step> {
        let (Some(at), Node::Union { branches }) = (self.at(n), self.new_node(n)) else { return Vec::new() };
        let old = self.old.node(o);
        let mut steps = Vec::new();
        for (index, branch) in branches.iter().enumerate() {
            steps.extend(self.widened(&format!("{at}/{index}"), self.new_node(*branch).kind(), old.kind()));
        }
        steps.push(step(
            Action::AddBranch,
            format!("Give the union the branch {} back.", type_in_words(old)),
            vec![Operation::Add { path: format!("{at}/-"), value: self.spell(o, None) }],
        ));
        steps
    }

    /// No branch of the old union reads a new type: a branch of the new union, or the whole new type.
    pub(super) fn added_branch(&self, n: NodeId, o: NodeId) -> Vec<Step> {
        let mut steps = Vec::new();
        let Some((union, index)) = union_with(self.new.schema(), n) else {
            if let Some(at) = self.at(n) {
                steps.extend(self.restored(&at, o));
            }
            return steps;
        };
        if let (Some(at), Node::Union { branches }) = (self.at(union), self.old.node(o)) {
            let kind = self.new_node(n).kind();
            let narrower = branches.iter().find(|branch| promotes(kind, self.old.node(**branch).kind()));
            steps.extend(
                narrower.into_iter().flat_map(|branch| self.restored(&format!("{at}/{index}"), *branch)),
            );
        }
        steps.extend(self.without_branch(union, index, n));
        if let Some(at) = self.at(union) {
            steps.extend(self.restored(&at, o));
        }
        steps
    }

    /// The narrowest type that reads data of both.
    fn widened(&self, at: &str, new: Kind, old: Kind) -> Option<Step> {
        let reads = |wide: Kind, kind| wide == kind || promotes(wide, kind);
        let (_, word) = WIDER.into_iter().find(|(wide, _)| reads(*wide, new) && reads(*wide, old))?;
        self.document.pointer(at)?;
        Some(step(
            Action::WidenType,
            format!("Widen {} to {word}, which also reads {}.", new.as_str(), old.as_str()),
            vec![Operation::Replace { path: at.to_owned(), value: word.into() }],
        ))
    }

    /// The old type in the place of the new one: as it is, and without the default of the field that may no longer fit.
    fn restored(&self, at: &str, old: NodeId) -> Vec<Step> {
        let description = format!("Make this {} again.", type_in_words(self.old.node(old)));
        let replace = Operation::Replace { path: at.to_owned(), value: self.spell(old, Some(at)) };
        self.with_and_without_default(at, Action::RestoreType, &description, replace)
    }

    fn with_and_without_default(
        &self,
        at: &str,
        action: Action,
        description: &str,
        operation: Operation,
    ) -> Vec<Step> {
        let default = at.strip_suffix("/type").map(|field| format!("{field}/default"));
        let mut steps = vec![step(action, description.to_owned(), vec![operation.clone()])];
        if let Some(path) = default.filter(|path| self.document.pointer(path).is_some()) {
            let description = format!("{description} Its default does not fit then and goes away.");
            steps.push(step(action, description, vec![operation, Operation::Remove { path }]));
        }
        steps
    }

    /// A union of the new type and an old one, the new one first so that its default still fits, unless the old one is null.
    fn union_of(&self, at: &str, n: NodeId, o: NodeId) -> Option<Step> {
        let posted = self.document.pointer(at)?.clone();
        let old = self.old.node(o);
        let described =
            format!("Make this a union of {} and {}.", type_in_words(old), type_in_words(self.new_node(n)));
        if union_with(self.new.schema(), n).is_some() || posted.is_array() {
            return None;
        }
        let has_default = at
            .strip_suffix("/type")
            .is_some_and(|field| self.document.pointer(&format!("{field}/default")).is_some());
        let (posted, former) = (posted, self.spell(o, None));
        let branches = if has_default { vec![posted, former] } else { vec![former, posted] };
        let patch = vec![Operation::Replace { path: at.to_owned(), value: Value::Array(branches) }];
        Some(step(Action::AddBranch, described, patch))
    }

    /// The union without a branch; a union of one is replaced by the type itself.
    fn without_branch(&self, union: NodeId, index: usize, branch: NodeId) -> Vec<Step> {
        let Some(at) = self.at(union) else { return Vec::new() };
        let Some(posted) = self.document.pointer(&at).and_then(Value::as_array) else { return Vec::new() };
        let description = format!("Take {} out of the union.", type_in_words(self.new_node(branch)));
        let others: Vec<&Value> =
            posted.iter().enumerate().filter(|(at, _)| *at != index).map(|(_, branch)| branch).collect();
        let operation = match others.as_slice() {
            [only] => Operation::Replace { path: at.clone(), value: (*only).clone() },
            _ => Operation::Remove { path: format!("{at}/{index}") },
        };
        self.with_and_without_default(&at, Action::RemoveBranch, &description, operation)
    }
}

/// The union that has the type as a branch, and the branch's position; the first of several.
fn union_with(schema: &Schema, id: NodeId) -> Option<(NodeId, usize)> {
    schema.node_ids().find_map(|union| match schema.node(union) {
        Node::Union { branches } => {
            branches.iter().position(|branch| *branch == id).map(|index| (union, index))
        }
        _ => None,
    })
}
