//! JSON in and out.

use serde_json::{Map, Number, Value};

use crate::decode::scalar::Scalar;
use crate::decode::walk::{Tree, walk};
use crate::encode::record::RecordWriter;
use crate::encode::scalar::found_number;
use crate::encode::sink::Sink;
use crate::encode::union::Found;
use crate::encode::wire::{put_bytes, put_long};
use crate::plan::cursor::Cursor;
use crate::plan::logical::decimal;
use crate::plan::program::{FixedLogical, Op, Tables};
use crate::plan::{DecodeError, EncodeError, EncodeErrorKind, Plan};

/// How data look in JSON.
///
/// ```
/// use assay_schema_core::avro::{ParseMode, Schema};
/// use assay_serde_avro::{JsonForm, Plan};
/// use serde_json::json;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let plan = Plan::compile(&Schema::parse(r#"["null",{"type":"int","logicalType":"date"}]"#, ParseMode::Strict)?)?;
/// let mut bytes = Vec::new();
/// plan.encode_json(&json!("1970-01-03"), JsonForm::Plain, &mut bytes)?;
/// assert_eq!(plan.decode_json(&bytes, JsonForm::Plain)?, json!("1970-01-03"));
/// assert_eq!(plan.decode_json(&bytes, JsonForm::Avro)?, json!({"int": 2}));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JsonForm {
    /// The JSON encoding of the Avro specification: a union's value is `null` or `{"branch": value}` with the full
    /// name of a named type; bytes and fixed are text of the code points 0 to 255; logical types are the values below
    /// them.
    Avro,
    /// As people write JSON: a union's value stands bare, and logical types are texts (`2026-01-31`,
    /// `2026-01-31T10:00:00Z`, `12.30`). A text outside a logical type's range is given as its number.
    Plain,
}

impl Plan {
    /// Reads exactly one datum as JSON in the reader's schema. NaN and the infinities are the texts `NaN`, `Infinity`
    /// and `-Infinity`.
    pub fn decode_json(&self, bytes: &[u8], form: JsonForm) -> Result<Value, DecodeError> {
        let mut cursor = Cursor::new(bytes, self.limits);
        let value = walk(&form, &self.tables, &mut cursor, self.read)?;
        cursor.expect_end()?;
        Ok(value)
    }

    /// Appends JSON to `out` as a datum of the writer's schema. On error `out` is as it was.
    ///
    /// Missing members come from the fields' defaults and unknown ones are errors. In the plain form a bare union value
    /// takes the branch of its JSON type (integers before floats, int before long by range); several records are told
    /// apart by their fields, and what stays ambiguous is an error.
    pub fn encode_json(&self, json: &Value, form: JsonForm, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        let mut sink = Sink::new(self, std::mem::take(out));
        let result = put(&mut sink, self.wire, json, form);
        *out = sink.finish();
        if result.is_err() {
            out.truncate(start);
        }
        result
    }
}

impl Tree for JsonForm {
    type Node = Value;

    fn scalar(&self, tables: &Tables, op: Op, scalar: Scalar<'_>, _: usize) -> Result<Value, DecodeError> {
        if *self == Self::Plain
            && let Some(Ok(text)) = scalar.text()
        {
            return Ok(Value::String(text));
        }
        Ok(match scalar {
            Scalar::Null => Value::Null,
            Scalar::Boolean(value) => Value::Bool(value),
            Scalar::Int(value, _) => value.into(),
            Scalar::Long(value, _) => value.into(),
            Scalar::Float(value) => float(value.into(), || format!("{value:?}")),
            Scalar::Double(value) => float(value, || format!("{value:?}")),
            Scalar::Text(text) => text.into(),
            Scalar::Bytes(bytes)
            | Scalar::Decimal(bytes, _)
            | Scalar::BigDecimal(bytes)
            | Scalar::Uuid(bytes) => latin1(bytes),
            Scalar::Rescaled(bytes, ..) => {
                let digits = scalar.unscaled().map_or(bytes.into(), |(unscaled, _)| unscaled);
                // as long as the fixed that it is in
                let size = if let Op::Fixed(i) = op { tables.fixed(i).size } else { digits.len() };
                latin1(&decimal::sign_extended(&digits, size).unwrap_or_default())
            }
        })
    }

    fn symbol(&self, _: u32, symbol: &str) -> Value {
        symbol.into()
    }

    fn branch(&self, tables: &Tables, union: u32, index: u32, node: Value) -> Value {
        let branch = tables.union(union).branches.get(index as usize).copied().unwrap_or(Op::Null);
        if *self == Self::Plain || branch == Op::Null {
            return node;
        }
        Value::Object(Map::from_iter([(tables.type_name(branch).to_owned(), node)]))
    }

    fn array(&self, items: Vec<Value>) -> Value {
        Value::Array(items)
    }

    fn map(&self, entries: Vec<(String, Value)>) -> Value {
        Value::Object(entries.into_iter().collect())
    }

    fn record(&self, fields: Vec<(String, Value)>) -> Value {
        Value::Object(fields.into_iter().collect())
    }
}

/// Bytes as text of the code points 0 to 255.
fn latin1(bytes: &[u8]) -> Value {
    Value::String(bytes.iter().map(|b| char::from(*b)).collect())
}

fn float(value: f64, text: impl FnOnce() -> String) -> Value {
    if value.is_nan() {
        return "NaN".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity".into() } else { "-Infinity".into() };
    }
    text().parse::<Number>().map_or(Value::Null, Value::Number)
}

