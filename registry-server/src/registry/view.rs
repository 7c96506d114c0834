//! A subject as rules see it: its versions and the settings that apply to it, seen at one moment and remembered.

use std::sync::Arc;

use assay_schema_core::{Guid, QualifiedSubject, Version};

use super::Registry;
use super::error::RegistryError;
use super::input::Deleted;
use super::settings::Settings;
use crate::store::{Snapshot, Stamp, StoreError, SubjectRows, VersionRow};

/// The state of a subject.
#[derive(Debug)]
pub(crate) struct SubjectView {
    subject: QualifiedSubject,
    versions: Vec<VersionRow>,
    hashes: Vec<Guid>,
    settings: Arc<Settings>,
    stamp: Stamp,
}

impl SubjectView {
    fn new(subject: &QualifiedSubject, rows: SubjectRows) -> Result<Self, StoreError> {
        Ok(Self {
            subject: subject.clone(),
            versions: rows.versions,
            hashes: rows.hashes,
            settings: Arc::new(Settings::from_rows(subject, rows.settings)?),
            stamp: rows.stamp,
        })
    }

    pub(crate) fn subject(&self) -> &QualifiedSubject {
        &self.subject
    }

    pub(crate) fn stamp(&self) -> Stamp {
        self.stamp
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All stored versions, soft-deleted ones included, ascending.
    pub(crate) fn versions(&self) -> &[VersionRow] {
        &self.versions
    }

    /// Whether nothing ever happened to the subject.
    pub(super) fn is_untouched(&self) -> bool {
        self.versions.is_empty() && self.stamp.subject == 0
    }

    /// Whether any version counts.
    pub(super) fn has(&self, deleted: Deleted) -> bool {
        self.versions.iter().any(|row| deleted.takes(row.deleted))
    }

    pub(crate) fn latest_live(&self) -> Option<&VersionRow> {
        self.versions.iter().rev().find(|row| !row.deleted)
    }

    /// The number a new version gets; those of soft-deleted versions are not used again.
    pub(super) fn next(&self) -> i32 {
        self.versions.last().map_or(1, |row| row.version.get().saturating_add(1))
    }

    pub(super) fn find_by_version(&self, version: Version) -> Option<&VersionRow> {
        let at = self.versions.binary_search_by_key(&version, |row| row.version).ok()?;
        self.versions.get(at)
    }

    /// The newest version with this content.
    pub(super) fn find_by_hash(&self, hash: &Guid, deleted: Deleted) -> Option<&VersionRow> {
        let newest_first = self.versions.iter().zip(&self.hashes).rev();
        let mut found = newest_first.filter(|(row, known)| *known == hash && deleted.takes(row.deleted));
        found.next().map(|(row, _)| row)
    }

    /// The subject right after one more version was committed with this revision.
    pub(super) fn with(&self, row: VersionRow, hash: Guid, revision: i64) -> Self {
        let mut versions = Vec::with_capacity(self.versions.len() + 1);
        versions.extend_from_slice(&self.versions);
        versions.push(row);
        let mut hashes = Vec::with_capacity(versions.len());
        hashes.extend_from_slice(&self.hashes);
        hashes.push(hash);
        Self {
            subject: self.subject.clone(),
            versions,
            hashes,
            settings: Arc::clone(&self.settings),
            stamp: Stamp { subject: revision, ..self.stamp },
        }
    }

    /// Approximate memory it takes, bytes.
    pub(crate) fn weight(&self) -> u32 {
        let name = self.subject.subject.len() + self.subject.context.as_str().len();
        u32::try_from(self.versions.len() * (name + 160) + name + 1024).unwrap_or(u32::MAX)
    }
}

impl Registry {
    /// The state of a subject: outside a change from memory if it is there.
    pub(super) async fn view(
        &self,
        snapshot: &mut dyn Snapshot,
        subject: &QualifiedSubject,
    ) -> Result<Arc<SubjectView>, RegistryError> {
        let subjects = self.caches().subjects();
        if !snapshot.sees_only_committed() {
            return Ok(Arc::new(SubjectView::new(subject, snapshot.subject_rows(subject).await?)?));
        }
        if let Some(known) = subjects.view(subject) {
            return Ok(known);
        }
        let mark = subjects.mark(subject);
        let view = Arc::new(SubjectView::new(subject, snapshot.subject_rows(subject).await?)?);
        if !view.versions.is_empty() || subject.subject.is_empty() {
            subjects.remember_view(mark, &view);
        }
        Ok(view)
    }

    /// The state of a subject if nothing ever happened to it. The stamp tells whether that is so.
    pub(super) async fn untouched_view(
        &self,
        snapshot: &mut dyn Snapshot,
        subject: &QualifiedSubject,
    ) -> Result<Arc<SubjectView>, RegistryError> {
        let context = QualifiedSubject::new(subject.context.clone(), String::new());
        let context = self.view(snapshot, &context).await?;
        Ok(Arc::new(SubjectView {
            subject: subject.clone(),
            versions: Vec::new(),
            hashes: Vec::new(),
            settings: Arc::new(context.settings.for_subject(subject)),
            stamp: Stamp { subject: 0, scopes: context.stamp.scopes },
        }))
    }

    /// The subject itself if it has versions that count or names its context; else the first other context that has it.
    pub(super) async fn view_or_elsewhere(
        &self,
        snapshot: &mut dyn Snapshot,
        subject: &QualifiedSubject,
        deleted: Deleted,
    ) -> Result<Arc<SubjectView>, RegistryError> {
        let own = self.view(snapshot, subject).await?;
        if !subject.context.is_default() || own.has(deleted) {
            return Ok(own);
        }
        for context in snapshot.contexts().await? {
            let elsewhere = QualifiedSubject::new(context, subject.subject.clone());
            let view = self.view(snapshot, &elsewhere).await?;
            if view.has(deleted) {
                return Ok(view);
            }
        }
        Ok(own)
    }
}
