//! Reads of single schemas: by id, by GUID, by version, by metadata.

use std::sync::Arc;

use assay_schema_core::{Context, Guid, QualifiedSubject, SchemaId, Version, VersionRef};

use super::Registry;
use super::error::RegistryError;
use super::input::{Deleted, Page, SubjectVersion};
use super::stored::StoredSchema;
use super::view::SubjectView;
use crate::store::{Snapshot, VersionRow};

/// A content found by id, with a version that has it.
#[derive(Debug, Clone)]
pub struct VersionOfId {
    /// The content.
    pub schema: Arc<StoredSchema>,
    /// A version with this id; `None` if none is under the subject asked for.
    pub version: Option<VersionRow>,
    /// Whether the answer is the one the subject's own context gives, and so may be remembered until that id changes.
    pub settled: bool,
}

impl Registry {
    /// The content with an id, narrowed by the `subject` parameter as sent (empty for none): a context, a qualified subject (that
    /// pair only), or a plain subject (its pair, else the same pair in another context, else the id whoever has it).
    ///
    /// # Errors
    /// 40403.
    pub async fn schema_of_subject(&self, id: SchemaId, subject: &str) -> Result<VersionOfId, RegistryError> {
        let scope = QualifiedSubject::parse(subject);
        let mut snapshot = self.store().read().await?;
        let versions = snapshot.versions_of_id(&scope.context, id).await?;
        let own = versions.iter().find(|row| row.subject == scope);
        let pair_only = QualifiedSubject::is_qualified(subject) && !scope.is_context_only();
        let row = match own {
            Some(own) => Some(own.clone()),
            None if scope.is_context_only() => versions.first().cloned(),
            None if pair_only => return Err(id_not_found(id)),
            None => {
                let elsewhere = in_other_context(&mut *snapshot, &scope, id).await?;
                if let Some(row) = elsewhere {
                    let schema = self.content_of(&mut *snapshot, &row.subject.context, id).await?;
                    return Ok(VersionOfId { schema, version: Some(row), settled: false });
                }
                versions.first().cloned()
            }
        };
        let settled = own.is_some() || scope.is_context_only();
        let schema =
            self.content(&mut *snapshot, &scope.context, id).await?.ok_or_else(|| id_not_found(id))?;
        Ok(VersionOfId { schema, version: row, settled })
    }

    /// The highest id issued in the context of the `subject` parameter; 1 when none was.
    ///
    /// # Errors
    /// Store errors.
    pub async fn max_id(&self, subject: &str) -> Result<i32, RegistryError> {
        let scope = QualifiedSubject::parse(subject);
        let mut snapshot = self.store().read().await?;
        Ok(snapshot.max_id(&scope.context).await?.map_or(1, SchemaId::get))
    }

    /// The content with a GUID: in the default context, else in the first other one that has it.
    ///
    /// # Errors
    /// 40403, also for text that is no GUID.
    pub async fn schema_by_guid(&self, guid: &str) -> Result<Arc<StoredSchema>, RegistryError> {
        let not_found = || RegistryError::SchemaKeyNotFound { key: guid.to_owned() };
        let parsed = Guid::parse(guid).map_err(|_| not_found())?;
        let mut snapshot = self.store().read().await?;
        let ids = snapshot.ids_of_hash(&parsed).await?;
        let default = ids.iter().find(|(context, _)| context.is_default());
        let (context, id) = default.or(ids.first()).ok_or_else(not_found)?;
        self.content(&mut *snapshot, context, *id).await?.ok_or_else(not_found)
    }

    /// Every id of the content with a GUID, by context then id.
    ///
    /// # Errors
    /// Store errors.
    pub async fn ids_of_guid(&self, guid: &str) -> Result<Vec<(Context, SchemaId)>, RegistryError> {
        let Ok(guid) = Guid::parse(guid) else { return Ok(Vec::new()) };
        let mut snapshot = self.store().read().await?;
        Ok(snapshot.ids_of_hash(&guid).await?)
    }

    /// Versions with an id, by subject. One per subject, the last one written, as the contract says.
    ///
    /// # Errors
    /// 40403 if the id is unknown.
    pub async fn versions_with_id(
        &self,
        id: SchemaId,
        subject: &str,
        deleted: Deleted,
        page: Page,
    ) -> Result<Vec<(QualifiedSubject, Version)>, RegistryError> {
        let scope = QualifiedSubject::parse(subject);
        let mut snapshot = self.store().read().await?;
        let mut rows = snapshot.versions_of_id(&scope.context, id).await?;
        if rows.is_empty() {
            return Err(RegistryError::SchemaNotFound);
        }
        rows.retain(|row| deleted.takes(row.deleted) && (scope.is_context_only() || row.subject == scope));
        let mut newest: Vec<(QualifiedSubject, Version)> = Vec::new();
        for row in rows {
            match newest.last_mut() {
                Some((subject, version)) if *subject == row.subject => *version = row.version,
                _ => newest.push((row.subject, row.version)),
            }
        }
        Ok(page.of(newest))
    }

