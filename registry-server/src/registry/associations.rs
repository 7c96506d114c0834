//! Associations: which subject the keys or values of a topic use (registry-api.md 4.8).
//!
//! A STRONG association belongs to its topic: always frozen, always under the topic's default subject, made together with the
//! subject's first schema. A WEAK one points at a subject that lives on its own.

mod plan;
mod request;

use std::collections::BTreeMap;

use assay_schema_core::{Context, Mode, QualifiedSubject};

use super::delete::Kept;
use super::error::RegistryError;
use super::input::{Deleted, Page, Registered};
use super::origin::Origin;
use super::register::RegisterOptions;
use super::settings::Settings;
use super::{Registry, mode};
use crate::store::{AssociationRow, Lock, Snapshot, StoreError, StoreTx};

pub use request::{AssociationInput, AssociationRequest, Lifecycle, RESOURCE_TYPE, association_type};

/// Stands for every resource name, or every namespace.
const WILDCARD: &str = "-";

/// Which of the associations found are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssociationFilter {
    /// `topic` when empty.
    pub resource_type: String,
    /// `key`, `value`; any when empty.
    pub association_types: Vec<String>,
    /// Any when absent.
    pub lifecycle: Option<Lifecycle>,
}

impl AssociationFilter {
    fn takes(&self, row: &AssociationRow) -> bool {
        let wanted = if self.resource_type.is_empty() { RESOURCE_TYPE } else { &self.resource_type };
        row.resource_type == wanted
            && (self.association_types.is_empty() || self.association_types.contains(&row.association_type))
            && self.lifecycle.is_none_or(|lifecycle| lifecycle.as_str() == row.lifecycle)
    }
}

/// How a request treats what exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Write {
    /// All associations are new; repeating the same request is no error.
    Create,
    /// Existing ones are changed.
    Upsert,
}

/// What a request made.
#[derive(Debug)]
pub struct Associated {
    /// The associations that were written, with what was registered for them.
    pub written: Vec<(AssociationRow, Option<Registered>)>,
}

impl Registry {
    /// Associations of a subject.
    ///
    /// # Errors
    /// Store errors.
    pub async fn associations_of_subject(
        &self,
        subject: &QualifiedSubject,
        filter: &AssociationFilter,
        page: Page,
    ) -> Result<Vec<AssociationRow>, RegistryError> {
        let rows = self.store().read().await?.associations_of_subject(subject).await?;
        Ok(page.of(rows.into_iter().filter(|row| filter.takes(row))))
    }

    /// Associations of the resource with an id.
    ///
    /// # Errors
    /// Store errors.
    pub async fn associations_of_resource(
        &self,
        resource_id: &str,
        filter: &AssociationFilter,
        page: Page,
    ) -> Result<Vec<AssociationRow>, RegistryError> {
        let rows = self.store().read().await?.associations_of_resource(resource_id).await?;
        Ok(page.of(rows.into_iter().filter(|row| filter.takes(row))))
    }

    /// Associations of resources by namespace and name; `-` stands for any.
    ///
    /// # Errors
    /// Store errors.
    pub async fn associations_of_name(
        &self,
        namespace: &str,
        name: &str,
        filter: &AssociationFilter,
        page: Page,
    ) -> Result<Vec<AssociationRow>, RegistryError> {
        let namespace = Some(namespace).filter(|namespace| *namespace != WILDCARD);
        let mut snapshot = self.store().read().await?;
        let rows = if name == WILDCARD {
            snapshot.associations_of_namespace(namespace).await?
        } else {
            snapshot.associations_of_name(name, namespace).await?
        };
        Ok(page.of(rows.into_iter().filter(|row| filter.takes(row))))
    }

    /// All associations that match, by subject.
    ///
    /// # Errors
    /// Store errors.
    pub async fn associations_by_subject(
        &self,
        filter: &AssociationFilter,
    ) -> Result<BTreeMap<QualifiedSubject, Vec<AssociationRow>>, RegistryError> {
        let mut by_subject: BTreeMap<QualifiedSubject, Vec<AssociationRow>> = BTreeMap::new();
        for row in self.store().read().await?.associations_of_namespace(None).await? {
            if filter.takes(&row) {
                by_subject.entry(row.subject.clone()).or_default().push(row);
            }
        }
        Ok(by_subject)
    }

