//! The canonical text: what the registry stores, hashes and returns. Key order and namespaces as Java's printer has them.

use std::collections::HashSet;

use super::name::Name;
use super::node::{Field, Node, NodeId, Nodes, Order, Props};
use crate::json::{write_string, write_value};

/// The text of the type `root`; types named in `known` appear as names from the start.
pub(super) fn print(nodes: &Nodes, root: NodeId, known: &HashSet<String>) -> String {
    let known = known.iter().map(String::as_str).collect();
    let mut printer = Printer { nodes, out: String::with_capacity(256), known };
    printer.node(root, "");
    printer.out
}

struct Printer<'a> {
    nodes: &'a Nodes,
    out: String,
    known: HashSet<&'a str>,
}

impl<'a> Printer<'a> {
    /// Recursion is bounded: parsing measured how deep the printed text nests.
    fn node(&mut self, id: NodeId, namespace: &'a str) {
        let node = self.nodes.get(id);
        match node {
            Node::Array { items, props } => {
                self.out.push_str("{\"type\":\"array\",\"items\":");
                self.node(*items, namespace);
                self.props(props);
                self.out.push('}');
            }
            Node::Map { values, props } => {
                self.out.push_str("{\"type\":\"map\",\"values\":");
                self.node(*values, namespace);
                self.props(props);
                self.out.push('}');
            }
            Node::Union { branches } => {
                self.out.push('[');
                for (index, branch) in branches.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.node(*branch, namespace);
                }
                self.out.push(']');
            }
            Node::Record(_) | Node::Enum(_) | Node::Fixed(_) => self.named(node, namespace),
            primitive => self.primitive(primitive),
        }
    }

    fn primitive(&mut self, node: &Node) {
        let word = node.kind().as_str();
        match node.props() {
            Some(props) if !props.is_empty() => {
                self.out.push_str("{\"type\":\"");
                self.out.push_str(word);
                self.out.push('"');
                self.props(props);
                self.out.push('}');
            }
            _ => {
                self.out.push('"');
                self.out.push_str(word);
                self.out.push('"');
            }
        }
    }

    fn named(&mut self, node: &'a Node, namespace: &'a str) {
        let Some(name) = node.name() else { return };
        if !self.known.insert(name.full()) {
            write_string(&mut self.out, name.qualified_in(namespace));
            return;
        }
        let word = match node {
            Node::Record(record) if record.is_error => "error",
            other => other.kind().as_str(),
        };
        self.out.push_str("{\"type\":\"");
        self.out.push_str(word);
        self.out.push_str("\",\"name\":");
        write_string(&mut self.out, name.simple());
        if name.namespace() != namespace {
            self.text("namespace", name.namespace());
        }
        if let Some(doc) = node.doc() {
            self.text("doc", doc);
        }
        match node {
            Node::Record(record) => self.fields(&record.fields, name.namespace()),
            Node::Enum(node) => {
                self.strings("symbols", node.symbols.iter().map(String::as_str));
                if let Some(default) = &node.default {
                    self.text("default", default);
                }
            }
            Node::Fixed(fixed) => {
                self.key("size");
                self.out.push_str(&fixed.size.to_string());
            }
            _ => {}
        }
        if let Some(props) = node.props() {
            self.props(props);
        }
        self.aliases(node.aliases(), name.namespace());
        self.out.push('}');
    }

    fn fields(&mut self, fields: &'a [Field], namespace: &'a str) {
        self.key("fields");
        self.out.push('[');
        for (index, field) in fields.iter().enumerate() {
            self.out.push_str(if index > 0 { ",{\"name\":" } else { "{\"name\":" });
            write_string(&mut self.out, &field.name);
            self.key("type");
            self.node(field.schema, namespace);
            if let Some(doc) = &field.doc {
                self.text("doc", doc);
            }
            if let Some(default) = &field.default {
                self.key("default");
                write_value(&mut self.out, default);
            }
            if field.order != Order::Ascending {
                self.text("order", field.order.as_str());
            }
            if !field.aliases.is_empty() {
                self.strings("aliases", field.aliases.iter().map(String::as_str));
            }
            self.props(&field.props);
            self.out.push('}');
        }
        self.out.push(']');
    }

    fn aliases(&mut self, aliases: &[Name], namespace: &str) {
        if !aliases.is_empty() {
            self.strings("aliases", aliases.iter().map(|alias| alias.qualified_in(namespace)));
        }
    }

    fn props(&mut self, props: &Props) {
        for (key, value) in props.iter() {
            self.key(key);
            write_value(&mut self.out, value);
        }
    }

    fn strings<'s>(&mut self, key: &str, items: impl Iterator<Item = &'s str>) {
        self.key(key);
        self.out.push('[');
        for (index, item) in items.enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            write_string(&mut self.out, item);
        }
        self.out.push(']');
    }

    fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        write_string(&mut self.out, value);
    }

    fn key(&mut self, key: &str) {
        self.out.push(',');
        write_string(&mut self.out, key);
        self.out.push(':');
    }
}

#[cfg(test)]
mod tests;
