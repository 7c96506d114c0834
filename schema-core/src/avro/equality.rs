//! When two types are the same: Java's equality, and the stricter one that decides about reusing a version.
//!
//! Both are conjunctions over pairs of nodes, so they run on a list of open pairs instead of the call stack.

use std::collections::HashSet;
use std::hash::Hash;

use super::node::{Field, Node, NodeId, Nodes};
use super::schema::Schema;

/// Java's `Schema.equals`: type, names, fields with default and order, symbols, size and attributes. Docs, aliases, enum
/// defaults and the error flag take no part.
pub(super) fn same_structure(nodes: &Nodes, left: NodeId, right: NodeId) -> bool {
    Comparison { left: nodes, right: nodes, with_prose: false }.equal(left, right)
}

/// [`same_structure`] plus docs, alias sets and enum defaults.
pub(super) fn equivalent(left: &Schema, right: &Schema) -> bool {
    let comparison = Comparison { left: &left.0.nodes, right: &right.0.nodes, with_prose: true };
    comparison.equal(left.root(), right.root())
}

struct Comparison<'a> {
    left: &'a Nodes,
    right: &'a Nodes,
    /// Whether docs, aliases and enum defaults count.
    with_prose: bool,
}

type Pairs = Vec<(NodeId, NodeId)>;

impl Comparison<'_> {
    fn equal(&self, left: NodeId, right: NodeId) -> bool {
        let same_arena = std::ptr::eq(self.left, self.right);
        let mut seen = HashSet::new();
        let mut open = vec![(left, right)];
        while let Some((left, right)) = open.pop() {
            if same_arena && left == right {
                continue;
            }
            let (a, b) = (self.left.get(left), self.right.get(right));
            if a.name().is_some() && !seen.insert((left, right)) {
                continue;
            }
            if !self.nodes(a, b, &mut open) {
                return false;
            }
        }
        true
    }

    fn nodes(&self, left: &Node, right: &Node, open: &mut Pairs) -> bool {
        if left.kind() != right.kind() || left.props() != right.props() || left.name() != right.name() {
            return false;
        }
        if self.with_prose && (left.doc() != right.doc() || !same_set(left.aliases(), right.aliases())) {
            return false;
        }
        match (left, right) {
            (Node::Array { items: a, .. }, Node::Array { items: b, .. })
            | (Node::Map { values: a, .. }, Node::Map { values: b, .. }) => {
                open.push((*a, *b));
                true
            }
            (Node::Union { branches: a }, Node::Union { branches: b }) => {
                open.extend(a.iter().copied().zip(b.iter().copied()));
                a.len() == b.len()
            }
            (Node::Record(a), Node::Record(b)) => {
                a.fields.len() == b.fields.len()
                    && a.fields.iter().zip(&b.fields).all(|(a, b)| self.fields(a, b, open))
            }
            (Node::Enum(a), Node::Enum(b)) => {
                a.symbols == b.symbols && (!self.with_prose || a.default == b.default)
            }
            (Node::Fixed(a), Node::Fixed(b)) => a.size == b.size,
            _ => true,
        }
    }

    fn fields(&self, left: &Field, right: &Field, open: &mut Pairs) -> bool {
        open.push((left.schema, right.schema));
        left.name == right.name
            && left.default == right.default
            && left.order == right.order
            && left.props == right.props
            && (!self.with_prose || (left.doc == right.doc && same_set(&left.aliases, &right.aliases)))
    }
}

/// Lists without repetitions, compared in any order.
fn same_set<T: Eq + Hash>(left: &[T], right: &[T]) -> bool {
    left == right
        || (left.len() == right.len() && {
            let left: HashSet<&T> = left.iter().collect();
            right.iter().all(|item| left.contains(item))
        })
}

#[cfg(test)]
mod tests;
