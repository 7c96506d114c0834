//! Random schemas, their data, and evolved readers with the values they should see.

use apache_avro::types::Value;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

#[derive(Debug, Clone)]
pub(crate) enum Type {
    Null,
    Boolean,
    Int,
    Long,
    Float,
    Double,
    Bytes,
    String,
    Enum(String, usize),
    Fixed(String, usize),
    Array(Box<Type>),
    Map(Box<Type>),
    Union(Vec<Type>),
    Record(String, Vec<Field>),
}

#[derive(Debug, Clone)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) of: Type,
    pub(crate) default: Option<Json>,
}

impl Type {
    pub(crate) fn json(&self) -> Json {
        match self {
            Self::Null => json!("null"),
            Self::Boolean => json!("boolean"),
            Self::Int => json!("int"),
            Self::Long => json!("long"),
            Self::Float => json!("float"),
            Self::Double => json!("double"),
            Self::Bytes => json!("bytes"),
            Self::String => json!("string"),
            Self::Enum(name, symbols) => {
                let symbols: Vec<String> = (0..*symbols).map(symbol).collect();
                json!({"type": "enum", "name": name, "symbols": symbols})
            }
            Self::Fixed(name, size) => json!({"type": "fixed", "name": name, "size": size}),
            Self::Array(items) => json!({"type": "array", "items": items.json()}),
            Self::Map(values) => json!({"type": "map", "values": values.json()}),
            Self::Union(branches) => Json::Array(branches.iter().map(Self::json).collect()),
            Self::Record(name, fields) => {
                let field = |f: &Field| {
                    let mut json = json!({"name": f.name, "type": f.of.json()});
                    if let Some(default) = &f.default {
                        json["default"] = default.clone();
                    }
                    json
                };
                json!({"type": "record", "name": name, "fields": fields.iter().map(field).collect::<Vec<_>>()})
            }
        }
    }

    /// Makes all names different.
    fn named(self, counter: &mut usize) -> Self {
        *counter += 1;
        let name = format!("ns.N{counter}");
        match self {
            Self::Enum(_, symbols) => Self::Enum(name, symbols),
            Self::Fixed(_, size) => Self::Fixed(name, size),
            Self::Array(items) => Self::Array(Box::new(items.named(counter))),
            Self::Map(values) => Self::Map(Box::new(values.named(counter))),
            Self::Union(branches) => Self::Union(branches.into_iter().map(|b| b.named(counter)).collect()),
            Self::Record(_, fields) => {
                let field = |f: Field| Field { of: f.of.named(counter), ..f };
                Self::Record(name, fields.into_iter().map(field).collect())
            }
            other => other,
        }
    }

    /// Types that a union may hold only one of share a number.
    fn slot(&self) -> usize {
        match self {
            Self::Null => 0,
            Self::Boolean => 1,
            Self::Int => 2,
            Self::Long => 3,
            Self::Float => 4,
            Self::Double => 5,
            Self::Bytes => 6,
            Self::String => 7,
            Self::Array(_) => 8,
            Self::Map(_) => 9,
            Self::Enum(..) | Self::Fixed(..) | Self::Record(..) => 10,
            Self::Union(_) => 11,
        }
    }
}

fn symbol(index: usize) -> String {
    format!("S{index}")
}

pub(crate) fn any_type() -> impl Strategy<Value = Type> {
    let leaf = prop_oneof![
        Just(Type::Null),
        Just(Type::Boolean),
        Just(Type::Int),
        Just(Type::Long),
        Just(Type::Float),
        Just(Type::Double),
        Just(Type::Bytes),
        Just(Type::String),
        (1usize..5).prop_map(|n| Type::Enum(String::new(), n)),
        (0usize..9).prop_map(|n| Type::Fixed(String::new(), n)),
    ];
    let tree = leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            inner.clone().prop_map(|t| Type::Array(Box::new(t))),
            inner.clone().prop_map(|t| Type::Map(Box::new(t))),
            prop::collection::vec(inner.clone(), 1..4).prop_map(union),
            prop::collection::vec(inner, 0..5).prop_map(|types| {
                let field = |(i, of)| Field { name: format!("f{i}"), of, default: None };
                Type::Record(String::new(), types.into_iter().enumerate().map(field).collect())
            }),
        ]
    });
    tree.prop_map(|t| t.named(&mut 0))
}

fn union(types: Vec<Type>) -> Type {
    let mut branches: Vec<Type> = Vec::new();
    for of in types {
        let taken = branches.iter().any(|b| b.slot() == of.slot() && of.slot() < 10);
        if of.slot() != 11 && !taken {
            branches.push(of);
        }
    }
    if branches.is_empty() { Type::Null } else { Type::Union(branches) }
}

