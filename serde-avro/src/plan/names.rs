//! The reader's aliases, seen from the writer's names.

use std::collections::{HashMap, HashSet};

use assay_schema_core::avro::{Name, Node, NodeId, RecordNode, Schema};

use super::error::PlanError;

/// Renames the writer's types and fields as the aliases of a reader's schema ask for.
///
/// Type aliases are compared by full name. Field aliases belong to the reader's record of the same full name, after
/// renaming. Where two types claim a name, the later one in the schema's order has it, as in Java.
#[derive(Debug, Default)]
pub(super) struct Renames {
    types: HashMap<String, String>,
    fields: HashMap<String, HashMap<String, String>>,
}

impl Renames {
    /// Collects the aliases of a reader's schema.
    pub(super) fn of(reader: &Schema) -> Self {
        let mut renames = Self::default();
        let mut seen = HashSet::new();
        let mut open = vec![reader.root()];
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            // the list is a stack: children go on in reverse, so that types come in the schema's order
            match reader.node(id) {
                Node::Record(record) => {
                    renames.add_type(&record.name, &record.aliases);
                    renames.add_fields(record);
                    open.extend(record.fields.iter().rev().map(|f| f.schema));
                }
                Node::Enum(node) => renames.add_type(&node.name, &node.aliases),
                Node::Fixed(node) => renames.add_type(&node.name, &node.aliases),
                Node::Array { items: inner, .. } | Node::Map { values: inner, .. } => open.push(*inner),
                Node::Union { branches, .. } => open.extend(branches.iter().rev().copied()),
                _ => {}
            }
        }
        renames
    }

    fn add_type(&mut self, name: &Name, aliases: &[Name]) {
        for alias in aliases {
            self.types.insert(alias.full().to_string(), name.full().to_string());
        }
    }

    fn add_fields(&mut self, record: &RecordNode) {
        let name = record.name.full().to_string();
        for field in &record.fields {
            for alias in &field.aliases {
                let of_record = self.fields.entry(name.clone()).or_default();
                of_record.insert(alias.clone(), field.name.clone());
            }
        }
    }

    /// The name that a type of the writer goes by.
    pub(super) fn type_name(&self, name: &Name) -> String {
        let full = name.full().to_string();
        self.types.get(&full).cloned().unwrap_or(full)
    }

    /// The names that the fields of a writer's record go by, in order.
    pub(super) fn field_names(&self, record: &RecordNode) -> Result<Vec<String>, PlanError> {
        let own = record.fields.iter().map(|f| f.name.clone());
        let Some(aliases) = self.fields.get(&self.type_name(&record.name)) else { return Ok(own.collect()) };
        let names: Vec<String> = own.map(|name| aliases.get(&name).cloned().unwrap_or(name)).collect();
        let mut seen = HashSet::new();
        match names.iter().find(|name| !seen.insert(name.as_str())) {
            None => Ok(names),
            Some(field) => Err(PlanError::AmbiguousAlias {
                record: record.name.full().to_string(),
                field: field.clone(),
            }),
        }
    }
}

/// The part of a name after its last dot.
pub(super) fn simple(full: &str) -> &str {
    full.rsplit('.').next().unwrap_or(full)
}

/// Whether Java pairs two unions branch by branch: the same shape throughout, and equal simple names.
pub(super) struct Equivalence<'a> {
    pub(super) writer: &'a Schema,
    pub(super) reader: &'a Schema,
    pub(super) renames: &'a Renames,
}

impl Equivalence<'_> {
    /// Compares without recursion: every pair of nodes is looked at once, and one difference decides.
    pub(super) fn holds(&self, writer: NodeId, reader: NodeId) -> Result<bool, PlanError> {
        let mut seen = HashSet::new();
        let mut open = vec![(writer, reader)];
        while let Some(pair) = open.pop() {
            if !seen.insert(pair) {
                continue;
            }
            if seen.len() > super::PLAN_ENTRIES_MAX {
                return Ok(false);
            }
            if !self.alike(pair, &mut open)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn alike(&self, (w, r): (NodeId, NodeId), open: &mut Vec<(NodeId, NodeId)>) -> Result<bool, PlanError> {
        let same_name = |a: &Name, b: &Name| simple(&self.renames.type_name(a)) == simple(b.full());
        Ok(match (self.writer.node(w), self.reader.node(r)) {
            (Node::Array { items: a, .. }, Node::Array { items: b, .. })
            | (Node::Map { values: a, .. }, Node::Map { values: b, .. }) => {
                open.push((*a, *b));
                true
            }
            (Node::Union { branches: a, .. }, Node::Union { branches: b, .. }) => {
                open.extend(a.iter().copied().zip(b.iter().copied()));
                a.len() == b.len()
            }
            (Node::Record(a), Node::Record(b)) => {
                let names = self.renames.field_names(a)?;
                open.extend(a.fields.iter().map(|f| f.schema).zip(b.fields.iter().map(|f| f.schema)));
                same_name(&a.name, &b.name)
                    && names.iter().map(String::as_str).eq(b.fields.iter().map(|f| f.name.as_str()))
            }
            (Node::Enum(a), Node::Enum(b)) => same_name(&a.name, &b.name) && a.symbols == b.symbols,
            (Node::Fixed(a), Node::Fixed(b)) => same_name(&a.name, &b.name) && a.size == b.size,
            (a, b) => a.kind() == b.kind(),
        })
    }
}
