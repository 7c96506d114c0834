//! Building schemas in JSON.

use std::any::type_name;
use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::{AvroSchema, AvroSchemaError};

/// What is known while a schema is built.
#[derive(Debug, Default)]
pub struct Definitions {
    /// The namespace of the type that is being described.
    namespace: String,
    /// The Rust type of every full name.
    named: HashMap<String, &'static str>,
    problem: Option<AvroSchemaError>,
}

/// What a named type says about itself.
#[derive(Debug, Clone, Copy)]
pub struct TypeHead<'a> {
    /// The name without namespace.
    pub name: &'a str,
    /// The namespace; the one around it if there is none.
    pub namespace: Option<&'a str>,
    /// The documentation.
    pub doc: Option<&'a str>,
    /// Names it had.
    pub aliases: &'a [&'a str],
}

/// What a field says about itself.
#[derive(Debug, Clone, Copy)]
pub struct FieldHead<'a> {
    /// The name.
    pub name: &'a str,
    /// The documentation.
    pub doc: Option<&'a str>,
    /// The default, in JSON.
    pub default: Option<&'a str>,
    /// Names it had.
    pub aliases: &'a [&'a str],
}

/// The fields of a record under construction.
#[derive(Debug)]
pub struct Fields<'d> {
    definitions: &'d mut Definitions,
    json: Vec<Value>,
}

impl Fields<'_> {
    /// Adds a field; `describe` gives its type.
    pub fn field(&mut self, head: FieldHead<'_>, describe: impl FnOnce(&mut Definitions) -> Value) {
        let mut of = describe(self.definitions);
        let mut default = head.default.map(|text| self.definitions.json(text));
        if let Value::Array(branches) = &mut of
            && branches.first().is_some_and(|first| first == "null")
        {
            match &default {
                None => default = Some(Value::Null),
                // a default of the first branch works with every version and language
                Some(value) if !value.is_null() && branches.len() == 2 => branches.reverse(),
                Some(_) => {}
            }
        }
        let mut field = Map::from_iter([("name".to_owned(), json!(head.name)), ("type".to_owned(), of)]);
        put(&mut field, "doc", head.doc.map(Value::from));
        put(&mut field, "default", default);
        put(&mut field, "aliases", (!head.aliases.is_empty()).then(|| json!(head.aliases)));
        self.json.push(Value::Object(field));
    }

    /// Adds the fields of a record that is no record of its own here.
    pub fn flatten<T: AvroSchema>(&mut self) {
        // apart from the rest: the record itself gets no place in the schema
        let mut inner = Definitions {
            namespace: self.definitions.namespace.clone(),
            named: self.definitions.named.clone(),
            problem: None,
        };
        let mut json = T::describe(&mut inner);
        if let Some(problem) = inner.problem {
            self.definitions.fail(problem);
        }
        let own = type_name::<T>();
        let known = std::mem::take(&mut self.definitions.named);
        self.definitions.named = inner.named;
        self.definitions.named.retain(|name, rust| *rust != own || known.contains_key(name));
        match json.get_mut("fields").map(Value::take) {
            Some(Value::Array(fields)) => self.json.extend(fields),
            _ => self.definitions.fail(AvroSchemaError::NotARecord { type_name: own }),
        }
    }
}

