//! `apache_avro`'s generic values over the same plans.
//!
//! [`Value`] has no serde implementation of its own; these methods read and write it. Unlike that crate's own
//! functions they never write a union without its index, fill missing fields from defaults, apply aliases, and keep
//! the branch that was read.

use apache_avro::types::Value;

use crate::decode::scalar::Scalar;
use crate::decode::walk::{Tree, walk};
use crate::encode::record::RecordWriter;
use crate::encode::sink::Sink;
use crate::encode::union::{Found, Width};
use crate::encode::wire::{put_bytes, put_long};
use crate::plan::cursor::Cursor;
use crate::plan::logical::decimal;
use crate::plan::program::{FixedLogical, IntLogical, LongLogical, Op, Tables};
use crate::plan::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, Plan};

impl Plan {
    /// Appends a generic value to `out` as a datum of the writer's schema. On error `out` is as it was.
    ///
    /// A bare value where the schema has a union takes the branch that [`encode`](Self::encode) would choose; in a
    /// [`Value::Union`] the given index decides. Fields are matched by name, enum symbols by their text.
    pub fn encode_value(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        let mut sink = Sink::new(self, std::mem::take(out));
        let result = put(&mut sink, self.wire, value);
        *out = sink.finish();
        if result.is_err() {
            out.truncate(start);
        }
        result
    }

    /// Reads exactly one datum as a generic value of the reader's schema.
    ///
    /// Logical types come as their variants; text of a `uuid` that is none stays a string. The limits of
    /// [`decode`](Self::decode) hold.
    pub fn decode_value(&self, bytes: &[u8]) -> Result<Value, DecodeError> {
        let mut cursor = Cursor::new(bytes, self.limits);
        let value = walk(&Values, &self.tables, &mut cursor, self.read)?;
        cursor.expect_end()?;
        Ok(value)
    }
}

struct Values;

impl Tree for Values {
    type Node = Value;

    fn scalar(&self, tables: &Tables, op: Op, scalar: Scalar<'_>, at: usize) -> Result<Value, DecodeError> {
        let bad = |logical| DecodeError::new(DecodeErrorKind::BadLogical { logical }, at);
        Ok(match scalar {
            Scalar::Null => Value::Null,
            Scalar::Boolean(value) => Value::Boolean(value),
            Scalar::Int(value, None) => Value::Int(value),
            Scalar::Int(value, Some(IntLogical::Date)) => Value::Date(value),
            Scalar::Int(value, Some(IntLogical::TimeMillis)) => Value::TimeMillis(value),
            Scalar::Long(value, logical) => long(value, logical),
            Scalar::Float(value) => Value::Float(value),
            Scalar::Double(value) => Value::Double(value),
            Scalar::Text(text) => match uuid::Uuid::try_parse(text) {
                Ok(uuid) if op == Op::UuidString => Value::Uuid(uuid),
                _ => Value::String(text.to_owned()),
            },
            Scalar::Bytes(bytes) => match op {
                Op::Fixed(i) if tables.fixed(i).logical == Some(FixedLogical::Duration) => {
                    let words: [u8; 12] = bytes.try_into().map_err(|_| bad("duration"))?;
                    Value::Duration(words.into())
                }
                Op::Fixed(_) => Value::Fixed(bytes.len(), bytes.to_vec()),
                _ => Value::Bytes(bytes.to_vec()),
            },
            Scalar::Decimal(unscaled, _) => Value::Decimal(unscaled.into()),
            Scalar::Rescaled(..) => {
                Value::Decimal(scalar.unscaled().ok_or_else(|| bad("decimal"))?.0.as_ref().into())
            }
            Scalar::BigDecimal(content) => {
                let number = decimal::big_text(content).and_then(|text| text.parse().ok());
                Value::BigDecimal(number.ok_or_else(|| bad("big-decimal"))?)
            }
            Scalar::Uuid(bytes) => Value::Uuid(uuid::Uuid::from_slice(bytes).map_err(|_| bad("uuid"))?),
        })
    }