fn put(sink: &mut Sink<'_>, op: Op, json: &Value, form: JsonForm) -> Result<(), EncodeError> {
    if let Op::Union(union) = op {
        return put_union(sink, union, json, form);
    }
    match json {
        Value::Null => sink.null(op),
        Value::Bool(value) => sink.boolean(op, *value),
        Value::Number(number) => sink.number(op, number.as_str()),
        Value::String(text) => put_text(sink, op, text, form),
        Value::Array(items) => put_array(sink, op, items, form),
        Value::Object(members) => put_object(sink, op, members, form),
    }
}

fn put_union(sink: &mut Sink<'_>, union: u32, json: &Value, form: JsonForm) -> Result<(), EncodeError> {
    if json.is_null() {
        return sink.null(Op::Union(union));
    }
    let (branch, json) = match form {
        JsonForm::Avro => {
            let tagged = json.as_object().filter(|o| o.len() == 1).and_then(|o| o.iter().next());
            let Some((tag, inner)) = tagged else {
                return Err(EncodeError::mismatch(
                    "union",
                    "a value that is neither null nor {\"branch\": value}",
                ));
            };
            match sink.choose_named(union, tag)? {
                Some(branch) => (branch, inner),
                None => {
                    return Err(EncodeError::new(EncodeErrorKind::NoBranch { found: format!("type {tag}") }));
                }
            }
        }
        JsonForm::Plain => (plain_branch(sink, union, json)?, json),
    };
    // a union never holds a union
    if let Op::Union(_) = branch {
        Err(sink.mismatch(branch, Found::Null))
    } else {
        put(sink, branch, json, form)
    }
}

/// Writes the index of the branch that a bare value takes.
fn plain_branch(sink: &mut Sink<'_>, union: u32, json: &Value) -> Result<Op, EncodeError> {
    if let Some((index, branch)) = sink.tables.union(union).other {
        put_long(&mut sink.out, index.into());
        return Ok(branch);
    }
    let found = match json {
        Value::Null => Found::Null,
        Value::Bool(_) => Found::Boolean,
        Value::Number(number) => found_number(number.as_str()),
        Value::String(text) => Found::Text(text),
        Value::Array(_) => Found::Sequence,
        Value::Object(members) => {
            if let Some((index, branch)) = fitting_record(sink.tables, union, members) {
                put_long(&mut sink.out, index);
                return Ok(branch);
            }
            Found::Map
        }
    };
    sink.choose(union, found)
}

/// The only record of a union whose fields the members fill.
fn fitting_record(tables: &Tables, union: u32, members: &Map<String, Value>) -> Option<(i64, Op)> {
    let branches = &tables.union(union).branches;
    if branches.iter().any(|b| matches!(b, Op::Map(_))) {
        return None;
    }
    let mut fitting = (0i64..).zip(branches.iter().copied()).filter(|(_, branch)| match branch {
        Op::Record(i) => {
            let record = tables.record(*i);
            members.keys().all(|key| record.find(key).is_some())
                && record.fields.iter().all(|f| f.default.is_some() || members.contains_key(&*f.name))
        }
        _ => false,
    });
    let first = fitting.next()?;
    fitting.next().is_none().then_some(first)
}

fn put_text(sink: &mut Sink<'_>, op: Op, text: &str, form: JsonForm) -> Result<(), EncodeError> {
    let is_text = match op {
        Op::Float | Op::Double => {
            let value = match text {
                "NaN" => f64::NAN,
                "Infinity" => f64::INFINITY,
                "-Infinity" => f64::NEG_INFINITY,
                _ => return Err(sink.mismatch(op, Found::Text(text))),
            };
            return sink.double(op, value);
        }
        Op::Bytes => false,
        Op::Decimal(_) | Op::BigDecimal => form == JsonForm::Plain,
        Op::Fixed(i) => {
            let logical = sink.tables.fixed(i).logical;
            form == JsonForm::Plain && matches!(logical, Some(FixedLogical::Decimal(_) | FixedLogical::Uuid))
        }
        _ => true,
    };
    if is_text {
        return sink.text(op, text);
    }
    let bytes: Result<Vec<u8>, _> = text.chars().map(|c| u8::try_from(u32::from(c))).collect();
    match bytes {
        Ok(bytes) => sink.bytes(op, &bytes),
        Err(_) => Err(EncodeError::mismatch(sink.tables.type_name(op), "text beyond U+00FF")),
    }
}

fn put_array(sink: &mut Sink<'_>, op: Op, items: &[Value], form: JsonForm) -> Result<(), EncodeError> {
    let Op::Array(i) = op else { return Err(sink.mismatch(op, Found::Sequence)) };
    let item = sink.tables.collection(i).item;
    sink.enter()?;
    if !items.is_empty() {
        put_long(&mut sink.out, items.len().cast_signed() as i64);
    }
    for (index, value) in items.iter().enumerate() {
        put(sink, item, value, form).map_err(|e| e.in_item(index as u64))?;
    }
    sink.out.push(0);
    sink.leave();
    Ok(())
}

fn put_object(
    sink: &mut Sink<'_>,
    op: Op,
    members: &Map<String, Value>,
    form: JsonForm,
) -> Result<(), EncodeError> {
    match op {
        Op::Record(i) => {
            let mut record = RecordWriter::new(sink, i)?;
            for (name, value) in members {
                let index = record.find(name)?;
                record.field(index, |sink, field| put(sink, field.op, value, form))?;
            }
            record.finish()
        }
        Op::Map(i) => {
            let item = sink.tables.collection(i).item;
            sink.enter()?;
            if !members.is_empty() {
                put_long(&mut sink.out, members.len().cast_signed() as i64);
            }
            for (key, value) in members {
                put_bytes(&mut sink.out, key.as_bytes());
                put(sink, item, value, form).map_err(|e| e.in_key(key))?;
            }
            sink.out.push(0);
            sink.leave();
            Ok(())
        }
        _ => Err(sink.mismatch(op, Found::Map)),
    }
}
