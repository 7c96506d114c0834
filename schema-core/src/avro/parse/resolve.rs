//! What can only be decided once a text is read: forward names, redefinitions, and the depth of the printed text.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{Fault, Parser};
use crate::avro::equality;
use crate::avro::node::{Field, Node, NodeId, Nodes, Props};
use crate::error::SchemaProblem;

impl Parser {
    /// Puts definitions in the place of names used before them; returns where the root went.
    pub(super) fn resolve_pending(&mut self, root: NodeId) -> Result<NodeId, Fault> {
        if self.pending.is_empty() {
            return Ok(root);
        }
        let mut targets = HashMap::with_capacity(self.pending.len());
        let mut pending: Vec<_> = std::mem::take(&mut self.pending).into_iter().collect();
        pending.sort_by_key(|(id, _)| *id);
        for (id, pending) in pending {
            let Some(&target) = self.names.get(&pending.full) else {
                self.path = pending.path;
                return Err(SchemaProblem::Undefined { name: pending.full }.into());
            };
            targets.insert(id, target);
        }
        let moved = |id: &mut NodeId| {
            if let Some(target) = targets.get(id) {
                *id = *target;
            }
        };
        for node in &mut self.nodes.0 {
            match node {
                Node::Array { items, .. } => moved(items),
                Node::Map { values, .. } => moved(values),
                Node::Union { branches } => branches.iter_mut().for_each(moved),
                Node::Record(record) => record.fields.iter_mut().for_each(|field| moved(&mut field.schema)),
                _ => {}
            }
        }
        let mut root = root;
        moved(&mut root);
        Ok(root)
    }

    /// Refuses a second definition that differs from the first.
    pub(super) fn check_redefinitions(&mut self) -> Result<(), Fault> {
        for redefinition in std::mem::take(&mut self.redefinitions) {
            if !equality::same_structure(&self.nodes, redefinition.first, redefinition.second) {
                let name = self.nodes.get(redefinition.first).name();
                let name = name.map_or_else(String::new, |name| name.full().to_owned());
                self.path = redefinition.path;
                return Err(SchemaProblem::Redefined { name }.into());
            }
        }
        Ok(())
    }
}

/// Levels of JSON nesting of the text with every type spelt out at its first use: what a re-parse and every recursive
/// walk will meet. Forward names make it deeper than the text that was read, so this walk is not recursive itself.
///
/// What is spelt out first decides how deep the rest goes, so the depth depends on `root` and on the names already `known`.
pub(in crate::avro) fn printed_depth(nodes: &Nodes, root: NodeId, known: &HashSet<String>) -> usize {
    let mut deepest = 0;
    let mut seen: HashSet<&str> = known.iter().map(String::as_str).collect();
    let mut open = vec![(root, 0_usize)];
    while let Some((id, outside)) = open.pop() {
        let node = nodes.get(id);
        if node.name().is_some_and(|name| !seen.insert(name.full())) {
            continue;
        }
        let props = node.props();
        let bare = node.kind().is_primitive() && props.is_none_or(Props::is_empty);
        let level = outside + usize::from(!bare);
        // the lists of a named type: symbols, aliases
        let lists = usize::from(node.name().is_some());
        deepest = deepest.max(level + props.map_or(0, props_depth).max(lists));
        match node {
            Node::Array { items: inner, .. } | Node::Map { values: inner, .. } => open.push((*inner, level)),
            Node::Union { branches } => open.extend(branches.iter().rev().map(|branch| (*branch, level))),
            Node::Record(record) => {
                let field_level = level + 2;
                deepest = deepest.max(record.fields.iter().map(field_depth).max().unwrap_or(0) + field_level);
                open.extend(record.fields.iter().rev().map(|field| (field.schema, field_level)));
            }
            _ => {}
        }
    }
    deepest
}

fn field_depth(field: &Field) -> usize {
    let default = field.default.as_ref().map_or(0, value_depth);
    // aliases print as an array
    default.max(props_depth(&field.props)).max(1)
}

fn props_depth(props: &Props) -> usize {
    props.iter().map(|(_, value)| value_depth(value)).max().unwrap_or(0)
}

/// Nesting of one value; the reader bounded it.
fn value_depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(value_depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(value_depth).max().unwrap_or(0),
        _ => 0,
    }
}
