//! Inline tags: `confluent:tags` on records and fields of a schema's text (registry-api.md 12.5).

use std::collections::BTreeMap;

use assay_schema_core::{Metadata, QualifiedSubject, RuleSet, VersionRef};
use serde_json::{Map, Value};

use super::error::{InvalidSchema, RegistryError};
use super::input::{Deleted, Registered, SchemaInput, SchemaTags};
use super::origin::Origin;
use super::register::RegisterOptions;
use super::{Registry, merge};

/// The property that holds inline tags.
const TAGS: &str = "confluent:tags";
/// Entity types of the contract.
const RECORD: &str = "sr_record";
const FIELD: &str = "sr_field";

/// A change of tags and data-contract parts that makes a new version.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TagChange {
    /// The version the new one must get; 0 for none given.
    pub new_version: i32,
    /// Inline tags to add.
    pub tags_to_add: Vec<SchemaTags>,
    /// Inline tags to remove.
    pub tags_to_remove: Vec<SchemaTags>,
    /// Metadata of the new version; absent keeps the old.
    pub metadata: Option<Metadata>,
    /// Rules of the new version; absent keeps the old.
    pub rule_set: Option<RuleSet>,
    /// Rules merged into the old ones.
    pub rules_to_merge: Option<RuleSet>,
    /// Names of rules to drop from the old ones.
    pub rules_to_remove: Vec<String>,
}

impl Registry {
    /// Registers a new version that is an old one with other tags, metadata or rules.
    ///
    /// # Errors
    /// Those of registering, 40401, 40402, and 42210 when `rule_set` is combined with rules to merge or remove.
    pub async fn change_tags(
        &self,
        subject: &QualifiedSubject,
        version: VersionRef,
        change: TagChange,
        origin: &Origin,
    ) -> Result<Registered, RegistryError> {
        let edits_rules = change.rules_to_merge.is_some() || !change.rules_to_remove.is_empty();
        if edits_rules && change.rule_set.is_some() {
            let message = "ruleSet should be omitted if specifying rulesToMerge or rulesToRemove".to_owned();
            return Err(RegistryError::InvalidRuleSet { message });
        }
        let old = self.version(subject, version, Deleted::Exclude).await?;
        let row = old.schema.row();
        let rule_set = match (change.rule_set, edits_rules) {
            (Some(given), _) => Some(given),
            (None, false) => row.rule_set.clone(),
            (None, true) => {
                let merged = merge::merge_rule_sets(row.rule_set.as_ref(), change.rules_to_merge.as_ref());
                merged.map(|rules| without_rules(rules, &change.rules_to_remove))
            }
        };
        let input = SchemaInput {
            schema: row.text.clone(),
            references: row.references.clone(),
            metadata: change.metadata.or_else(|| row.metadata.clone()),
            rule_set,
            version: change.new_version,
            tags_to_add: change.tags_to_add,
            tags_to_remove: change.tags_to_remove,
            ..SchemaInput::default()
        };
        self.register(&old.subject, &input, RegisterOptions::default(), origin).await
    }
}

fn without_rules(mut rules: RuleSet, names: &[String]) -> RuleSet {
    for list in [&mut rules.migration_rules, &mut rules.domain_rules, &mut rules.encoding_rules] {
        list.retain(|rule| !rule.name.as_ref().is_some_and(|name| names.contains(name)));
    }
    rules
}

/// Whether a registration edits inline tags, so that what is stored differs from what is posted.
pub(super) fn changes_tags(input: &SchemaInput) -> bool {
    !input.tags_to_add.is_empty() || !input.tags_to_remove.is_empty() || input.propagate_tags
}

/// Edits the inline tags of a request's text: copies those of the previous version if asked, then adds, then removes.
pub(super) fn apply(input: &mut SchemaInput, previous: Option<&str>) -> Result<(), InvalidSchema> {
    if !changes_tags(input) {
        return Ok(());
    }
    // A text that is not JSON is left alone; the parser refuses it with its own message.
    let Ok(mut schema) = serde_json::from_str::<Value>(&input.schema) else { return Ok(()) };
    if let Some(previous) = previous.filter(|_| input.propagate_tags) {
        for tags in inline(previous) {
            // An entity the new text does not have any more loses its tags with it.
            edit(&mut schema, &tags, add).ok();
        }
    }
    for tags in &input.tags_to_add {
        edit(&mut schema, tags, add)?;
    }
    for tags in &input.tags_to_remove {
        edit(&mut schema, tags, remove)?;
    }
    input.schema = schema.to_string();
    Ok(())
}

