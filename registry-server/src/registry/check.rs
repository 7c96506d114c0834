//! Compatibility of a schema with a subject's versions (registry-api.md section 10).

use std::sync::Arc;

use assay_schema_core::avro::{self, Node, ParseMode};
use assay_schema_core::compatibility::{OldVersion, check_against};
use assay_schema_core::{CompatibilityLevel, Metadata, QualifiedSubject, RESERVED_FIELDS, Version, VersionRef};

use super::content::Content;
use super::error::RegistryError;
use super::input::SchemaInput;
use super::settings::{Settings, StoredConfig};
use super::{Registry, StoredSchema};
use crate::store::{Snapshot, VersionRow};

/// What a posted schema is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckAgainst {
    /// The versions the level in scope asks for.
    Level,
    /// One live version, in the direction of the level in scope.
    Version(VersionRef),
}

/// The outcome of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checked {
    /// The reasons against, in the contract's text and order; empty when compatible.
    pub messages: Vec<String>,
}

impl Checked {
    /// Whether the schema may follow.
    pub fn is_compatible(&self) -> bool {
        self.messages.is_empty()
    }
}

impl Registry {
    /// Compares a posted schema with a subject's versions and changes nothing. Without a live version every schema is compatible.
    ///
    /// # Errors
    /// 40402 for a version number that is not live, 42201.
    pub async fn check(
        &self,
        subject: &QualifiedSubject,
        against: CheckAgainst,
        input: &SchemaInput,
        normalize: bool,
    ) -> Result<Checked, RegistryError> {
        let mut snapshot = self.store().read().await?;
        let settings = Settings::read(&mut *snapshot, subject).await?;
        let mut config = settings.config();
        let mut versions = snapshot.versions(subject).await?;
        versions.retain(|row| !row.deleted);
        if let CheckAgainst::Version(version) = against {
            match version {
                VersionRef::Latest => versions = versions.pop().into_iter().collect(),
                VersionRef::Number(number) => {
                    versions.retain(|row| row.version == number);
                    if versions.is_empty() {
                        return Err(RegistryError::VersionNotFound { version: number.get() });
                    }
                }
            }
            config.compatibility_group = None;
        }
        let strict = config.validate_new_schemas.unwrap_or(self.config().validate_new_schemas);
        let mode = if strict { ParseMode::Strict } else { ParseMode::Lax };
        let normalize = normalize || config.normalize == Some(true);
        let content = self.prepare(&mut *snapshot, subject, input, mode, normalize).await?;
        self.verdict(&mut *snapshot, subject, &config, &content, &versions).await
    }

    /// The check of a registration.
    ///
    /// # Errors
    /// 40901 with the reasons.
    pub(super) async fn check_compatible(
        &self,
        snapshot: &mut dyn Snapshot,
        subject: &QualifiedSubject,
        config: &StoredConfig,
        content: &Content,
        versions: &[VersionRow],
    ) -> Result<(), RegistryError> {
        let live: Vec<VersionRow> = versions.iter().filter(|row| !row.deleted).cloned().collect();
        let checked = self.verdict(snapshot, subject, config, content, &live).await?;
        if checked.is_compatible() {
            return Ok(());
        }
        Err(RegistryError::Incompatible { subject: subject.clone(), messages: checked.messages })
    }

    async fn verdict(
        &self,
        snapshot: &mut dyn Snapshot,
        subject: &QualifiedSubject,
        config: &StoredConfig,
        content: &Content,
        live: &[VersionRow],
    ) -> Result<Checked, RegistryError> {
        let level = self.level(config);
        let mut olds = Vec::new();
        for row in live.iter().rev() {
            let stored = self.content_of(snapshot, &subject.context, row.id).await?;
            if in_group(config, content.metadata.as_ref(), &stored) {
                let parsed = self.parsed(snapshot, &stored).await?;
                olds.push((row.version, stored, parsed));
                if !level.is_transitive() {
                    break;
                }
            }
        }
        let validate_fields = config.validate_fields.unwrap_or(self.config().validate_fields);
        let mut messages = Vec::new();
        if validate_fields {
            let before = olds.first().and_then(|(_, stored, _)| stored.row().metadata.as_ref());
            messages = reserved_field_messages(content, before);
        }
        messages.extend(level_messages(level, &content.schema, &olds));
        if !messages.is_empty() {
            messages.push(format!("{{validateFields: '{validate_fields}', compatibility: '{level}'}}"));
        }
        Ok(Checked { messages })
    }
}

/// Whether a version takes part: with a compatibility group only those with the same value of that metadata property.
fn in_group(config: &StoredConfig, metadata: Option<&Metadata>, stored: &Arc<StoredSchema>) -> bool {
    let Some(group) = &config.compatibility_group else { return true };
    let value = |metadata: Option<&Metadata>| metadata.and_then(|metadata| metadata.properties.get(group).cloned());
    value(metadata) == value(stored.row().metadata.as_ref())
}

fn level_messages(
    level: CompatibilityLevel,
    new: &avro::Schema,
    olds: &[(Version, Arc<StoredSchema>, avro::Schema)],
) -> Vec<String> {
    let olds: Vec<OldVersion<'_>> = olds
        .iter()
        .map(|(version, stored, schema)| OldVersion { version: *version, schema, text: stored.text() })
        .collect();
    check_against(level, new, &olds).messages
}

/// Reserved fields that were given up or are in use (registry-api.md 12.7).
fn reserved_field_messages(content: &Content, before: Option<&Metadata>) -> Vec<String> {
    let now = reserved_fields(content.metadata.as_ref());
    let mut messages: Vec<String> = reserved_fields(before)
        .into_iter()
        .filter(|field| !now.contains(field))
        .map(|field| {
            format!("The new schema has reserved field {field} removed from its metadata which is present in the old schema's metadata.")
        })
        .collect();
    let used = top_level_fields(&content.schema);
    messages.extend(
        now.into_iter()
            .filter(|field| used.contains(field))
            .map(|field| format!("The new schema has field that conflicts with the reserved field {field}.")),
    );
    messages
}

fn reserved_fields(metadata: Option<&Metadata>) -> Vec<String> {
    let list = metadata.and_then(|metadata| metadata.properties.get(RESERVED_FIELDS));
    list.into_iter()
        .flat_map(|list| list.split(','))
        .map(|field| field.trim().to_owned())
        .filter(|field| !field.is_empty())
        .collect()
}

fn top_level_fields(schema: &avro::Schema) -> Vec<String> {
    match schema.node(schema.root()) {
        Node::Record(record) => record.fields.iter().map(|field| field.name.clone()).collect(),
        _ => Vec::new(),
    }
}