    /// Makes or changes the associations of a resource, registering the schemas that come with them first. Unqualified subjects are
    /// read in `context`. With `dry_run` everything is checked and nothing is written.
    ///
    /// # Errors
    /// 40903 to 40908, 42205, 42206, 42212, and those of a registration.
    pub async fn put_associations(
        &self,
        context: &Context,
        mut request: AssociationRequest,
        write: Write,
        dry_run: bool,
        origin: &Origin,
    ) -> Result<Associated, RegistryError> {
        request.check(write, dry_run)?;
        self.settle_subjects(context, &mut request).await?;
        let plan = {
            let mut snapshot = self.store().read().await?;
            plan::plan(&mut *snapshot, &mut request, write).await?
        };
        for item in &plan.items {
            self.check_schema(item, origin).await?;
        }
        if dry_run {
            return Ok(Associated { written: Vec::new() });
        }
        let mut registered = BTreeMap::new();
        for item in plan.items.iter().filter(|item| !item.unchanged) {
            if let Some(schema) = &item.input.schema {
                let options = options(item, false);
                let done = self.register(&item.subject, schema, options, origin).await?;
                registered.insert(item.input.association_type.clone(), done);
            }
        }
        let rows = self
            .retrying("Create association", || self.try_put_associations(&request, write, origin))
            .await?;
        let with_schema = |row: AssociationRow| {
            let schema = registered.remove(&row.association_type);
            (row, schema)
        };
        Ok(Associated { written: rows.into_iter().map(with_schema).collect() })
    }

    /// Qualifies the subjects of a request and refuses read-only ones.
    async fn settle_subjects(
        &self,
        context: &Context,
        request: &mut AssociationRequest,
    ) -> Result<(), RegistryError> {
        let mut snapshot = self.store().read().await?;
        for input in &mut request.associations {
            let Some(text) = &input.subject else { continue };
            let named = QualifiedSubject::parse_in(text, context);
            let subject = self.alias_target(&named).unwrap_or(named);
            mode::check_writable(&Settings::read(&mut *snapshot, &subject).await?, &subject)?;
            input.subject = Some(subject.to_string());
        }
        Ok(())
    }

    /// Checks the schema that comes with an association: it must be what the subject holds, or may be registered there.
    async fn check_schema(&self, item: &plan::Item, origin: &Origin) -> Result<(), RegistryError> {
        let Some(schema) = &item.input.schema else { return Ok(()) };
        if let Some(otherwise) = &item.must_be_registered {
            let normalize = item.input.normalize;
            match self.lookup(&item.subject, schema, normalize, Deleted::Exclude).await {
                Ok(_) => return Ok(()),
                Err(RegistryError::SubjectNotFound { .. } | RegistryError::SchemaNotFound) => {
                    return Err(otherwise.to_error());
                }
                Err(error) => return Err(error),
            }
        }
        self.register(&item.subject, schema, options(item, true), origin).await.map(drop)
    }

    async fn try_put_associations(
        &self,
        request: &AssociationRequest,
        write: Write,
        origin: &Origin,
    ) -> Result<Vec<AssociationRow>, RegistryError> {
        let mut request = request.clone();
        let mut locks = vec![resource_lock(request.resource_id.as_deref().unwrap_or_default())];
        locks.extend(request.associations.iter().filter_map(|input| {
            input.subject.as_deref().map(|subject| Lock::Change(QualifiedSubject::parse(subject)))
        }));
        let mut tx = self.store().begin(&locks).await?;
        let plan = plan::plan(&mut *tx, &mut request, write).await?;
        let now_ms = self.now_ms();
        let mut written = Vec::new();
        for item in plan.items.into_iter().filter(|item| !item.unchanged) {
            let before = item.stored.clone();
            let row = item.into_row(&request, now_ms);
            tx.put_association(&row).await?;
            let mut event = self.event("association.put", &row.subject, origin);
            event.before = before.as_ref().map(association_json);
            event.after = Some(association_json(&row));
            tx.append_event(&event).await?;
            written.push(row);
        }
        tx.commit().await?;
        Ok(written)
    }

