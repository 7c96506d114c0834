//! Modes: what a scope may do, and how modes change (registry-api.md section 9).

use assay_schema_core::{Mode, QualifiedSubject};

use super::delete::Kept;
use super::error::{NotPermitted, RegistryError};
use super::origin::Origin;
use super::settings::Settings;
use super::{Registry, subjects};
use crate::store::{Lock, StoreTx};

/// Whether the scope is the default context's, which is the same as naming no subject.
pub(super) fn is_global(scope: &QualifiedSubject) -> bool {
    scope.subject.is_empty() && scope.context.is_default()
}

/// Refuses changes in a read-only scope.
pub(super) fn check_writable(settings: &Settings, subject: &QualifiedSubject) -> Result<(), RegistryError> {
    if settings.mode().is_read_only() {
        return Err(NotPermitted::ReadOnly { subject: subject.clone() }.into());
    }
    Ok(())
}

/// Refuses registrations that the mode in scope does not allow: with an id outside `IMPORT`, without one in it.
pub(super) fn check_register(
    mode: Mode,
    with_id: bool,
    subject: &QualifiedSubject,
) -> Result<(), RegistryError> {
    let subject = subject.clone();
    match mode {
        Mode::ReadOnly | Mode::ReadOnlyOverride => Err(NotPermitted::ReadOnly { subject }.into()),
        Mode::ReadWrite if with_id => Err(NotPermitted::NotImport { subject }.into()),
        Mode::Import | Mode::Forward if !with_id => Err(NotPermitted::NotReadWrite { subject }.into()),
        Mode::ReadWrite | Mode::Import | Mode::Forward => Ok(()),
    }
}

/// What GET mode answers, given what is stored.
pub(super) fn mode_of(
    scope: &QualifiedSubject,
    inherited: bool,
    settings: &Settings,
) -> Result<Mode, RegistryError> {
    if inherited || is_global(scope) {
        return Ok(settings.mode());
    }
    settings.own_mode().ok_or_else(|| RegistryError::ModeNotSet { subject: scope.to_string() })
}

impl Registry {
    /// GET mode. The global scope always answers; any other scope answers its own mode, or with `inherited` the one in scope.
    ///
    /// # Errors
    /// 40409 if nothing is stored and nothing is inherited.
    pub async fn get_mode(&self, scope: &QualifiedSubject, inherited: bool) -> Result<Mode, RegistryError> {
        let mut snapshot = self.store().read().await?;
        let settings = Settings::read(&mut *snapshot, scope).await?;
        mode_of(scope, inherited, &settings)
    }

    /// PUT mode; `None` clears it. Switching to `IMPORT` without `force` needs a scope without live subjects, and hard-deletes the
    /// soft-deleted ones there.
    ///
    /// # Errors
    /// 42204, 42205, 42206, 42208.
    pub async fn put_mode(
        &self,
        scope: &QualifiedSubject,
        mode: Option<Mode>,
        force: bool,
        origin: &Origin,
    ) -> Result<(), RegistryError> {
        self.check_mode_change()?;
        subjects::check_scope(scope)?;
        if mode == Some(Mode::Forward) && !subjects::is_all_contexts(scope) {
            return Err(RegistryError::ForwardModeNotGlobal);
        }
        self.retrying("Update mode", || self.try_put_mode(scope, mode, force, origin)).await
    }

    fn check_mode_change(&self) -> Result<(), RegistryError> {
        if self.config().mode_mutability { Ok(()) } else { Err(NotPermitted::ModeFixed.into()) }
    }

