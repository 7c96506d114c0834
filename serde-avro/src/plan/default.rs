//! JSON defaults in Avro binary.

use assay_schema_core::avro::{Node, NodeId, RecordNode, Schema};
use serde_json::Value;

use crate::encode::wire::{put_bytes, put_long};

/// What the defaults of one schema may cost: a small schema can spell an exponential default.
pub(super) struct Budget {
    steps_left: usize,
    bytes_left: usize,
}

/// Values that the defaults of a schema may hold in all.
const STEPS_MAX: usize = 1 << 18;
/// Bytes that the defaults of a schema may take in all.
const BYTES_MAX: usize = 4 << 20;
/// Deepest nesting of a default.
const DEPTH_MAX: usize = 64;

impl Default for Budget {
    fn default() -> Self {
        Self { steps_left: STEPS_MAX, bytes_left: BYTES_MAX }
    }
}

/// Encodes `json` as a value of `node`; none where it does not fit the type or the budget is spent.
///
/// A union takes the first branch that the value fits (Avro 1.12). Record members that are missing come from the
/// defaults of their own fields. Text for bytes and fixed stands for code points 0 to 255; as Java does it, other
/// characters become `?`, and a fixed is cut or filled with zeros.
pub(super) fn encode_default(
    schema: &Schema,
    node: NodeId,
    json: &Value,
    budget: &mut Budget,
) -> Option<Box<[u8]>> {
    let mut out = Vec::new();
    Encoding { schema, budget }.value(node, json, 0, &mut out)?;
    budget.bytes_left = budget.bytes_left.checked_sub(out.len())?;
    Some(out.into())
}

struct Encoding<'s, 'b> {
    schema: &'s Schema,
    budget: &'b mut Budget,
}

impl Encoding<'_, '_> {
    fn value(&mut self, node: NodeId, json: &Value, depth: usize, out: &mut Vec<u8>) -> Option<()> {
        self.budget.steps_left = self.budget.steps_left.checked_sub(1)?;
        if depth > DEPTH_MAX || out.len() > self.budget.bytes_left {
            return None;
        }
        match (self.schema.node(node), json) {
            (Node::Null(_), Value::Null) => {}
            (Node::Boolean(_), Value::Bool(value)) => out.push(u8::from(*value)),
            (Node::Int(_), Value::Number(_)) => put_long(out, i32::try_from(integer(json)?).ok()?.into()),
            (Node::Long(_), Value::Number(_)) => put_long(out, integer(json)?),
            (Node::Float(_), _) => out.extend_from_slice(&float(json)?.to_le_bytes()),
            (Node::Double(_), _) => out.extend_from_slice(&double(json)?.to_le_bytes()),
            (Node::String(_), Value::String(text)) => put_bytes(out, text.as_bytes()),
            (Node::Bytes(_), Value::String(text)) => put_bytes(out, &latin1(text)),
            (Node::Fixed(fixed), Value::String(text)) => {
                let mut bytes = latin1(text);
                let size = usize::try_from(fixed.size).ok().filter(|size| *size <= self.budget.bytes_left)?;
                bytes.resize(size, 0);
                out.extend_from_slice(&bytes);
            }
            (Node::Enum(node), Value::String(symbol)) => {
                let index = node.symbols.iter().position(|s| s == symbol)?;
                put_long(out, i64::try_from(index).ok()?);
            }
            (Node::Array { items, .. }, Value::Array(values)) => {
                count(values.len(), out)?;
                for value in values {
                    self.value(*items, value, depth + 1, out)?;
                }
                end(values.len(), out);
            }
            (Node::Map { values: item, .. }, Value::Object(members)) => {
                count(members.len(), out)?;
                for (key, value) in members {
                    put_bytes(out, key.as_bytes());
                    self.value(*item, value, depth + 1, out)?;
                }
                end(members.len(), out);
            }
            (Node::Record(record), Value::Object(members)) => self.record(record, members, depth, out)?,
            (Node::Union { branches, .. }, _) => self.union(branches, json, depth, out)?,
            _ => return None,
        }
        Some(())
    }

    fn record(
        &mut self,
        record: &RecordNode,
        members: &serde_json::Map<String, Value>,
        depth: usize,
        out: &mut Vec<u8>,
    ) -> Option<()> {
        for field in &record.fields {
            let json = members.get(field.name.as_str()).or(field.default.as_ref())?;
            self.value(field.schema, json, depth + 1, out)?;
        }
        Some(())
    }

    fn union(&mut self, branches: &[NodeId], json: &Value, depth: usize, out: &mut Vec<u8>) -> Option<()> {
        let start = out.len();
        for (index, branch) in (0i64..).zip(branches) {
            put_long(out, index);
            if self.value(*branch, json, depth + 1, out).is_some() {
                return Some(());
            }
            out.truncate(start);
        }
        None
    }
}

fn count(items: usize, out: &mut Vec<u8>) -> Option<()> {
    if items > 0 {
        put_long(out, i64::try_from(items).ok()?);
    }
    Some(())
}

/// An empty collection is its end mark alone.
fn end(_items: usize, out: &mut Vec<u8>) {
    out.push(0);
}

/// An integer token, or a number without fraction as lax schemas may hold.
fn integer(json: &Value) -> Option<i64> {
    json.as_i64().or_else(|| {
        let number = json.as_f64().filter(|n| n.fract() == 0.0 && n.abs() < 9.0e15)?;
        format!("{number:.0}").parse().ok()
    })
}

fn double(json: &Value) -> Option<f64> {
    match json {
        Value::Number(number) => number.as_str().parse().ok(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn float(json: &Value) -> Option<f32> {
    match json {
        Value::Number(number) => number.as_str().parse().ok(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')).collect()
}
