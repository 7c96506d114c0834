//! JSON that edits put into a text: types of the old schema, and values for defaults.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::avro::located::Located;
use crate::avro::name::Name;
use crate::avro::node::{Field, Node, NodeId, Order, Props};
use crate::avro::schema::Schema;

/// Records within records that a made-up default goes into.
const DEFAULT_DEPTH_MAX: usize = 8;
/// Bytes of a made-up default for a fixed.
const FIXED_DEFAULT_MAX: u32 = 64;

/// Types of one schema spelt out for the text of another, which already defines some names.
pub(super) struct Speller<'a> {
    from: &'a Schema,
    known: HashSet<&'a str>,
}

impl<'a> Speller<'a> {
    /// For the text of `target`, of which the part at `replaced` goes away with the names it defines.
    pub(super) fn new(from: &'a Schema, target: &Located<'a>, replaced: Option<&str>) -> Self {
        let schema = target.schema();
        let stays = |id: &NodeId| {
            let (pointer, reference) = target.place(*id);
            let below = replaced.and_then(|replaced| pointer.strip_prefix(replaced));
            reference.is_some() || !below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let named = schema.node_ids().filter(|id| schema.node(*id).name().is_some()).filter(stays);
        let known = named.filter_map(|id| schema.node(id).name()).map(Name::full).collect();
        Self { from, known }
    }

    /// A type. What is not known is defined with its namespace said, so that it may stand anywhere. Depth is that of the
    /// schema's text, which parsing bounded.
    pub(super) fn spell(&mut self, id: NodeId) -> Value {
        let node = self.from.node(id);
        if let Some(name) = node.name()
            && !self.known.insert(name.full())
        {
            return name.full().into();
        }
        let mut object = Map::new();
        object.insert("type".to_owned(), node.kind().as_str().into());
        if let Some(name) = node.name() {
            object.insert("name".to_owned(), name.simple().into());
            object.insert("namespace".to_owned(), name.namespace().into());
        }
        if let Some(doc) = node.doc() {
            object.insert("doc".to_owned(), doc.into());
        }
        match node {
            Node::Array { items, .. } => {
                object.insert("items".to_owned(), self.spell(*items));
            }
            Node::Map { values, .. } => {
                object.insert("values".to_owned(), self.spell(*values));
            }
            Node::Union { branches } => {
                return Value::Array(branches.iter().map(|branch| self.spell(*branch)).collect());
            }
            Node::Record(record) => {
                let fields = record.fields.iter().map(|field| self.field(field)).collect();
                object.insert("fields".to_owned(), Value::Array(fields));
            }
            Node::Enum(node) => {
                object.insert("symbols".to_owned(), node.symbols.iter().map(String::as_str).collect());
                if let Some(default) = &node.default {
                    object.insert("default".to_owned(), default.as_str().into());
                }
            }
            Node::Fixed(fixed) => {
                object.insert("size".to_owned(), fixed.size.into());
            }
            primitive if primitive.props().is_none_or(Props::is_empty) => {
                return primitive.kind().as_str().into();
            }
            _ => {}
        }
        if !node.aliases().is_empty() {
            let aliases = node.aliases().iter().map(|alias| Value::from(alias.full())).collect();
            object.insert("aliases".to_owned(), aliases);
        }
        insert_props(&mut object, node.props());
        Value::Object(object)
    }

    /// A field with everything it has.
    pub(super) fn field(&mut self, field: &Field) -> Value {
        let mut object = Map::new();
        object.insert("name".to_owned(), field.name.as_str().into());
        object.insert("type".to_owned(), self.spell(field.schema));
        if let Some(doc) = &field.doc {
            object.insert("doc".to_owned(), doc.as_str().into());
        }
        if let Some(default) = &field.default {
            object.insert("default".to_owned(), default.clone());
        }
        if field.order != Order::Ascending {
            object.insert("order".to_owned(), field.order.as_str().into());
        }
        if !field.aliases.is_empty() {
            object.insert("aliases".to_owned(), field.aliases.iter().map(String::as_str).collect());
        }
        insert_props(&mut object, Some(&field.props));
        Value::Object(object)
    }
}

fn insert_props(object: &mut Map<String, Value>, props: Option<&Props>) {
    let props = props.into_iter().flat_map(Props::iter);
    object.extend(props.map(|(key, value)| (key.to_owned(), value.clone())));
}

/// The plainest default of a type: null, false, zero, nothing. Of a union that of the first branch, which is the one that
/// every implementation accepts. `None` for types that need themselves, and for long fixed.
pub(super) fn plain_default(schema: &Schema, id: NodeId) -> Option<Value> {
    plain(schema, id, DEFAULT_DEPTH_MAX)
}

fn plain(schema: &Schema, id: NodeId, depth_left: usize) -> Option<Value> {
    let deeper = depth_left.checked_sub(1)?;
    Some(match schema.node(id) {
        Node::Null(_) => Value::Null,
        Node::Boolean(_) => false.into(),
        Node::Int(_) | Node::Long(_) | Node::Float(_) | Node::Double(_) => 0.into(),
        Node::Bytes(_) | Node::String(_) => "".into(),
        Node::Array { .. } => Value::Array(Vec::new()),
        Node::Map { .. } => Value::Object(Map::new()),
        Node::Union { branches } => plain(schema, *branches.first()?, deeper)?,
        Node::Enum(node) => node.default.as_ref().or(node.symbols.first())?.as_str().into(),
        Node::Fixed(fixed) if fixed.size <= FIXED_DEFAULT_MAX => "\0".repeat(fixed.size as usize).into(),
        Node::Fixed(_) => return None,
        Node::Record(record) => {
            let needed = record.fields.iter().filter(|field| field.default.is_none());
            let members =
                needed.map(|field| Some((field.name.clone(), plain(schema, field.schema, deeper)?)));
            Value::Object(members.collect::<Option<_>>()?)
        }
    })
}
