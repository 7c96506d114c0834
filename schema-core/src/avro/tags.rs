//! Inline tags: the `confluent:tags` attribute of records and fields, found by path.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::node::{Node, NodeId, Nodes, Props};
use super::schema::Schema;
use crate::error::{Position, SchemaError, SchemaProblem};

const TAGS: &str = "confluent:tags";

/// What carries tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntityKind {
    /// A record, by its full name.
    Record,
    /// A field, by its record's full name, a dot, and its name.
    Field,
}

/// Tags of one entity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityTags {
    /// `ns.Record` or `ns.Record.field`.
    pub path: String,
    /// Which of the two the path names.
    pub kind: EntityKind,
    /// Tag names.
    pub tags: Vec<String>,
}

/// The schema with tags added, then others removed. Only types the main text spells out can be edited; a path that names
/// none is [`SchemaProblem::UnresolvedEntity`].
pub fn edit_tags(schema: &Schema, add: &[EntityTags], remove: &[EntityTags]) -> Result<Schema, SchemaError> {
    let mut nodes = schema.0.nodes.clone();
    for (entity, adding) in add.iter().map(|tags| (tags, true)).chain(remove.iter().map(|tags| (tags, false)))
    {
        edit(&mut nodes, schema, entity, adding).ok_or_else(|| SchemaError::Schema {
            problem: Box::new(SchemaProblem::UnresolvedEntity { path: entity.path.clone() }),
            path: String::new(),
            position: Position { line: 1, column: 1 },
            reference: None,
        })?;
    }
    Ok(schema.with_nodes(nodes))
}

/// The tags a schema carries, in the order of its text.
pub fn inline_tags(schema: &Schema) -> Vec<EntityTags> {
    let mut all = Vec::new();
    for id in own_records(schema) {
        let Node::Record(record) = schema.node(id) else { continue };
        let full = record.name.full();
        let mut note = |path: String, kind, props: &Props| {
            let tags = tags_of(props);
            if !tags.is_empty() {
                all.push(EntityTags { path, kind, tags });
            }
        };
        note(full.to_owned(), EntityKind::Record, &record.props);
        for field in &record.fields {
            note(format!("{full}.{}", field.name), EntityKind::Field, &field.props);
        }
    }
    all
}

fn edit(nodes: &mut Nodes, schema: &Schema, entity: &EntityTags, adding: bool) -> Option<()> {
    let (record_name, field_name) = match entity.kind {
        EntityKind::Record => (entity.path.as_str(), None),
        EntityKind::Field => entity.path.rsplit_once('.').map(|(record, field)| (record, Some(field)))?,
    };
    let named = |id: &NodeId| schema.node(*id).name().is_some_and(|name| name.full() == record_name);
    let id = own_records(schema).into_iter().find(named)?;
    let Some(Node::Record(record)) = nodes.0.get_mut(id.index()) else { return None };
    let props = match field_name {
        None => &mut record.props,
        Some(name) => &mut record.fields.iter_mut().find(|field| field.name == name)?.props,
    };
    let mut tags = tags_of(props);
    if adding {
        for tag in &entity.tags {
            if !tags.contains(tag) {
                tags.push(tag.clone());
            }
        }
    } else {
        tags.retain(|tag| !entity.tags.contains(tag));
    }
    let mut map: Map<String, Value> = props.iter().map(|(k, v)| (k.to_owned(), v.clone())).collect();
    if tags.is_empty() {
        map.shift_remove(TAGS);
    } else {
        map.insert(TAGS.to_owned(), Value::Array(tags.into_iter().map(Value::String).collect()));
    }
    *props = Props::from_map(map);
    Some(())
}

fn tags_of(props: &Props) -> Vec<String> {
    let values = props.get(TAGS).and_then(Value::as_array);
    values.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Records that the canonical text spells out, in its order.
fn own_records(schema: &Schema) -> Vec<NodeId> {
    let mut records = Vec::new();
    let mut seen: HashSet<&str> = schema.0.reference_names.iter().map(String::as_str).collect();
    let mut open = vec![schema.root()];
    while let Some(id) = open.pop() {
        let node = schema.node(id);
        if node.name().is_some_and(|name| !seen.insert(name.full())) {
            continue;
        }
        match node {
            Node::Array { items: inner, .. } | Node::Map { values: inner, .. } => open.push(*inner),
            Node::Union { branches } => open.extend(branches.iter().rev()),
            Node::Record(record) => {
                records.push(id);
                open.extend(record.fields.iter().rev().map(|field| field.schema));
            }
            _ => {}
        }
    }
    records
}

#[cfg(test)]
mod tests {
    use super::super::ParseMode;
    use super::*;

    const TEXT: &str = r#"{"type":"record","name":"R","namespace":"n","fields":[
        {"name":"a","type":"int","confluent:tags":["PII"],"x":1},
        {"name":"b","type":{"type":"record","name":"S","fields":[{"name":"c","type":"int"}]}}]}"#;

    fn entity(kind: EntityKind, path: &str, tags: &[&str]) -> EntityTags {
        let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        EntityTags { path: path.to_owned(), kind, tags }
    }

    #[test]
    fn tags_are_added_and_removed_by_path() {
        let schema = Schema::parse(TEXT, ParseMode::Strict).unwrap();
        let add = [
            entity(EntityKind::Record, "n.R", &["TOP"]),
            entity(EntityKind::Field, "n.S.c", &["X", "Y"]),
            entity(EntityKind::Field, "n.R.a", &["PII", "GDPR"]),
        ];
        let edited = edit_tags(&schema, &add, &[entity(EntityKind::Field, "n.S.c", &["X"])]).unwrap();
        assert_eq!(
            edited.canonical(),
            r#"{"type":"record","name":"R","namespace":"n","fields":[{"name":"a","type":"int","confluent:tags":["PII","GDPR"],"x":1},{"name":"b","type":{"type":"record","name":"S","fields":[{"name":"c","type":"int","confluent:tags":["Y"]}]}}],"confluent:tags":["TOP"]}"#
        );
        let paths: Vec<String> = inline_tags(&edited).into_iter().map(|tags| tags.path).collect();
        assert_eq!(paths, ["n.R", "n.R.a", "n.S.c"]);
        let cleared = edit_tags(&schema, &[], &inline_tags(&schema)).unwrap();
        assert!(!cleared.canonical().contains("confluent:tags"));
    }

    #[test]
    fn unknown_paths_are_refused() {
        let schema = Schema::parse(TEXT, ParseMode::Strict).unwrap();
        for (kind, path) in
            [(EntityKind::Record, "R"), (EntityKind::Field, "n.R.zz"), (EntityKind::Field, "a")]
        {
            assert!(edit_tags(&schema, &[entity(kind, path, &["T"])], &[]).is_err(), "{path}");
        }
    }
}
