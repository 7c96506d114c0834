//! A schema with the places of its parts: JSON pointers into the text it came from.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::node::{Node, NodeId, Props};
use super::parse::Limits;
use super::schema::Schema;
use crate::json::{Reader, push_token};

/// Symbols and branches that a sketch shows.
const LIST_MAX: usize = 200;

/// Where a part of a schema stands, and what stands there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Side {
    /// JSON pointer (RFC 6901) into the text; empty for the whole. A named type has the place of its definition.
    pub pointer: String,
    /// Index of the referenced text the pointer leads into, in resolution order; absent for the main text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<usize>,
    /// What stands there; absent when the part is missing, and the pointer leads to where it would be. Named types inside
    /// are shown as names, records without their fields, and lists of more than 200 entries are cut.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
}

/// From a node to the one that holds it.
#[derive(Debug, Clone, Copy)]
enum Link {
    /// The whole of the main or of a referenced text.
    Root(Option<usize>),
    Items(NodeId),
    Values(NodeId),
    Field(NodeId, usize),
    Branch(NodeId, usize),
}

/// A schema whose nodes know their place in a text.
///
/// Takes one walk over schema and text; places are spelt out when asked for.
#[derive(Debug)]
pub struct Located<'a> {
    schema: &'a Schema,
    links: Vec<Option<Link>>,
    by_name: HashMap<&'a str, NodeId>,
}

impl<'a> Located<'a> {
    /// Places in the canonical text.
    pub fn canonical(schema: &'a Schema) -> Self {
        Self::in_text(schema, schema.canonical())
    }

    /// Places in the text that `schema` was parsed from (or normalised after it was parsed).
    pub fn in_text(schema: &'a Schema, text: &str) -> Self {
        let mut located = Self { schema, links: vec![None; schema.node_count()], by_name: HashMap::new() };
        let mut names = Vec::new();
        match Reader::new(text, Limits::default().depth_max).document() {
            Ok(document) => located.walk_text(&document, &mut names),
            Err(_) => located.walk_nodes(schema.root(), Link::Root(None), 0..schema.node_count()),
        }
        let mut start = 0;
        for (index, reference) in schema.0.references.iter().enumerate() {
            located.walk_nodes(reference.root, Link::Root(Some(index)), start..reference.end as usize);
            start = reference.end as usize;
        }
        // a second definition that the text only names: its parts are those of the first
        for id in names {
            let first = schema.node(id).name().and_then(|name| located.by_name.get(name.full()));
            if let Some(link) = first.and_then(|first| located.link(*first)) {
                located.walk_nodes(id, link, 0..schema.node_count());
            }
        }
        located
    }