    /// A version of a subject. An unqualified subject that has nothing is looked for in the other contexts.
    ///
    /// # Errors
    /// 40401, 40402.
    pub async fn version(
        &self,
        subject: &QualifiedSubject,
        version: VersionRef,
        deleted: Deleted,
    ) -> Result<SubjectVersion, RegistryError> {
        let mut snapshot = self.store().read().await?;
        let view = self.view_or_elsewhere(&mut *snapshot, subject, deleted).await?;
        self.version_in(&mut *snapshot, &view, version, deleted).await
    }

    /// A live version of exactly this subject, if all of it is in memory.
    pub(crate) fn remembered_version(
        &self,
        subject: &QualifiedSubject,
        version: VersionRef,
    ) -> Option<SubjectVersion> {
        let view = self.caches().subjects().view(subject)?;
        let row = match version {
            VersionRef::Latest => view.latest_live(),
            VersionRef::Number(number) => view.find_by_version(number).filter(|row| !row.deleted),
        }?;
        let schema = self.caches().content(&subject.context, row.id)?;
        Some(SubjectVersion {
            subject: subject.clone(),
            version: row.version,
            ts_ms: row.ts_ms,
            deleted: false,
            schema,
        })
    }

    async fn version_in(
        &self,
        snapshot: &mut dyn Snapshot,
        view: &SubjectView,
        version: VersionRef,
        deleted: Deleted,
    ) -> Result<SubjectVersion, RegistryError> {
        let subject = view.subject();
        if !view.has(deleted) {
            return Err(RegistryError::SubjectNotFound { subject: subject.to_string() });
        }
        let row = match version {
            VersionRef::Latest => view.latest_live().ok_or(RegistryError::VersionNotFound { version: -1 })?,
            VersionRef::Number(number) => {
                let row = view.find_by_version(number).filter(|row| deleted.takes(row.deleted));
                row.ok_or(RegistryError::VersionNotFound { version: number.get() })?
            }
        };
        let schema = self.content_of(snapshot, &subject.context, row.id).await?;
        Ok(SubjectVersion {
            subject: subject.clone(),
            version: row.version,
            ts_ms: row.ts_ms,
            deleted: row.deleted,
            schema,
        })
    }

    /// The highest version whose metadata properties contain all pairs; without pairs, the highest that has properties.
    ///
    /// # Errors
    /// 40401, 40403.
    pub async fn version_by_metadata(
        &self,
        subject: &QualifiedSubject,
        pairs: &[(String, String)],
        deleted: Deleted,
    ) -> Result<SubjectVersion, RegistryError> {
        let mut snapshot = self.store().read().await?;
        let view = self.view(&mut *snapshot, subject).await?;
        if !view.has(deleted) {
            return Err(RegistryError::SubjectNotFound { subject: subject.to_string() });
        }
        for row in view.versions().iter().rev().filter(|row| deleted.takes(row.deleted)) {
            let schema = self.content_of(&mut *snapshot, &subject.context, row.id).await?;
            let Some(metadata) = &schema.row().metadata else { continue };
            let properties = &metadata.properties;
            if !properties.is_empty() && pairs.iter().all(|(key, value)| properties.get(key) == Some(value)) {
                return Ok(SubjectVersion {
                    subject: subject.clone(),
                    version: row.version,
                    ts_ms: row.ts_ms,
                    deleted: row.deleted,
                    schema,
                });
            }
        }
        Err(RegistryError::SchemaNotFound)
    }

    /// Ids of the schemas that reference a version, ascending. The version itself may be soft-deleted.
    ///
    /// # Errors
    /// 40401, 40402.
    pub async fn referenced_by(
        &self,
        subject: &QualifiedSubject,
        version: VersionRef,
        deleted: Deleted,
        page: Page,
    ) -> Result<Vec<SchemaId>, RegistryError> {
        let mut snapshot = self.store().read().await?;
        let view = self.view(&mut *snapshot, subject).await?;
        let target = self.version_in(&mut *snapshot, &view, version, Deleted::Include).await?;
        let referrers = snapshot.referrers(subject, Some(target.version)).await?;
        let mut ids: Vec<SchemaId> = referrers
            .iter()
            .filter(|referrer| deleted.takes(referrer.deleted))
            .map(|referrer| referrer.id)
            .collect();
        ids.sort_unstable();
        ids.dedup();
        Ok(page.of(ids))
    }

    /// A stored schema's text with all references inlined.
    ///
    /// # Errors
    /// Store errors.
    pub async fn resolved_text(&self, stored: &StoredSchema) -> Result<String, RegistryError> {
        let mut snapshot = self.store().read().await?;
        Ok(self.parsed(&mut *snapshot, stored).await?.resolved())
    }
}

fn id_not_found(id: SchemaId) -> RegistryError {
    RegistryError::SchemaKeyNotFound { key: id.to_string() }
}

async fn in_other_context(
    snapshot: &mut dyn Snapshot,
    scope: &QualifiedSubject,
    id: SchemaId,
) -> Result<Option<VersionRow>, RegistryError> {
    for context in snapshot.contexts().await? {
        if context == scope.context {
            continue;
        }
        let elsewhere = QualifiedSubject::new(context.clone(), scope.subject.clone());
        let rows = snapshot.versions_of_id(&context, id).await?;
        if let Some(row) = rows.into_iter().find(|row| row.subject == elsewhere) {
            return Ok(Some(row));
        }
    }
    Ok(None)
}
