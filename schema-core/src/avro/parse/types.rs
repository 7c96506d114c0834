//! Types without a name: primitives, arrays, maps, unions, and names that refer to types.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Fault, Parser, Pending, Step, shortened};
use crate::avro::name;
use crate::avro::node::{Kind, Node, NodeId, Props};
use crate::error::SchemaProblem;
use crate::json::to_text;

/// Keys of a schema object that are never attributes.
const RESERVED: [&str; 10] =
    ["doc", "fields", "items", "name", "namespace", "size", "symbols", "values", "type", "aliases"];
/// Keys of a field object that are never attributes.
const FIELD_RESERVED: [&str; 6] = ["default", "doc", "name", "order", "type", "aliases"];

pub(super) fn json(value: &Value) -> String {
    shortened(to_text(value))
}

pub(super) fn json_object(object: &Map<String, Value>) -> String {
    json(&Value::Object(object.clone()))
}

/// The attributes of a schema object.
pub(super) fn props(object: &Map<String, Value>, is_enum: bool) -> Props {
    let reserved = |key: &str| RESERVED.contains(&key) || (is_enum && key == "default");
    remaining(object, reserved)
}

/// The attributes of a field object.
pub(super) fn field_props(object: &Map<String, Value>) -> Props {
    remaining(object, |key| FIELD_RESERVED.contains(&key))
}

fn remaining(object: &Map<String, Value>, reserved: impl Fn(&str) -> bool) -> Props {
    if object.keys().all(|key| reserved(key)) {
        return Props::default();
    }
    let kept = object.iter().filter(|(key, _)| !reserved(key));
    Props::from_map(kept.map(|(key, value)| (key.clone(), value.clone())).collect())
}

pub(super) fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    object.get(key).and_then(Value::as_str)
}

impl Parser {
    /// A schema. Depth is that of the document, which the reader bounded.
    pub(super) fn value(&mut self, value: &Value, namespace: &str) -> Result<NodeId, Fault> {
        match value {
            Value::String(word) => self.word(word, namespace),
            Value::Object(object) => self.object(object, namespace),
            Value::Array(branches) => self.union(branches, namespace),
            other => Err(SchemaProblem::NotASchema { json: json(other) }.into()),
        }
    }

    fn object(&mut self, object: &Map<String, Value>, namespace: &str) -> Result<NodeId, Fault> {
        let Some(word) = text(object, "type") else {
            self.step_into(object, "type");
            return Err(SchemaProblem::NoType { json: json_object(object) }.into());
        };
        match word {
            "record" | "error" => self.record(object, namespace, word == "error"),
            "enum" => self.enumeration(object, namespace),
            "fixed" => self.fixed(object, namespace),
            "array" => {
                let Some(items) = object.get("items") else {
                    return Err(SchemaProblem::NoItems { json: json_object(object) }.into());
                };
                let items = self.at(&[Step::Key("items")], |parser| parser.value(items, namespace))?;
                self.push(Node::Array { items, props: props(object, false) })
            }
            "map" => {
                let Some(values) = object.get("values") else {
                    return Err(SchemaProblem::NoValues { json: json_object(object) }.into());
                };
                let values = self.at(&[Step::Key("values")], |parser| parser.value(values, namespace))?;
                self.push(Node::Map { values, props: props(object, false) })
            }
            word if name::is_primitive(word) => {
                let node = Node::primitive(word, props(object, false));
                node.map_or(Err(Fault::TooManyNodes), |node| self.push(node))
            }
            reference => self.at(&[Step::Key("type")], |parser| parser.word(reference, namespace)),
        }
    }

    /// A bare word: a primitive, a known name, or a name to be defined later in the text.
    fn word(&mut self, word: &str, namespace: &str) -> Result<NodeId, Fault> {
        if let Some(primitive) = Node::primitive(word, Props::default()) {
            return self.push(primitive);
        }
        self.spend_name(namespace, word)?;
        let qualified = if word.contains('.') || namespace.is_empty() {
            word.to_owned()
        } else {
            format!("{namespace}.{word}")
        };
        if let Some(&id) = self.names.get(&qualified).or_else(|| self.names.get(word)) {
            return Ok(id);
        }
        let id = self.placeholder()?;
        let path = self.save_path(&[]);
        self.pending.insert(id, Pending { full: qualified, path });
        Ok(id)
    }

    fn union(&mut self, values: &[Value], namespace: &str) -> Result<NodeId, Fault> {
        let mut branches = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let branch = self.at(&[Step::Index(index)], |parser| parser.value(value, namespace))?;
            if self.kind(branch) == Kind::Union {
                self.path.push(Step::Index(index));
                let whole = Value::Array(values.to_vec());
                return Err(SchemaProblem::NestedUnion { json: json(&whole) }.into());
            }
            branches.push(branch);
        }
        if let Some((index, name)) = self.repeated_branch(&branches) {
            self.path.push(Step::Index(index));
            return Err(SchemaProblem::DuplicateBranch { name }.into());
        }
        self.push(Node::Union { branches })
    }

    fn repeated_branch(&self, branches: &[NodeId]) -> Option<(usize, String)> {
        const LINEAR_MAX: usize = 12;
        if branches.len() <= LINEAR_MAX {
            for (index, branch) in branches.iter().enumerate() {
                let name = self.branch_name(*branch);
                if branches.iter().take(index).any(|earlier| self.branch_name(*earlier) == name) {
                    return Some((index, name.to_owned()));
                }
            }
            return None;
        }
        let mut seen = HashSet::with_capacity(branches.len());
        branches.iter().enumerate().find_map(|(index, branch)| {
            let name = self.branch_name(*branch);
            (!seen.insert(name)).then(|| (index, name.to_owned()))
        })
    }

    /// What makes a branch unique within its union: the full name, else the type.
    fn branch_name(&self, id: NodeId) -> &str {
        if let Some(pending) = self.pending.get(&id) {
            return &pending.full;
        }
        let node = self.nodes.get(id);
        node.name().map_or_else(|| self.open_name(id).unwrap_or(node.kind().as_str()), |name| name.full())
    }
}
