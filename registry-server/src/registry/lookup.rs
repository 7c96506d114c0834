//! Finding a posted schema among a subject's versions (registry-api.md 6.5).

use assay_schema_core::avro::ParseMode;
use assay_schema_core::{Metadata, QualifiedSubject, SchemaId};

use super::Registry;
use super::content::Content;
use super::error::RegistryError;
use super::input::{Deleted, Found, SchemaInput, SubjectVersion};
use super::settings::StoredConfig;
use super::view::SubjectView;
use crate::store::{Snapshot, VersionRow};

/// A version that matches, and how.
pub(super) struct Match<'r> {
    pub(super) row: &'r VersionRow,
    pub(super) by_equivalence: bool,
}

impl Registry {
    /// The version of a subject that holds this schema. By content hash first, then by comparing parsed schemas newest first, then
    /// with metadata and rules inherited. An unqualified subject that has nothing is looked for in the other contexts.
    ///
    /// # Errors
    /// 40401, 40403, 42201.
    pub async fn lookup(
        &self,
        subject: &QualifiedSubject,
        input: &SchemaInput,
        normalize: bool,
        deleted: Deleted,
    ) -> Result<Found, RegistryError> {
        let mut snapshot = self.store().read().await?;
        let view = self.view_or_elsewhere(&mut *snapshot, subject, deleted).await?;
        let settled = input.references.is_empty() && view.subject() == subject;
        let subject = view.subject().clone();
        if !view.has(deleted) {
            return Err(RegistryError::SubjectNotFound { subject: subject.to_string() });
        }
        let settings = view.settings();
        let config = settings.config();
        let normalize =
            (normalize || config.normalize == Some(true)) && !settings.mode().is_import_or_forward();
        let content = self.prepare(&mut *snapshot, &subject, input, ParseMode::Lax, normalize).await?;
        let found = self.find(&mut *snapshot, &view, &content, deleted).await?;
        let found = match found {
            Some(found) => Some(found),
            None => self.find_inherited(&mut *snapshot, &view, &content, &config, deleted).await?,
        };
        let found = found.ok_or(RegistryError::SchemaNotFound)?;
        let schema = self.content_of(&mut *snapshot, &subject.context, found.row.id).await?;
        let row = found.row.clone();
        Ok(Found {
            version: SubjectVersion {
                subject,
                version: row.version,
                ts_ms: row.ts_ms,
                deleted: row.deleted,
                schema,
            },
            by_equivalence: found.by_equivalence,
            settled,
        })
    }

    /// The newest version with this content: by hash, else one whose parsed schema is equivalent.
    pub(super) async fn find<'r>(
        &self,
        snapshot: &mut dyn Snapshot,
        view: &'r SubjectView,
        content: &Content,
        deleted: Deleted,
    ) -> Result<Option<Match<'r>>, RegistryError> {
        if let Some(row) = view.find_by_hash(&content.guid, deleted) {
            return Ok(Some(Match { row, by_equivalence: false }));
        }
        for row in view.versions().iter().rev().filter(|row| deleted.takes(row.deleted)) {
            if self.is_equivalent(snapshot, view.subject(), row.id, content).await? {
                return Ok(Some(Match { row, by_equivalence: true }));
            }
        }
        Ok(None)
    }

    /// Same parsed schema (docs, aliases and enum defaults included), metadata (but for its version number) and rules; and the same
    /// references, unless the posted schema has them inlined.
    pub(super) async fn is_equivalent(
        &self,
        snapshot: &mut dyn Snapshot,
        subject: &QualifiedSubject,
        id: SchemaId,
        content: &Content,
    ) -> Result<bool, RegistryError> {
        let stored = self.content_of(snapshot, &subject.context, id).await?;
        let row = stored.row();
        if !(content.references.is_empty() || content.references == row.references)
            || !Metadata::same_but_version(content.metadata.as_ref(), row.metadata.as_ref())
            || content.rule_set != row.rule_set
        {
            return Ok(false);
        }
        Ok(self.parsed(snapshot, &stored).await?.equivalent(&content.schema))
    }

    /// For a client that knows only the bare text: the match with the metadata and rules the server would have added.
    async fn find_inherited<'r>(
        &self,
        snapshot: &mut dyn Snapshot,
        view: &'r SubjectView,
        content: &Content,
        config: &StoredConfig,
        deleted: Deleted,
    ) -> Result<Option<Match<'r>>, RegistryError> {
        if content.metadata.is_some() && content.rule_set.is_some() {
            return Ok(None);
        }
        let Some(latest) = view.versions().iter().rev().find(|row| deleted.takes(row.deleted)) else {
            return Ok(None);
        };
        let latest = self.content_of(snapshot, &view.subject().context, latest.id).await?;
        let metadata = content.metadata.as_ref().or(latest.row().metadata.as_ref());
        let rule_set = content.rule_set.as_ref().or(latest.row().rule_set.as_ref());
        let content =
            content.with_contract(config.merged_metadata(metadata), config.merged_rule_set(rule_set));
        self.find(snapshot, view, &content, deleted).await
    }
}
