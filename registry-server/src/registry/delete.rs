//! Soft and hard deletes, with the guards that keep references whole (registry-api.md section 7).

use std::collections::BTreeSet;

use assay_schema_core::{QualifiedSubject, SchemaId, Version, VersionRef};

use super::error::RegistryError;
use super::events::versions_json;
use super::origin::Origin;
use super::settings::Settings;
use super::{Registry, associations, mode};
use crate::store::{Lock, StoreTx, VersionRow};

/// Which referrers keep a version from being deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    /// Those with a live version: for soft deletes.
    Live,
    /// All that are stored: for hard deletes.
    AnyStored,
}

impl Registry {
    /// Deletes a subject: soft-deletes its live versions, or with `permanent` removes it. Answers the versions, ascending.
    ///
    /// # Errors
    /// 40401, 40404, 40405, 42205, 42206.
    pub async fn delete_subject(
        &self,
        subject: &QualifiedSubject,
        permanent: bool,
        origin: &Origin,
    ) -> Result<Vec<Version>, RegistryError> {
        self.retrying("Delete Subject", || self.try_delete_subject(subject, permanent, origin)).await
    }

    async fn try_delete_subject(
        &self,
        subject: &QualifiedSubject,
        permanent: bool,
        origin: &Origin,
    ) -> Result<Vec<Version>, RegistryError> {
        let mut tx = self.store().begin(&[Lock::Change(subject.clone())]).await?;
        let all = tx.versions(subject).await?;
        let live: Vec<VersionRow> = all.iter().filter(|row| !row.deleted).cloned().collect();
        if all.is_empty() {
            return Err(RegistryError::SubjectNotFound { subject: subject.to_string() });
        }
        if live.is_empty() && !permanent {
            return Err(RegistryError::SubjectSoftDeleted { subject: subject.clone() });
        }
        mode::check_writable(&Settings::read(&mut *tx, subject).await?, subject)?;
        associations::check_not_associated(&mut *tx, subject).await?;
        let (doomed, kept) = if permanent { (all, Kept::AnyStored) } else { (live.clone(), Kept::Live) };
        self.check_unreferenced(&mut *tx, subject, &doomed, kept).await?;
        let gone = if permanent {
            if !live.is_empty() {
                return Err(RegistryError::SubjectNotSoftDeleted { subject: subject.clone() });
            }
            self.remove_subject(&mut *tx, subject, &doomed, origin).await?
        } else {
            let versions: Vec<Version> = doomed.iter().map(|row| row.version).collect();
            tx.mark_deleted(subject, &versions, self.now_ms()).await?;
            let mut event = self.event("subject.delete", subject, origin);
            event.before = Some(versions_json(&doomed));
            tx.append_event(&event).await?;
            Vec::new()
        };
        tx.commit().await?;
        self.changed(&subject.context, &ids(&doomed), &gone);
        if permanent {
            self.settings_changed().await;
        }
        Ok(doomed.into_iter().map(|row| row.version).collect())
    }

    /// Removes all stored versions of a subject with its settings, and writes the event.
    pub(super) async fn remove_subject(
        &self,
        tx: &mut dyn StoreTx,
        subject: &QualifiedSubject,
        versions: &[VersionRow],
        origin: &Origin,
    ) -> Result<Vec<SchemaId>, RegistryError> {
        let mut event = self.event("subject.purge", subject, origin);
        event.before = Some(versions_json(versions));
        let numbers: Vec<Version> = versions.iter().map(|row| row.version).collect();
        let gone = tx.remove_versions(subject, &numbers).await?;
        self.clear_settings(tx, subject, origin).await?;
        tx.append_event(&event).await?;
        Ok(gone)
    }

    /// Deletes one version, softly or with `permanent` for good. Answers its number; `latest` means the newest live one.
    ///
    /// # Errors
    /// 40401, 40402, 40406, 40407, 42205, 42206.
    pub async fn delete_version(
        &self,
        subject: &QualifiedSubject,
        version: VersionRef,
        permanent: bool,
        origin: &Origin,
    ) -> Result<Version, RegistryError> {
        self.retrying("Delete Schema Version", || {
            self.try_delete_version(subject, version, permanent, origin)
        })
        .await
    }

