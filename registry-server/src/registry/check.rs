//! Compatibility of a schema with a subject's versions (registry-api.md section 10).

use std::sync::Arc;

use assay_schema_core::avro::ParseMode;
use assay_schema_core::compatibility::{FieldRules, OldVersion, Problem, check_with_fields};
use assay_schema_core::{Metadata, QualifiedSubject, VersionRef};

use super::content::Content;
use super::error::RegistryError;
use super::input::SchemaInput;
use super::settings::StoredConfig;
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
    /// The same as data: rule, place, direction and version. A check that was given up, and the reserved-field rules, leave none.
    pub problems: Vec<Problem>,
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
        let view = self.view(&mut *snapshot, subject).await?;
        let mut config = view.settings().config();
        let mut versions: Vec<VersionRow> =
            view.versions().iter().filter(|row| !row.deleted).cloned().collect();
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
        let rules = FieldRules {
            validate_fields: config.validate_fields.unwrap_or(self.config().validate_fields),
            metadata: content.metadata.as_ref(),
            old_metadata: olds.first().and_then(|(_, stored, _)| stored.row().metadata.as_ref()),
        };
        let olds: Vec<OldVersion<'_>> = olds
            .iter()
            .map(|(version, stored, schema)| OldVersion { version: *version, schema, text: stored.text() })
            .collect();
        let verdict = check_with_fields(level, &content.schema, &olds, rules);
        Ok(Checked { messages: verdict.messages, problems: verdict.problems })
    }
}

/// Whether a version takes part: with a compatibility group only those with the same value of that metadata property.
pub(super) fn in_group(
    config: &StoredConfig,
    metadata: Option<&Metadata>,
    stored: &Arc<StoredSchema>,
) -> bool {
    let Some(group) = &config.compatibility_group else { return true };
    let value =
        |metadata: Option<&Metadata>| metadata.and_then(|metadata| metadata.properties.get(group).cloned());
    value(metadata) == value(stored.row().metadata.as_ref())
}