pub(crate) fn any_value(of: &Type) -> BoxedStrategy<Value> {
    match of {
        Type::Null => Just(Value::Null).boxed(),
        Type::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        Type::Int => any::<i32>().prop_map(Value::Int).boxed(),
        Type::Long => any::<i64>().prop_map(Value::Long).boxed(),
        Type::Float => (-1.0e6f32..1.0e6).prop_map(Value::Float).boxed(),
        Type::Double => (-1.0e9f64..1.0e9).prop_map(Value::Double).boxed(),
        Type::Bytes => prop::collection::vec(any::<u8>(), 0..12).prop_map(Value::Bytes).boxed(),
        Type::String => ".{0,12}".prop_map(Value::String).boxed(),
        Type::Enum(_, symbols) => {
            (0..*symbols).prop_map(|i| Value::Enum(u32::try_from(i).unwrap(), symbol(i))).boxed()
        }
        Type::Fixed(_, size) => {
            let size = *size;
            prop::collection::vec(any::<u8>(), size).prop_map(move |b| Value::Fixed(size, b)).boxed()
        }
        Type::Array(items) => prop::collection::vec(any_value(items), 0..4).prop_map(Value::Array).boxed(),
        Type::Map(values) => {
            prop::collection::hash_map("[a-z]{1,4}", any_value(values), 0..4).prop_map(Value::Map).boxed()
        }
        Type::Union(branches) => {
            let branch = |(i, b): (usize, &Type)| {
                let index = u32::try_from(i).unwrap();
                any_value(b).prop_map(move |v| Value::Union(index, Box::new(v))).boxed()
            };
            prop::strategy::Union::new(branches.iter().enumerate().map(branch)).boxed()
        }
        Type::Record(_, fields) => {
            let names: Vec<String> = fields.iter().map(|f| f.name.clone()).collect();
            let values: Vec<BoxedStrategy<Value>> = fields.iter().map(|f| any_value(&f.of)).collect();
            values.prop_map(move |values| Value::Record(names.iter().cloned().zip(values).collect())).boxed()
        }
    }
}

pub(crate) fn typed_value() -> impl Strategy<Value = (Type, Value)> {
    any_type().prop_flat_map(|t| any_value(&t).prop_map(move |v| (t.clone(), v)))
}

/// What a reader's schema makes of a writer's value.
type Convert = Box<dyn Fn(&Value) -> Value>;

/// A reader's type that can read `of`, chosen by `dice`, and the values it should see.
#[expect(clippy::cast_precision_loss, reason = "Avro's promotions round")]
pub(crate) fn evolve(of: &Type, dice: &mut impl FnMut(usize) -> usize) -> (Type, Convert) {
    let same = |of: &Type| -> (Type, Convert) { (of.clone(), Box::new(Value::clone)) };
    match of {
        Type::Int => match dice(4) {
            0 => (Type::Long, number(|v| Value::Long(v.0), int)),
            1 => (Type::Double, number(|v| Value::Double(v.0 as f64), int)),
            2 => (Type::Float, number(|v| Value::Float(v.0 as f32), int)),
            _ => same(of),
        },
        Type::Long => match dice(3) {
            0 => (Type::Double, number(|v| Value::Double(v.0 as f64), int)),
            1 => (Type::Float, number(|v| Value::Float(v.0 as f32), int)),
            _ => same(of),
        },
        Type::Float if dice(2) == 0 => (Type::Double, number(|v| Value::Double(v.1.into()), int)),
        Type::String if dice(2) == 0 => (
            Type::Bytes,
            Box::new(|v| match v {
                Value::String(text) => Value::Bytes(text.clone().into_bytes()),
                other => other.clone(),
            }),
        ),
        Type::Array(items) => {
            let (items, convert) = evolve(items, dice);
            let array: Convert = Box::new(move |v| match v {
                Value::Array(items) => Value::Array(items.iter().map(&convert).collect()),
                other => other.clone(),
            });
            (Type::Array(Box::new(items)), array)
        }
        Type::Map(values) => {
            let (values, convert) = evolve(values, dice);
            let map: Convert = Box::new(move |v| match v {
                Value::Map(entries) => {
                    Value::Map(entries.iter().map(|(k, v)| (k.clone(), convert(v))).collect())
                }
                other => other.clone(),
            });
            (Type::Map(Box::new(values)), map)
        }
        Type::Record(name, fields) => evolve_record(name, fields, dice),
        _ => same(of),
    }
}

/// An integer's value, and a float's.
struct Parts(i64, f32);

fn int(value: &Value) -> Parts {
    match value {
        Value::Int(v) => Parts((*v).into(), 0.0),
        Value::Long(v) => Parts(*v, 0.0),
        Value::Float(v) => Parts(0, *v),
        _ => Parts(0, 0.0),
    }
}

fn number(to: fn(Parts) -> Value, from: fn(&Value) -> Parts) -> Convert {
    Box::new(move |v| to(from(v)))
}

/// Drops, keeps, wraps and adds fields, and turns their order round.
fn evolve_record(name: &str, fields: &[Field], dice: &mut impl FnMut(usize) -> usize) -> (Type, Convert) {
    let mut kept: Vec<(Field, Option<(usize, Convert)>)> = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let (of, convert) = match dice(5) {
            0 => continue,
            1 if !matches!(field.of, Type::Union(_) | Type::Null) => {
                let wrap: Convert = Box::new(|v| Value::Union(1, Box::new(v.clone())));
                (Type::Union(vec![Type::Null, field.of.clone()]), wrap)
            }
            _ => evolve(&field.of, dice),
        };
        kept.push((Field { name: field.name.clone(), of, default: None }, Some((index, convert))));
    }
    let default = Some(json!(["a", "b"]));
    kept.push((Field { name: "added".to_owned(), of: Type::Array(Box::new(Type::String)), default }, None));
    kept.reverse();
    let reader = Type::Record(name.to_owned(), kept.iter().map(|(f, _)| f.clone()).collect());
    let convert: Convert = Box::new(move |v| {
        let Value::Record(from) = v else { return v.clone() };
        let added = || Value::Array(vec![Value::String("a".to_owned()), Value::String("b".to_owned())]);
        let field = |(f, source): &(Field, Option<(usize, Convert)>)| {
            let value = source.as_ref().map_or_else(added, |(index, convert)| convert(&from[*index].1));
            (f.name.clone(), value)
        };
        Value::Record(kept.iter().map(field).collect())
    });
    (reader, convert)
}
