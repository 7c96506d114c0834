//! Which JSON values a field default may be, by the field's type.

use serde_json::{Number, Value};

use super::node::{Node, NodeId, Nodes};
use crate::json::{is_integer, parse_java_double};

/// Steps one validation may take. A value under unions of records can be tried in exponentially many ways; past this
/// many it counts as invalid.
const STEPS_MAX: u32 = 1_000_000;

/// Whether `value` may stand as a default of type `id`: any branch of a union will do, a record's missing fields need
/// defaults of their own, strings need not be symbols or have a fixed's length.
pub(super) fn is_valid(nodes: &Nodes, id: NodeId, value: &Value) -> bool {
    Validation { nodes, steps_left: STEPS_MAX }.valid(id, value)
}

/// The innermost part of a refused default that is refused by itself: keys and indices from the value down. Empty when the
/// whole is wrong, or a member is missing, or a union takes no part of it.
pub(super) fn refused_part(nodes: &Nodes, id: NodeId, value: &Value) -> Vec<String> {
    let mut validation = Validation { nodes, steps_left: STEPS_MAX };
    let mut path = Vec::new();
    let (mut id, mut value) = (id, value);
    loop {
        let refused = match (nodes.get(id), value) {
            (Node::Array { items, .. }, Value::Array(values)) => values
                .iter()
                .enumerate()
                .find(|(_, value)| !validation.valid(*items, value))
                .map(|(index, value)| (index.to_string(), *items, value)),
            (Node::Map { values: inner, .. }, Value::Object(members)) => members
                .iter()
                .find(|(_, value)| !validation.valid(*inner, value))
                .map(|(key, value)| (key.clone(), *inner, value)),
            (Node::Record(record), Value::Object(members)) => record.fields.iter().find_map(|field| {
                let value =
                    members.get(&field.name).filter(|value| !validation.valid(field.schema, value))?;
                Some((field.name.clone(), field.schema, value))
            }),
            _ => None,
        };
        let Some((key, part, inner)) = refused else { return path };
        path.push(key);
        (id, value) = (part, inner);
    }
}

struct Validation<'a> {
    nodes: &'a Nodes,
    steps_left: u32,
}

impl Validation<'_> {
    /// Descends into the value with every step but the one into a union's branch, so depth is that of the value.
    fn valid(&mut self, id: NodeId, value: &Value) -> bool {
        let Some(left) = self.steps_left.checked_sub(1) else { return false };
        self.steps_left = left;
        match (self.nodes.get(id), value) {
            (Node::Null(_), Value::Null)
            | (Node::Boolean(_), Value::Bool(_))
            | (Node::Float(_) | Node::Double(_), Value::Number(_))
            | (Node::String(_) | Node::Bytes(_) | Node::Fixed(_) | Node::Enum(_), Value::String(_)) => true,
            (Node::Float(_) | Node::Double(_), Value::String(text)) => parse_java_double(text).is_some(),
            (Node::Int(_), Value::Number(number)) => {
                integer(number).is_some_and(|number| i32::try_from(number).is_ok())
            }
            (Node::Long(_), Value::Number(number)) => integer(number).is_some(),
            (Node::Array { items, .. }, Value::Array(values)) => {
                values.iter().all(|value| self.valid(*items, value))
            }
            (Node::Map { values: inner, .. }, Value::Object(members)) => {
                members.values().all(|value| self.valid(*inner, value))
            }
            (Node::Record(record), Value::Object(members)) => {
                record.fields.iter().all(|field| match members.get(&field.name) {
                    Some(value) => self.valid(field.schema, value),
                    // a default in the field's own definition is judged there
                    None => field.default.is_some(),
                })
            }
            (Node::Union { branches }, value) => branches.iter().any(|branch| self.valid(*branch, value)),
            _ => false,
        }
    }
}

fn integer(number: &Number) -> Option<i64> {
    number.as_i64().filter(|_| is_integer(number))
}
