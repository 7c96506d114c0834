//! Records, enums and fixed: the types with names.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use serde_json::{Map, Value};

use super::types::{field_props, json, json_object, props, text};
use super::{DefaultToCheck, Fault, ParseMode, Parser, Redefinition, Step};
use crate::avro::name::{self, Name};
use crate::avro::node::{EnumNode, Field, FixedNode, Kind, Node, NodeId, Order, RecordNode};
use crate::error::SchemaProblem;
use crate::json::{double_value, is_integer, parse_java_double};

/// The longest fixed: the longest array of Java.
const FIXED_SIZE_MAX: i32 = 2_147_483_639;

impl Parser {
    pub(super) fn record(
        &mut self,
        object: &Map<String, Value>,
        namespace: &str,
        is_error: bool,
    ) -> Result<NodeId, Fault> {
        let name = self.name(object, namespace)?;
        let aliases = self.type_aliases(object, &name)?;
        let id = self.define(&name)?;
        let Some(Value::Array(values)) = object.get("fields") else {
            self.step_into(object, "fields");
            return Err(SchemaProblem::NoFields { json: json_object(object) }.into());
        };
        self.open.push((id, name.clone()));
        let mut fields: Vec<Field> = Vec::with_capacity(values.len());
        let mut by_name: HashMap<Box<str>, u32> = HashMap::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let steps = [Step::Key("fields"), Step::Index(index)];
            let field = self.at(&steps, |parser| parser.field(value, name.namespace()))?;
            let position = u32::try_from(index).unwrap_or(u32::MAX);
            if let Some(earlier) = by_name.insert(field.name.as_str().into(), position) {
                self.path.extend(steps);
                self.path.push(Step::Key("name"));
                return Err(self.duplicate_field(&name, &field, index, &fields, earlier as usize).into());
            }
            if field.default.is_some() && self.options.mode == ParseMode::Strict {
                let path = self.save_path(&[Step::Key("fields"), Step::Index(index), Step::Key("default")]);
                self.defaults.push(DefaultToCheck { record: id, field: index, path });
            }
            fields.push(field);
        }
        self.open.pop();
        let doc = text(object, "doc").map(str::to_owned);
        let props = props(object, false);
        self.fill(
            id,
            Node::Record(Box::new(RecordNode { name, doc, fields, aliases, props, is_error, by_name })),
        );
        Ok(id)
    }

    fn duplicate_field(
        &self,
        record: &Name,
        field: &Field,
        new_index: usize,
        fields: &[Field],
        old_index: usize,
    ) -> SchemaProblem {
        let old_type = fields.get(old_index).map_or(Kind::Null, |old| self.kind(old.schema));
        SchemaProblem::DuplicateField {
            name: field.name.clone(),
            record: record.full().to_owned(),
            new_type: self.kind(field.schema).java_name(),
            new_index,
            old_type: old_type.java_name(),
            old_index,
        }
    }

    fn field(&mut self, value: &Value, namespace: &str) -> Result<Field, Fault> {
        let empty = Map::new();
        let object = value.as_object().unwrap_or(&empty);
        let Some(name) = text(object, "name") else {
            self.step_into(object, "name");
            return Err(SchemaProblem::NoFieldName { json: json(value) }.into());
        };
        self.at(&[Step::Key("name")], |parser| parser.check_simple(name))?;
        let Some(schema) = object.get("type") else {
            return Err(SchemaProblem::NoFieldType { json: json(value) }.into());
        };
        let schema = self.at(&[Step::Key("type")], |parser| parser.value(schema, namespace))?;
        let order = match object.get("order") {
            None => Order::Ascending,
            Some(order) => self.at(&[Step::Key("order")], |_| Ok(order_of(order)?))?,
        };
        let default = match object.get("default") {
            Some(Value::String(text)) if matches!(self.kind(schema), Kind::Float | Kind::Double) => {
                let Some(number) = parse_java_double(text) else {
                    self.path.push(Step::Key("default"));
                    return Err(SchemaProblem::DefaultNotNumber { text: text.clone() }.into());
                };
                Some(double_value(number))
            }
            other => other.cloned(),
        };
        let aliases = self.alias_texts(object, |_, alias| Ok(alias.to_owned()))?;
        Ok(Field {
            name: name.to_owned(),
            schema,
            doc: text(object, "doc").map(str::to_owned),
            default,
            order,
            aliases,
            props: field_props(object),
        })
    }

    pub(super) fn enumeration(
        &mut self,
        object: &Map<String, Value>,
        namespace: &str,
    ) -> Result<NodeId, Fault> {
        let name = self.name(object, namespace)?;
        let aliases = self.type_aliases(object, &name)?;
        let id = self.define(&name)?;
        let Some(Value::Array(values)) = object.get("symbols") else {
            self.step_into(object, "symbols");
            return Err(SchemaProblem::NoSymbols { json: json_object(object) }.into());
        };
        let mut symbols = Vec::with_capacity(values.len());
        let mut seen = HashSet::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let symbol = self.at(&[Step::Key("symbols"), Step::Index(index)], |parser| {
                let symbol = value.as_str().ok_or(SchemaProblem::NullName)?;
                parser.check_simple(symbol)?;
                if !seen.insert(symbol) {
                    return Err(SchemaProblem::DuplicateSymbol { symbol: symbol.to_owned() }.into());
                }
                Ok(symbol.to_owned())
            })?;
            symbols.push(symbol);
        }
        let default = text(object, "default").map(str::to_owned);
        if let Some(default) = default.as_ref().filter(|default| !seen.contains(default.as_str())) {
            self.path.push(Step::Key("default"));
            return Err(SchemaProblem::EnumDefault { default: default.clone(), symbols }.into());
        }
        let doc = text(object, "doc").map(str::to_owned);
        let props = props(object, true);
        self.fill(id, Node::Enum(Box::new(EnumNode { name, doc, symbols, default, aliases, props })));
        Ok(id)
    }

    pub(super) fn fixed(&mut self, object: &Map<String, Value>, namespace: &str) -> Result<NodeId, Fault> {
        let name = self.name(object, namespace)?;
        let aliases = self.type_aliases(object, &name)?;
        let id = self.define(&name)?;
        let size = match object.get("size") {
            Some(Value::Number(number)) if is_integer(number) => number.as_i64(),
            _ => None,
        };
        let Some(size) = size.and_then(|size| i32::try_from(size).ok()) else {
            self.step_into(object, "size");
            return Err(SchemaProblem::InvalidSize { json: json_object(object) }.into());
        };
        let size = self.at(&[Step::Key("size")], |_| match u32::try_from(size) {
            Ok(bytes) if size <= FIXED_SIZE_MAX => Ok(bytes),
            Ok(_) => Err(SchemaProblem::SizeTooLarge { size }.into()),
            Err(_) => Err(SchemaProblem::NegativeSize { size }.into()),
        })?;
        let doc = text(object, "doc").map(str::to_owned);
        let props = props(object, false);
        self.fill(id, Node::Fixed(Box::new(FixedNode { name, doc, size, aliases, props })));
        Ok(id)
    }

    /// The name of a type object, checked.
    fn name(&mut self, object: &Map<String, Value>, enclosing: &str) -> Result<Name, Fault> {
        let Some(simple) = text(object, "name") else {
            self.step_into(object, "name");
            return Err(SchemaProblem::NoName { json: json_object(object) }.into());
        };
        let namespace = text(object, "namespace").unwrap_or(enclosing);
        self.spend_name(namespace, simple)?;
        let name = Name::new(simple, namespace);
        self.at(&[Step::Key("name")], |parser| {
            parser.check_simple(name.simple())?;
            if name::is_primitive(name.full()) {
                return Err(SchemaProblem::PrimitiveName { name: name.full().to_owned() }.into());
            }
            Ok(())
        })?;
        if self.options.mode == ParseMode::Strict {
            // a dot in the name makes the attribute meaningless; an inherited namespace was checked where it was given
            let key = if simple.contains('.') || text(object, "namespace").is_none() {
                "name"
            } else {
                "namespace"
            };
            self.at(&[Step::Key(key)], |_| Ok(name::check_namespace(name.namespace())?))?;
        }
        Ok(name)
    }

    /// The rule of the mode for a simple name; referenced texts are not checked again when lax.
    fn check_simple(&self, simple: &str) -> Result<(), Fault> {
        match self.options.mode {
            ParseMode::Strict => name::check_strict(simple)?,
            ParseMode::Lax if !self.in_reference => name::check_lax(simple)?,
            ParseMode::Lax => {}
        }
        Ok(())
    }

    fn type_aliases(&mut self, object: &Map<String, Value>, owner: &Name) -> Result<Vec<Name>, Fault> {
        self.alias_texts(object, |parser, alias| {
            parser.spend_name(owner.namespace(), alias)?;
            let alias = Name::new(alias, owner.namespace());
            if parser.options.mode == ParseMode::Strict {
                name::check_strict(alias.simple())?;
            }
            Ok(alias)
        })
    }

    fn alias_texts<T: Clone + Eq + Hash>(
        &mut self,
        object: &Map<String, Value>,
        read: impl Fn(&mut Self, &str) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let Some(value) = object.get("aliases") else { return Ok(Vec::new()) };
        let Value::Array(values) = value else {
            self.path.push(Step::Key("aliases"));
            return Err(SchemaProblem::AliasesNotArray { json: json_object(object) }.into());
        };
        let mut aliases = Vec::with_capacity(values.len());
        let mut seen = HashSet::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let alias = self.at(&[Step::Key("aliases"), Step::Index(index)], |parser| {
                let text =
                    value.as_str().ok_or_else(|| SchemaProblem::AliasNotString { json: json(value) })?;
                read(parser, text)
            })?;
            if seen.insert(alias.clone()) {
                aliases.push(alias);
            }
        }
        Ok(aliases)
    }

    /// Reserves the node of a named type, so that its own parts can refer to it.
    fn define(&mut self, name: &Name) -> Result<NodeId, Fault> {
        let id = self.placeholder()?;
        match self.names.get(name.full()) {
            None => {
                self.names.insert(name.full().to_owned(), id);
            }
            Some(&first) if self.nodes.get(first).name().is_some() => {
                let path = self.save_path(&[Step::Key("name")]);
                self.redefinitions.push(Redefinition { first, second: id, path });
            }
            Some(_) => {
                self.path.push(Step::Key("name"));
                return Err(SchemaProblem::Redefined { name: name.full().to_owned() }.into());
            }
        }
        Ok(id)
    }

    /// The name of a record whose fields are still being read.
    pub(super) fn open_name(&self, id: NodeId) -> Option<&str> {
        self.open.iter().find(|(open, _)| *open == id).map(|(_, name)| name.full())
    }
}

fn order_of(value: &Value) -> Result<Order, SchemaProblem> {
    let Value::String(word) = value else {
        return Err(SchemaProblem::OrderNotString { json: json(value) });
    };
    match word.to_ascii_lowercase().as_str() {
        "ascending" => Ok(Order::Ascending),
        "descending" => Ok(Order::Descending),
        "ignore" => Ok(Order::Ignore),
        _ => Err(SchemaProblem::UnknownOrder { order: word.to_uppercase() }),
    }
}
