//! What `normalize=true` changes: the order of attributes and aliases, and the spelling of defaults.

use serde_json::{Map, Value};

use super::default_value;
use super::logical::LogicalType;
use super::node::{Field, Node, NodeId, Nodes, Props};
use super::schema::Schema;
use crate::json::{double_value, is_integer, java_float, java_order};

/// The normal form. Two departures from the original, which loses data: a union default is kept whichever branch it fits
/// (rendered through the first that takes it), and so are long integers.
pub(super) fn normalize(schema: &Schema) -> Schema {
    let nodes = &schema.0.nodes;
    let normalized = nodes.0.iter().map(|node| normalize_node(nodes, node)).collect();
    schema.with_nodes(Nodes(normalized))
}

fn normalize_node(nodes: &Nodes, node: &Node) -> Node {
    let logical = node.logical();
    let props = |props: &Props| sorted_props(props, logical);
    let doc = |doc: &Option<String>| doc.clone().filter(|doc| !doc.is_empty());
    let mut changed = node.clone();
    match &mut changed {
        Node::Null(own)
        | Node::Boolean(own)
        | Node::Int(own)
        | Node::Long(own)
        | Node::Float(own)
        | Node::Double(own)
        | Node::Bytes(own)
        | Node::String(own)
        | Node::Array { props: own, .. }
        | Node::Map { props: own, .. } => *own = props(own),
        Node::Union { .. } => {}
        Node::Record(record) => {
            record.doc = doc(&record.doc);
            record.aliases.sort_by(|a, b| java_order(a.full(), b.full()));
            record.props = props(&record.props);
            record.is_error = false;
            for field in &mut record.fields {
                normalize_field(nodes, field);
            }
        }
        Node::Enum(node) => {
            node.doc = doc(&node.doc);
            node.aliases.sort_by(|a, b| java_order(a.full(), b.full()));
            node.props = props(&node.props);
        }
        Node::Fixed(fixed) => {
            fixed.doc = doc(&fixed.doc);
            fixed.aliases.sort_by(|a, b| java_order(a.full(), b.full()));
            fixed.props = props(&fixed.props);
        }
    }
    changed
}

fn normalize_field(nodes: &Nodes, field: &mut Field) {
    field.aliases.sort_by(|a, b| java_order(a, b));
    field.props = sorted_props(&field.props, None);
    if let Some(default) = &mut field.default {
        *default = render(nodes, field.schema, default);
    }
}

/// Attributes by key; those of a valid logical type stand first.
fn sorted_props(props: &Props, logical: Option<LogicalType>) -> Props {
    if props.is_empty() {
        return Props::default();
    }
    let first: &[&str] = match logical {
        None => &[],
        Some(LogicalType::Decimal { scale: 0, .. }) => &["logicalType", "precision"],
        Some(LogicalType::Decimal { .. }) => &["logicalType", "precision", "scale"],
        Some(_) => &["logicalType"],
    };
    let mut sorted = Map::new();
    for key in first {
        if let Some(value) = props.get(key) {
            sorted.insert((*key).to_owned(), value.clone());
        }
    }
    let mut rest: Vec<_> = props.iter().filter(|(key, _)| !first.contains(key)).collect();
    rest.sort_by(|(a, _), (b, _)| java_order(a, b));
    sorted.extend(rest.into_iter().map(|(key, value)| (key.to_owned(), sorted_value(value))));
    Props::from_map(sorted)
}

fn sorted_value(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            sorted_object(members.iter().map(|(key, value)| (key, sorted_value(value))))
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted_value).collect()),
        other => other.clone(),
    }
}

fn sorted_object<'a>(members: impl Iterator<Item = (&'a String, Value)>) -> Value {
    let mut members: Vec<_> = members.collect();
    members.sort_by(|(a, _), (b, _)| java_order(a, b));
    Value::Object(members.into_iter().map(|(key, value)| (key.clone(), value)).collect())
}

/// A default in the spelling of its type. A value that does not fit (possible in stored texts) stays as it is.
fn render(nodes: &Nodes, id: NodeId, value: &Value) -> Value {
    match (nodes.get(id), value) {
        (Node::Float(_), Value::Number(number)) => match number.as_f64() {
            Some(double) => float_value(double),
            None => value.clone(),
        },
        (Node::Double(_), Value::Number(number)) if is_integer(number) => {
            number.as_str().parse().map_or_else(|_| value.clone(), double_value)
        }
        (Node::Bytes(_) | Node::Fixed(_), Value::String(text)) => {
            Value::String(text.chars().flat_map(latin).collect())
        }
        (Node::Array { items, .. }, Value::Array(values)) => {
            Value::Array(values.iter().map(|value| render(nodes, *items, value)).collect())
        }
        (Node::Map { values: inner, .. }, Value::Object(members)) => {
            sorted_object(members.iter().map(|(key, value)| (key, render(nodes, *inner, value))))
        }
        (Node::Record(record), Value::Object(members)) => {
            sorted_object(members.iter().map(|(key, value)| match record.field(key) {
                Some((_, field)) => (key, render(nodes, field.schema, value)),
                None => (key, sorted_value(value)),
            }))
        }
        (Node::Union { branches }, value) => branches
            .iter()
            .find(|branch| default_value::is_valid(nodes, **branch, value))
            .map_or_else(|| value.clone(), |branch| render(nodes, *branch, value)),
        _ => value.clone(),
    }
}

/// A float's value through `Float.toString`, then as the double that text denotes.
#[expect(clippy::cast_possible_truncation, reason = "a float default is rounded to a float")]
fn float_value(double: f64) -> Value {
    let float = double as f32;
    if float.is_finite() {
        java_float(float).parse().map_or_else(|_| double_value(double), double_value)
    } else {
        double_value(f64::from(float))
    }
}

/// Bytes hold the code points up to U+00FF; each UTF-16 unit of anything else becomes `?`, a surrogate pair one.
fn latin(character: char) -> impl Iterator<Item = char> {
    std::iter::once(if u32::from(character) <= 0xff { character } else { '?' })
}

#[cfg(test)]
mod tests;
