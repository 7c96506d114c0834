//! Inline tags: `confluent:tags` on records and fields of a schema's text (registry-api.md 12.5).

use std::collections::BTreeMap;

use assay_schema_core::avro::{EntityKind, EntityTags, ParseMode, edit_tags, inline_tags};
use assay_schema_core::{Metadata, QualifiedSubject, RuleSet, VersionRef};

use super::error::{InvalidSchema, RegistryError};
use super::input::{Deleted, Registered, SchemaInput, SchemaTags};
use super::origin::Origin;
use super::register::RegisterOptions;
use super::{Registry, StoredSchema};
use crate::store::Snapshot;

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
                let merged = RuleSet::merged(row.rule_set.as_ref(), change.rules_to_merge.as_ref());
                merged.map(|rules| rules.without(&change.rules_to_remove))
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

/// Whether a registration edits inline tags, so that what is stored differs from what is posted.
pub(super) fn changes_tags(input: &SchemaInput) -> bool {
    !input.tags_to_add.is_empty() || !input.tags_to_remove.is_empty() || input.propagate_tags
}

impl SchemaTags {
    fn kind(&self) -> Option<EntityKind> {
        match self.entity_type.as_str() {
            RECORD => Some(EntityKind::Record),
            FIELD => Some(EntityKind::Field),
            _ => None,
        }
    }

    fn to_entity(&self) -> Result<EntityTags, InvalidSchema> {
        let kind = self.kind().ok_or_else(|| self.unknown())?;
        Ok(EntityTags { path: self.entity_path.clone(), kind, tags: self.tags.clone() })
    }

    fn unknown(&self) -> InvalidSchema {
        InvalidSchema::UnknownEntity { entity_type: self.entity_type.clone(), path: self.entity_path.clone() }
    }
}

impl From<EntityTags> for SchemaTags {
    fn from(tags: EntityTags) -> Self {
        let entity_type = match tags.kind {
            EntityKind::Record => RECORD,
            EntityKind::Field => FIELD,
        };
        Self { entity_path: tags.path, entity_type: entity_type.to_owned(), tags: tags.tags }
    }
}

impl Registry {
    /// Edits the inline tags of a request's text: copies those of the previous version if asked, then adds, then removes.
    pub(super) async fn edit_tags(
        &self,
        snapshot: &mut dyn Snapshot,
        subject: &QualifiedSubject,
        input: &mut SchemaInput,
        previous: Option<&StoredSchema>,
    ) -> Result<(), RegistryError> {
        let mut schema = self.prepare(snapshot, subject, input, ParseMode::Lax, false).await?.schema;
        if let Some(previous) = previous.filter(|_| input.propagate_tags) {
            let previous = self.parsed(snapshot, previous).await?;
            for entity in inline_tags(&previous) {
                // An entity the new text does not have any more loses its tags with it.
                schema = edit_tags(&schema, &[entity], &[]).unwrap_or(schema);
            }
        }
        for tags in &input.tags_to_add {
            schema = edit_tags(&schema, &[tags.to_entity()?], &[]).map_err(|_| tags.unknown())?;
        }
        for tags in &input.tags_to_remove {
            schema = edit_tags(&schema, &[], &[tags.to_entity()?]).map_err(|_| tags.unknown())?;
        }
        input.schema = String::from(schema.canonical());
        Ok(())
    }

    /// Tags of a stored schema's entities, inline and from metadata, that are among those asked for; `*` asks for all.
    ///
    /// # Errors
    /// Store errors.
    pub async fn tags_of(
        &self,
        stored: &StoredSchema,
        asked: &[String],
    ) -> Result<Vec<SchemaTags>, RegistryError> {
        let mut snapshot = self.store().read().await?;
        let inline = inline_tags(&self.parsed(&mut *snapshot, stored).await?);
        Ok(matching(inline.into_iter().map(SchemaTags::from), stored.row().metadata.as_ref(), asked))
    }
}

fn matching(
    inline: impl Iterator<Item = SchemaTags>,
    metadata: Option<&Metadata>,
    asked: &[String],
) -> Vec<SchemaTags> {
    let wanted = |tag: &String| asked.iter().any(|name| name == "*" || name == tag);
    let mut by_entity: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    let from_metadata =
        metadata.into_iter().flat_map(|metadata| &metadata.tags).map(|(path, tags)| SchemaTags {
            entity_path: path.clone(),
            entity_type: FIELD.to_owned(),
            tags: tags.iter().cloned().collect(),
        });
    for entity in inline.chain(from_metadata) {
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