impl Definitions {
    /// A record; `T` is the Rust type.
    pub fn record<T: ?Sized>(&mut self, head: TypeHead<'_>, fill: impl FnOnce(&mut Fields<'_>)) -> Value {
        self.named::<T>(head, "record", |definitions, json| {
            let mut fields = Fields { definitions, json: Vec::new() };
            fill(&mut fields);
            json.insert("fields".to_owned(), Value::Array(fields.json));
        })
    }

    /// An enum.
    pub fn enumeration<T: ?Sized>(
        &mut self,
        head: TypeHead<'_>,
        symbols: &[&str],
        default: Option<&str>,
    ) -> Value {
        self.named::<T>(head, "enum", |_, json| {
            json.insert("symbols".to_owned(), json!(symbols));
            put(json, "default", default.map(Value::from));
        })
    }

    fn named<T: ?Sized>(
        &mut self,
        head: TypeHead<'_>,
        kind: &str,
        fill: impl FnOnce(&mut Self, &mut Map<String, Value>),
    ) -> Value {
        let rust = type_name::<T>();
        let namespace = head.namespace.unwrap_or(&self.namespace).to_owned();
        let own_name =
            if namespace.is_empty() { head.name.to_owned() } else { format!("{namespace}.{}", head.name) };
        if let Some(first) = self.named.get(&own_name) {
            if *first != rust {
                let first = *first;
                self.fail(AvroSchemaError::SameName { name: own_name.clone(), first, second: rust });
            }
            return own_name.into();
        }
        self.named.insert(own_name, rust);
        let mut json =
            Map::from_iter([("type".to_owned(), json!(kind)), ("name".to_owned(), json!(head.name))]);
        put(&mut json, "namespace", head.namespace.map(Value::from));
        put(&mut json, "doc", head.doc.map(Value::from));
        let around = std::mem::replace(&mut self.namespace, namespace);
        fill(self, &mut json);
        self.namespace = around;
        put(&mut json, "aliases", (!head.aliases.is_empty()).then(|| json!(head.aliases)));
        Value::Object(json)
    }

    /// An array.
    pub fn array(&mut self, items: Value) -> Value {
        Value::Object(Map::from_iter([("type".to_owned(), json!("array")), ("items".to_owned(), items)]))
    }

    /// Null or a type; a union that has null already stays as it is.
    pub fn optional(&mut self, of: Value) -> Value {
        match of {
            Value::Array(mut branches) => {
                if !branches.iter().any(|branch| branch == "null") {
                    branches.insert(0, "null".into());
                }
                Value::Array(branches)
            }
            other if other == "null" => other,
            other => json!(["null", other]),
        }
    }

    /// The union of an enum's variants, of which some hold values: each names what it holds, unless the enum is untagged.
    pub fn union<T: ?Sized>(&mut self, untagged: bool, variants: Vec<(&str, Value)>) -> Value {
        let mut branches = Vec::with_capacity(variants.len());
        for (variant, branch) in variants {
            let name = branch_name(&branch);
            let simple = name.rsplit('.').next().unwrap_or(name);
            let named = matches!(branch, Value::Object(_)) && branch.get("name").is_some();
            let fits = if named || name.contains('.') || !is_word(name) {
                variant == name || variant == simple
            } else {
                variant.eq_ignore_ascii_case(name)
            };
            if !untagged && !fits {
                let (variant, branch) = (variant.to_owned(), name.to_owned());
                self.fail(AvroSchemaError::VariantName { type_name: type_name::<T>(), variant, branch });
            }
            branches.push(branch);
        }
        Value::Array(branches)
    }

    /// A type as an attribute spells it.
    pub fn json(&mut self, text: &str) -> Value {
        serde_json::from_str(text).unwrap_or_else(|_| {
            self.fail(AvroSchemaError::Attribute { text: text.to_owned() });
            Value::Null
        })
    }

    /// A logical type on its usual base; a decimal is one of bytes.
    pub fn logical(&mut self, name: &str, precision: Option<u32>, scale: Option<u32>) -> Value {
        let base = match name {
            "date" | "time-millis" => "int",
            "time-micros"
            | "timestamp-millis"
            | "timestamp-micros"
            | "timestamp-nanos"
            | "local-timestamp-millis"
            | "local-timestamp-micros"
            | "local-timestamp-nanos" => "long",
            "uuid" => "string",
            "decimal" | "big-decimal" => "bytes",
            _ => {
                self.fail(AvroSchemaError::Attribute { text: format!("logical = {name:?}") });
                "bytes"
            }
        };
        let mut json = json!({"type": base, "logicalType": name});
        if let Value::Object(members) = &mut json {
            put(members, "precision", precision.map(Value::from));
            put(members, "scale", scale.map(Value::from));
        }
        json
    }

    /// Keeps the first problem.
    fn fail(&mut self, problem: AvroSchemaError) {
        self.problem.get_or_insert(problem);
    }

    pub(super) fn finish(self) -> Result<(), AvroSchemaError> {
        self.problem.map_or(Ok(()), Err)
    }
}

fn put(object: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        object.insert(key.to_owned(), value);
    }
}

/// What errors and variants call a branch: its name, or the word of its type.
fn branch_name(branch: &Value) -> &str {
    match branch {
        Value::String(name) => name,
        Value::Array(_) => "union",
        other => other.get("name").or_else(|| other.get("type")).and_then(Value::as_str).unwrap_or_default(),
    }
}

fn is_word(name: &str) -> bool {
    ["null", "boolean", "int", "long", "float", "double", "bytes", "string", "array", "map"].contains(&name)
}