    fn symbol(&self, number: u32, symbol: &str) -> Value {
        Value::Enum(number, symbol.to_owned())
    }

    fn branch(&self, _: &Tables, _: u32, index: u32, node: Value) -> Value {
        Value::Union(index, Box::new(node))
    }

    fn array(&self, items: Vec<Value>) -> Value {
        Value::Array(items)
    }

    fn map(&self, entries: Vec<(String, Value)>) -> Value {
        Value::Map(entries.into_iter().collect())
    }

    fn record(&self, fields: Vec<(String, Value)>) -> Value {
        Value::Record(fields)
    }
}

fn long(value: i64, logical: Option<LongLogical>) -> Value {
    match logical {
        None => Value::Long(value),
        Some(LongLogical::TimeMicros) => Value::TimeMicros(value),
        Some(LongLogical::TimestampMillis) => Value::TimestampMillis(value),
        Some(LongLogical::TimestampMicros) => Value::TimestampMicros(value),
        Some(LongLogical::TimestampNanos) => Value::TimestampNanos(value),
        Some(LongLogical::LocalTimestampMillis) => Value::LocalTimestampMillis(value),
        Some(LongLogical::LocalTimestampMicros) => Value::LocalTimestampMicros(value),
        Some(LongLogical::LocalTimestampNanos) => Value::LocalTimestampNanos(value),
    }
}

fn put(sink: &mut Sink<'_>, op: Op, value: &Value) -> Result<(), EncodeError> {
    if let Op::Union(union) = op {
        let branch = put_branch(sink, union, value)?;
        let value = if let Value::Union(_, inner) = value { inner } else { value };
        return put_plain(sink, branch, value);
    }
    match value {
        Value::Union(_, inner) => put(sink, op, inner),
        _ => put_plain(sink, op, value),
    }
}

/// Writes the index of a union's branch and returns the branch.
fn put_branch(sink: &mut Sink<'_>, union: u32, value: &Value) -> Result<Op, EncodeError> {
    let Value::Union(index, _) = value else {
        return sink.choose(union, found(value));
    };
    let Some(branch) = sink.tables.union(union).branches.get(*index as usize).copied() else {
        return Err(EncodeError::new(EncodeErrorKind::NoBranch { found: format!("index {index}") }));
    };
    put_long(&mut sink.out, (*index).into());
    Ok(branch)
}

fn put_plain(sink: &mut Sink<'_>, op: Op, value: &Value) -> Result<(), EncodeError> {
    match value {
        Value::Null => sink.null(op),
        Value::Boolean(value) => sink.boolean(op, *value),
        Value::Int(value) | Value::Date(value) | Value::TimeMillis(value) => sink.int(op, *value),
        Value::Long(value)
        | Value::TimeMicros(value)
        | Value::TimestampMillis(value)
        | Value::TimestampMicros(value)
        | Value::TimestampNanos(value)
        | Value::LocalTimestampMillis(value)
        | Value::LocalTimestampMicros(value)
        | Value::LocalTimestampNanos(value) => sink.long(op, *value),
        Value::Float(value) => sink.float(op, *value),
        Value::Double(value) => sink.double(op, *value),
        Value::Bytes(bytes) | Value::Fixed(_, bytes) => sink.bytes(op, bytes),
        Value::String(text) | Value::Enum(_, text) => sink.text(op, text),
        Value::Decimal(number) => put_decimal(sink, op, number),
        Value::BigDecimal(number) => sink.text(op, &number.to_string()),
        Value::Duration(duration) => sink.bytes(op, &<[u8; 12]>::from(*duration)),
        Value::Uuid(uuid) if op == Op::String => sink.text(op, &uuid.to_string()),
        Value::Uuid(uuid) => sink.bytes(op, uuid.as_bytes()),
        Value::Union(..) => Err(sink.mismatch(op, found(value))),
        Value::Array(items) => put_array(sink, op, items),
        Value::Map(entries) => {
            put_members(sink, op, found(value), entries.iter().map(|(k, v)| (k.as_str(), v)), entries.len())
        }
        Value::Record(fields) => {
            put_members(sink, op, found(value), fields.iter().map(|(k, v)| (k.as_str(), v)), fields.len())
        }
    }
}