    /// Removes associations of a resource. A frozen one goes only with `cascade`, which hard-deletes the subject that a STRONG one
    /// owns, all in one change.
    ///
    /// # Errors
    /// 40410, 40908, 42205, 42206.
    pub async fn delete_associations(
        &self,
        resource_id: &str,
        filter: &AssociationFilter,
        cascade: bool,
        dry_run: bool,
        origin: &Origin,
    ) -> Result<(), RegistryError> {
        self.retrying("Delete association", || {
            self.try_delete_associations(resource_id, filter, cascade, dry_run, origin)
        })
        .await
    }

    async fn try_delete_associations(
        &self,
        resource_id: &str,
        filter: &AssociationFilter,
        cascade: bool,
        dry_run: bool,
        origin: &Origin,
    ) -> Result<(), RegistryError> {
        let known = self.associations_of_resource(resource_id, filter, Page::ALL).await?;
        if known.is_empty() {
            return Err(RegistryError::AssociationNotFound { resource: resource_id.to_owned() });
        }
        let mut locks = vec![resource_lock(resource_id)];
        locks.extend(known.iter().map(|row| Lock::Change(row.subject.clone())));
        let mut tx = self.store().begin(&locks).await?;
        let mut rows = tx.associations_of_resource(resource_id).await?;
        rows.retain(|row| filter.takes(row));
        if rows != known {
            tx.rollback().await?;
            return Err(RegistryError::Store(StoreError::Conflict("the associations have changed".into())));
        }
        let mut gone = Vec::new();
        for row in &rows {
            let settings = Settings::read(&mut *tx, &row.subject).await?;
            mode::check_writable(&settings, &row.subject)?;
            if row.frozen && !cascade {
                return Err(RegistryError::AssociationFrozen {
                    association_type: row.association_type.clone(),
                    subject: row.subject.to_string(),
                });
            }
            tx.remove_association(row).await?;
            let mut event = self.event("association.delete", &row.subject, origin);
            event.before = Some(association_json(row));
            tx.append_event(&event).await?;
            let owned = row.lifecycle == Lifecycle::Strong.as_str();
            if cascade && owned && settings.mode() != Mode::Import {
                let ids = self.purge_owned(&mut *tx, &row.subject, origin).await?;
                gone.push((row.subject.context.clone(), ids));
            }
        }
        if dry_run {
            tx.rollback().await?;
            return Ok(());
        }
        tx.commit().await?;
        for (context, ids) in gone {
            self.changed(&context, &ids, &ids);
        }
        self.settings_changed().await;
        Ok(())
    }

    /// Hard-deletes the subject of a STRONG association with all its versions.
    async fn purge_owned(
        &self,
        tx: &mut dyn StoreTx,
        subject: &QualifiedSubject,
        origin: &Origin,
    ) -> Result<Vec<assay_schema_core::SchemaId>, RegistryError> {
        let versions = tx.versions(subject).await?;
        if versions.is_empty() {
            return Ok(Vec::new());
        }
        self.check_unreferenced(tx, subject, &versions, Kept::AnyStored).await?;
        self.remove_subject(tx, subject, &versions, origin).await
    }
}

fn options(item: &plan::Item, dry_run: bool) -> RegisterOptions {
    RegisterOptions { normalize: item.input.normalize, dry_run, ..RegisterOptions::default() }
}

/// The lock on a resource's associations.
fn resource_lock(resource_id: &str) -> Lock {
    Lock::Change(QualifiedSubject::new(Context::global(), format!("resource:{resource_id}")))
}

pub(super) fn association_json(row: &AssociationRow) -> String {
    serde_json::json!({
        "resourceId": row.resource_id,
        "resourceType": row.resource_type,
        "resourceNamespace": row.resource_namespace,
        "resourceName": row.resource_name,
        "associationType": row.association_type,
        "lifecycle": row.lifecycle,
        "frozen": row.frozen,
        "guid": row.guid,
    })
    .to_string()
}

/// Refuses to delete a subject, or its last live version, that an association points at.
pub(super) async fn check_not_associated(
    snapshot: &mut dyn Snapshot,
    subject: &QualifiedSubject,
) -> Result<(), RegistryError> {
    if snapshot.associations_of_subject(subject).await?.is_empty() {
        return Ok(());
    }
    Err(RegistryError::SubjectAssociated { subject: subject.to_string() })
}