    async fn try_delete_version(
        &self,
        subject: &QualifiedSubject,
        version: VersionRef,
        permanent: bool,
        origin: &Origin,
    ) -> Result<Version, RegistryError> {
        let mut tx = self.store().begin(&[Lock::Change(subject.clone())]).await?;
        let all = tx.versions(subject).await?;
        let row = doomed_version(subject, &all, version, permanent)?;
        mode::check_writable(&Settings::read(&mut *tx, subject).await?, subject)?;
        let live = all.iter().filter(|row| !row.deleted).count();
        if !permanent && live == 1 {
            associations::check_not_associated(&mut *tx, subject).await?;
        }
        let kept = if permanent { Kept::AnyStored } else { Kept::Live };
        self.check_no_referrer(&mut *tx, subject, row.version, kept).await?;
        if permanent && !row.deleted {
            return Err(RegistryError::VersionNotSoftDeleted {
                subject: subject.clone(),
                version: row.version,
            });
        }
        let action = if permanent { "version.purge" } else { "version.delete" };
        let event = self.version_event(action, row, origin);
        let gone = if permanent {
            let gone = tx.remove_versions(subject, &[row.version]).await?;
            if all.len() == 1 {
                self.clear_settings(&mut *tx, subject, origin).await?;
            }
            gone
        } else {
            tx.mark_deleted(subject, &[row.version], event.ts_ms).await?;
            Vec::new()
        };
        tx.append_event(&event).await?;
        tx.commit().await?;
        self.changed(&subject.context, &[row.id], &gone);
        if permanent && all.len() == 1 {
            self.settings_changed().await;
        }
        Ok(row.version)
    }

    /// Refuses to delete versions of a subject that another subject's schema references.
    pub(super) async fn check_unreferenced(
        &self,
        tx: &mut dyn StoreTx,
        subject: &QualifiedSubject,
        versions: &[VersionRow],
        kept: Kept,
    ) -> Result<(), RegistryError> {
        let numbers: BTreeSet<Version> = versions.iter().map(|row| row.version).collect();
        let referrers = tx.referrers(subject, None).await?;
        let blocking = referrers.iter().filter(|referrer| {
            referrer.subject != *subject
                && numbers.contains(&referrer.target_version)
                && (kept == Kept::AnyStored || !referrer.deleted)
        });
        match blocking.map(|referrer| referrer.target_version).min() {
            Some(version) => Err(RegistryError::ReferenceExists { subject: subject.clone(), version }),
            None => Ok(()),
        }
    }

    async fn check_no_referrer(
        &self,
        tx: &mut dyn StoreTx,
        subject: &QualifiedSubject,
        version: Version,
        kept: Kept,
    ) -> Result<(), RegistryError> {
        let referrers = tx.referrers(subject, Some(version)).await?;
        if referrers.iter().any(|referrer| kept == Kept::AnyStored || !referrer.deleted) {
            return Err(RegistryError::ReferenceExists { subject: subject.clone(), version });
        }
        Ok(())
    }
}

/// The version a delete means, with the checks on its existence and soft state.
fn doomed_version<'r>(
    subject: &QualifiedSubject,
    all: &'r [VersionRow],
    version: VersionRef,
    permanent: bool,
) -> Result<&'r VersionRow, RegistryError> {
    if all.is_empty() {
        return Err(RegistryError::SubjectNotFound { subject: subject.to_string() });
    }
    match version {
        VersionRef::Latest => {
            all.iter().rev().find(|row| !row.deleted).ok_or(RegistryError::VersionNotFound { version: -1 })
        }
        VersionRef::Number(number) => {
            let row = all.iter().find(|row| row.version == number);
            let row = row.ok_or(RegistryError::VersionNotFound { version: number.get() })?;
            if row.deleted && !permanent {
                return Err(RegistryError::VersionSoftDeleted { subject: subject.clone(), version: number });
            }
            Ok(row)
        }
    }
}

fn ids(rows: &[VersionRow]) -> Vec<SchemaId> {
    rows.iter().map(|row| row.id).collect()
}