fn put_decimal(sink: &mut Sink<'_>, op: Op, number: &apache_avro::Decimal) -> Result<(), EncodeError> {
    let Ok(bytes) = Vec::<u8>::try_from(number) else {
        return Err(EncodeError::bad_logical("decimal", "a number wider than its length"));
    };
    match op {
        Op::Fixed(i) => match decimal::sign_extended(&bytes, sink.tables.fixed(i).size) {
            Some(wide) => sink.bytes(op, &wide),
            None => sink.bytes(op, &bytes),
        },
        _ => sink.bytes(op, &bytes),
    }
}

fn put_array(sink: &mut Sink<'_>, op: Op, items: &[Value]) -> Result<(), EncodeError> {
    let Op::Array(i) = op else { return Err(sink.mismatch(op, Found::Sequence)) };
    let item = sink.tables.collection(i).item;
    sink.enter()?;
    if !items.is_empty() {
        put_long(&mut sink.out, items.len().cast_signed() as i64);
    }
    for (index, value) in items.iter().enumerate() {
        put(sink, item, value).map_err(|e| e.in_item(index as u64))?;
    }
    sink.out.push(0);
    sink.leave();
    Ok(())
}

fn put_members<'v>(
    sink: &mut Sink<'_>,
    op: Op,
    found: Found<'_>,
    members: impl Iterator<Item = (&'v str, &'v Value)>,
    count: usize,
) -> Result<(), EncodeError> {
    match op {
        Op::Record(i) => {
            let mut record = RecordWriter::new(sink, i)?;
            for (name, value) in members {
                let index = record.find(name)?;
                record.field(index, |sink, field| put(sink, field.op, value))?;
            }
            record.finish()
        }
        Op::Map(i) => {
            let item = sink.tables.collection(i).item;
            sink.enter()?;
            if count > 0 {
                put_long(&mut sink.out, count.cast_signed() as i64);
            }
            for (key, value) in members {
                put_bytes(&mut sink.out, key.as_bytes());
                put(sink, item, value).map_err(|e| e.in_key(key))?;
            }
            sink.out.push(0);
            sink.leave();
            Ok(())
        }
        _ => Err(sink.mismatch(op, found)),
    }
}

fn found(value: &Value) -> Found<'_> {
    match value {
        Value::Null | Value::Union(..) => Found::Null,
        Value::Boolean(_) => Found::Boolean,
        Value::Int(value) | Value::Date(value) | Value::TimeMillis(value) => {
            Found::Integer((*value).into(), Width::Int)
        }
        Value::Long(value)
        | Value::TimeMicros(value)
        | Value::TimestampMillis(value)
        | Value::TimestampMicros(value)
        | Value::TimestampNanos(value)
        | Value::LocalTimestampMillis(value)
        | Value::LocalTimestampMicros(value)
        | Value::LocalTimestampNanos(value) => Found::Integer(*value, Width::Long),
        Value::Float(value) => Found::Float(*value),
        Value::Double(value) => Found::Double(*value),
        Value::Bytes(bytes) => Found::Bytes(bytes.len()),
        Value::Fixed(size, _) => Found::Tuple(*size),
        Value::String(text) => Found::Text(text),
        Value::Enum(_, symbol) => Found::Symbol("", symbol),
        Value::Array(_) => Found::Sequence,
        Value::Map(_) => Found::Map,
        Value::Record(_) => Found::Struct(""),
        Value::Decimal(_) | Value::BigDecimal(_) => Found::Bytes(usize::MAX),
        Value::Duration(_) => Found::Tuple(12),
        Value::Uuid(_) => Found::Bytes(16),
    }
}