fn add(entity: &mut Map<String, Value>, tags: &[String]) {
    let list = entity.entry(TAGS).or_insert_with(|| Value::Array(Vec::new()));
    if let Value::Array(list) = list {
        for tag in tags {
            if !list.iter().any(|known| known.as_str() == Some(tag)) {
                list.push(Value::String(tag.clone()));
            }
        }
    }
}

fn remove(entity: &mut Map<String, Value>, tags: &[String]) {
    if let Some(Value::Array(list)) = entity.get_mut(TAGS) {
        list.retain(|known| !known.as_str().is_some_and(|known| tags.iter().any(|tag| tag == known)));
        if list.is_empty() {
            entity.shift_remove(TAGS);
        }
    }
}

fn edit(
    schema: &mut Value,
    tags: &SchemaTags,
    change: fn(&mut Map<String, Value>, &[String]),
) -> Result<(), InvalidSchema> {
    let mut found = false;
    walk(schema, "", &mut |path, entity_type, entity| {
        if path == tags.entity_path && entity_type == tags.entity_type {
            change(entity, &tags.tags);
            found = true;
        }
    });
    if found {
        return Ok(());
    }
    Err(InvalidSchema::UnknownEntity { entity_type: tags.entity_type.clone(), path: tags.entity_path.clone() })
}

/// Calls back for every record (full name) and field (full name of the record, dot, field). The depth is that of parsed JSON,
/// which the JSON reader bounds.
fn walk(schema: &mut Value, namespace: &str, visit: &mut dyn FnMut(&str, &str, &mut Map<String, Value>)) {
    match schema {
        Value::Array(branches) => branches.iter_mut().for_each(|branch| walk(branch, namespace, visit)),
        Value::Object(object) => match object.get("type").and_then(Value::as_str) {
            Some("record" | "error") => walk_record(object, namespace, visit),
            Some("array") => object.get_mut("items").into_iter().for_each(|items| walk(items, namespace, visit)),
            Some("map") => object.get_mut("values").into_iter().for_each(|values| walk(values, namespace, visit)),
            _ => {}
        },
        _ => {}
    }
}

fn walk_record(
    record: &mut Map<String, Value>,
    namespace: &str,
    visit: &mut dyn FnMut(&str, &str, &mut Map<String, Value>),
) {
    let name = record.get("name").and_then(Value::as_str).unwrap_or_default();
    let own = record.get("namespace").and_then(Value::as_str).unwrap_or(namespace);
    let full = if name.contains('.') || own.is_empty() { name.to_owned() } else { format!("{own}.{name}") };
    let inner = full.rsplit_once('.').map_or("", |(namespace, _)| namespace).to_owned();
    visit(&full, RECORD, record);
    let Some(Value::Array(fields)) = record.get_mut("fields") else { return };
    for field in fields.iter_mut().filter_map(Value::as_object_mut) {
        let name = field.get("name").and_then(Value::as_str).unwrap_or_default();
        let path = format!("{full}.{name}");
        visit(&path, FIELD, field);
        if let Some(inner_type) = field.get_mut("type") {
            walk(inner_type, &inner, visit);
        }
    }
}

/// The inline tags of a text, by entity in order of appearance.
pub(super) fn inline(text: &str) -> Vec<SchemaTags> {
    let Ok(mut schema) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let mut found = Vec::new();
    walk(&mut schema, "", &mut |path, entity_type, entity| {
        let Some(Value::Array(list)) = entity.get(TAGS) else { return };
        let tags: Vec<String> = list.iter().filter_map(|tag| tag.as_str().map(str::to_owned)).collect();
        if !tags.is_empty() {
            found.push(SchemaTags { entity_path: path.to_owned(), entity_type: entity_type.to_owned(), tags });
        }
    });
    found
}

/// Tags of a schema's entities, inline and from metadata, that are among those asked for; `*` asks for all.
pub fn find(text: &str, metadata: Option<&Metadata>, asked: &[String]) -> Vec<SchemaTags> {
    let wanted = |tag: &String| asked.iter().any(|name| name == "*" || name == tag);
    let mut by_entity: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let from_metadata = metadata.into_iter().flat_map(|metadata| &metadata.tags).map(|(path, tags)| SchemaTags {
        entity_path: path.clone(),
        entity_type: FIELD.to_owned(),
        tags: tags.iter().cloned().collect(),
    });
    for entity in inline(text).into_iter().chain(from_metadata) {
        let tags = by_entity.entry((entity.entity_path, entity.entity_type)).or_default();
        for tag in entity.tags.into_iter().filter(wanted) {
            if !tags.contains(&tag) {
                tags.push(tag);
            }
        }
    }
    by_entity
        .into_iter()
        .filter(|(_, tags)| !tags.is_empty())
        .map(|((entity_path, entity_type), tags)| SchemaTags { entity_path, entity_type, tags })
        .collect()
}