    /// The schema.
    pub fn schema(&self) -> &'a Schema {
        self.schema
    }

    /// JSON pointer to a node and the index of the referenced text it leads into.
    pub fn place(&self, id: NodeId) -> (String, Option<usize>) {
        let mut steps = Vec::new();
        let mut reference = None;
        let mut at = id;
        while let Some(link) = self.link(at) {
            match link {
                Link::Root(text) => {
                    reference = text;
                    break;
                }
                Link::Items(parent)
                | Link::Values(parent)
                | Link::Field(parent, _)
                | Link::Branch(parent, _) => {
                    steps.push(link);
                    at = parent;
                }
            }
        }
        let mut pointer = String::new();
        for step in steps.into_iter().rev() {
            match step {
                Link::Root(_) => {}
                Link::Items(_) => pointer.push_str("/items"),
                Link::Values(_) => pointer.push_str("/values"),
                Link::Field(_, index) => {
                    pointer.push_str("/fields/");
                    pointer.push_str(&index.to_string());
                    pointer.push_str("/type");
                }
                Link::Branch(_, index) => push_token(&mut pointer, &index.to_string()),
            }
        }
        (pointer, reference)
    }

    /// The place and the sketch of a type.
    pub fn side(&self, id: NodeId) -> Side {
        let (pointer, reference) = self.place(id);
        Side { pointer, reference, json: Some(sketch(self.schema, id)) }
    }

    /// A part of a type: `steps` go on from the type's place (tokens without special characters, joined by `/`).
    pub(super) fn part(&self, id: NodeId, steps: &str, json: Option<Value>) -> Side {
        let (mut pointer, reference) = self.place(id);
        if !steps.is_empty() {
            pointer.push('/');
            pointer.push_str(steps);
        }
        Side { pointer, reference, json }
    }

    /// A field of a record: its place and its JSON.
    pub(super) fn field(&self, record: NodeId, index: usize) -> Side {
        let json = match self.schema.node(record) {
            Node::Record(node) => node.fields.get(index).map(|field| {
                let mut object = Map::new();
                object.insert("name".to_owned(), field.name.clone().into());
                object.insert("type".to_owned(), sketch(self.schema, field.schema));
                if let Some(default) = &field.default {
                    object.insert("default".to_owned(), default.clone());
                }
                if !field.aliases.is_empty() {
                    object.insert("aliases".to_owned(), strings(&field.aliases));
                }
                insert_props(&mut object, &field.props);
                Value::Object(object)
            }),
            _ => None,
        };
        self.part(record, &format!("fields/{index}"), json)
    }

    fn link(&self, id: NodeId) -> Option<Link> {
        self.links.get(id.index()).copied().flatten()
    }

    /// Takes a node in, unless it has a place already.
    fn set(&mut self, id: NodeId, link: Link) -> bool {
        let Some(slot @ None) = self.links.get_mut(id.index()) else { return false };
        *slot = Some(link);
        if let Some(name) = self.schema.node(id).name() {
            self.by_name.entry(name.full()).or_insert(id);
        }
        true
    }

    /// Walks text and nodes side by side, so that a type gets the place where the text spells it out. What the text only
    /// names goes to `names`.
    fn walk_text(&mut self, document: &Value, names: &mut Vec<NodeId>) {
        let mut open = vec![(self.schema.root(), document, Link::Root(None))];
        while let Some((id, value, link)) = open.pop() {
            let node = self.schema.node(id);
            if node.name().is_some() && !defines(value) {
                names.push(id);
                continue;
            }
            if !self.set(id, link) {
                continue;
            }
            match node {
                Node::Array { items, .. } => {
                    open.extend(value.get("items").map(|value| (*items, value, Link::Items(id))));
                }
                Node::Map { values, .. } => {
                    open.extend(value.get("values").map(|value| (*values, value, Link::Values(id))));
                }
                Node::Union { branches } => {
                    let values = value.as_array().into_iter().flatten();
                    let children = branches.iter().zip(values).enumerate();
                    open.extend(
                        children.map(|(index, (branch, value))| (*branch, value, Link::Branch(id, index))),
                    );
                }
                Node::Record(record) => {
                    let values = value.get("fields").and_then(Value::as_array).into_iter().flatten();
                    let children = record.fields.iter().zip(values).enumerate();
                    open.extend(children.filter_map(|(index, (field, value))| {
                        Some((field.schema, value.get("type")?, Link::Field(id, index)))
                    }));
                }
                _ => {}
            }
        }
    }

    /// Walks the nodes of `ids` alone, as the canonical text would spell them out.
    fn walk_nodes(&mut self, root: NodeId, link: Link, ids: std::ops::Range<usize>) {
        let mut open = vec![(root, link)];
        while let Some((id, link)) = open.pop() {
            if !ids.contains(&id.index()) || !self.set(id, link) {
                continue;
            }
            match self.schema.node(id) {
                Node::Array { items, .. } => open.push((*items, Link::Items(id))),
                Node::Map { values, .. } => open.push((*values, Link::Values(id))),
                Node::Union { branches } => {
                    let children = branches.iter().enumerate().rev();
                    open.extend(children.map(|(index, branch)| (*branch, Link::Branch(id, index))));
                }
                Node::Record(record) => {
                    let children = record.fields.iter().enumerate().rev();
                    open.extend(children.map(|(index, field)| (field.schema, Link::Field(id, index))));
                }
                _ => {}
            }
        }
    }
}

/// Whether a value spells a named type out.
fn defines(value: &Value) -> bool {
    matches!(value.get("type").and_then(Value::as_str), Some("record" | "error" | "enum" | "fixed"))
}

/// The JSON of a type, with named types inside as names and a record without its fields.
pub(super) fn sketch(schema: &Schema, id: NodeId) -> Value {
    let node = schema.node(id);
    let mut object = Map::new();
    object.insert("type".to_owned(), node.kind().as_str().into());
    if let Some(name) = node.name() {
        object.insert("name".to_owned(), name.full().into());
    }
    match node {
        Node::Array { items, .. } => {
            object.insert("items".to_owned(), inner(schema, *items));
        }
        Node::Map { values, .. } => {
            object.insert("values".to_owned(), inner(schema, *values));
        }
        Node::Union { branches } => {
            return Value::Array(
                branches.iter().take(LIST_MAX).map(|branch| inner(schema, *branch)).collect(),
            );
        }
        Node::Enum(node) => {
            object.insert("symbols".to_owned(), strings(&node.symbols));
            if let Some(default) = &node.default {
                object.insert("default".to_owned(), default.clone().into());
            }
        }
        Node::Fixed(fixed) => {
            object.insert("size".to_owned(), fixed.size.into());
        }
        primitive if primitive.kind().is_primitive() && primitive.props().is_none_or(Props::is_empty) => {
            return primitive.kind().as_str().into();
        }
        _ => {}
    }
    if !node.aliases().is_empty() {
        let aliases = node.aliases().iter().take(LIST_MAX);
        object.insert("aliases".to_owned(), aliases.map(|alias| Value::from(alias.full())).collect());
    }
    if let Some(props) = node.props() {
        insert_props(&mut object, props);
    }
    Value::Object(object)
}

/// Depth is that of unnamed types in each other, which parsing bounded.
fn inner(schema: &Schema, id: NodeId) -> Value {
    schema.node(id).name().map_or_else(|| sketch(schema, id), |name| name.full().into())
}

fn strings(texts: &[String]) -> Value {
    texts.iter().take(LIST_MAX).map(String::as_str).collect()
}

fn insert_props(object: &mut Map<String, Value>, props: &Props) {
    object.extend(props.iter().map(|(key, value)| (key.to_owned(), value.clone())));
}