    async fn try_put_mode(
        &self,
        scope: &QualifiedSubject,
        mode: Option<Mode>,
        force: bool,
        origin: &Origin,
    ) -> Result<(), RegistryError> {
        let empties_scope = mode == Some(Mode::Import) && !force;
        let lock = if empties_scope { Lock::Everything } else { Lock::Change(scope.clone()) };
        let mut tx = self.store().begin(&[lock]).await?;
        let settings = Settings::read(&mut *tx, scope).await?;
        let before = settings.own_mode();
        let mut gone = Vec::new();
        if empties_scope && before != Some(Mode::Import) {
            gone = self.empty_scope(&mut *tx, scope, origin).await?;
        }
        self.store_mode(&mut *tx, scope, before, mode, origin).await?;
        tx.commit().await?;
        if !gone.is_empty() {
            self.settings_changed().await;
        }
        for (subject, ids) in gone {
            self.changed(&subject.context, &ids, &ids);
        }
        Ok(())
    }

    pub(super) async fn store_mode(
        &self,
        tx: &mut dyn StoreTx,
        scope: &QualifiedSubject,
        before: Option<Mode>,
        after: Option<Mode>,
        origin: &Origin,
    ) -> Result<(), RegistryError> {
        tx.put_mode(scope, after).await?;
        let mut event = self.event(if after.is_some() { "mode.put" } else { "mode.delete" }, scope, origin);
        let text = |mode: Option<Mode>| mode.map(|mode| format!("{{\"mode\":\"{mode}\"}}"));
        (event.before, event.after) = (text(before), text(after));
        tx.append_event(&event).await?;
        Ok(())
    }

    /// Hard-deletes what is soft-deleted in a scope; refuses a scope with live subjects.
    async fn empty_scope(
        &self,
        tx: &mut dyn StoreTx,
        scope: &QualifiedSubject,
        origin: &Origin,
    ) -> Result<Vec<(QualifiedSubject, Vec<assay_schema_core::SchemaId>)>, RegistryError> {
        let everywhere = is_global(scope) || subjects::is_all_contexts(scope);
        let context = (!everywhere).then_some(&scope.context);
        let mut rows = tx.subjects(context, &scope.subject).await?;
        if !subjects::is_context(scope) {
            rows.retain(|row| row.subject == *scope);
        }
        if rows.iter().any(|row| row.live) {
            return Err(NotPermitted::SubjectsExist.into());
        }
        let mut gone = Vec::new();
        for row in rows {
            let versions = tx.versions(&row.subject).await?;
            self.check_unreferenced(tx, &row.subject, &versions, Kept::AnyStored).await?;
            let ids = self.remove_subject(tx, &row.subject, &versions, origin).await?;
            gone.push((row.subject, ids));
        }
        Ok(gone)
    }

    /// DELETE mode: answers the mode that was stored. With `recursive` the modes of the context's subjects go too, and a scope
    /// without a mode is no error (`None`).
    ///
    /// # Errors
    /// 40401 if nothing is stored, 42205.
    pub async fn delete_mode(
        &self,
        scope: &QualifiedSubject,
        recursive: bool,
        origin: &Origin,
    ) -> Result<Option<Mode>, RegistryError> {
        self.check_mode_change()?;
        self.retrying("Delete mode", || self.try_delete_mode(scope, recursive, origin)).await
    }

    async fn try_delete_mode(
        &self,
        scope: &QualifiedSubject,
        recursive: bool,
        origin: &Origin,
    ) -> Result<Option<Mode>, RegistryError> {
        let wide = recursive && subjects::is_context(scope);
        let lock = if wide { Lock::Everything } else { Lock::Change(scope.clone()) };
        let mut tx = self.store().begin(&[lock]).await?;
        let before = Settings::read(&mut *tx, scope).await?.own_mode();
        if before.is_none() && !recursive && !is_global(scope) {
            return Err(RegistryError::SubjectNotFound { subject: scope.to_string() });
        }
        if before.is_some() {
            self.store_mode(&mut *tx, scope, before, None, origin).await?;
        }
        if wide {
            for row in tx.settings_in(Some(&scope.context)).await? {
                if row.mode.is_some() && row.scope != *scope {
                    self.store_mode(&mut *tx, &row.scope, row.mode, None, origin).await?;
                }
            }
        }
        tx.commit().await?;
        Ok(if is_global(scope) { Some(before.unwrap_or(Mode::ReadWrite)) } else { before })
    }
}
