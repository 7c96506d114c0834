//! What a request comes to, given what is stored: which associations are new, changed, or there already, and what forbids it.

use std::collections::BTreeMap;

use assay_schema_core::{Mode, QualifiedSubject};

use super::super::error::RegistryError;
use super::super::references::target;
use super::super::settings::Settings;
use super::Write;
use super::request::{AssociationInput, AssociationRequest, Lifecycle, check_frozen, invalid};
use crate::store::{AssociationRow, Snapshot, VersionRow};

/// The work of a request.
pub(super) struct Plan {
    pub(super) items: Vec<Item>,
}

/// One association of a request.
pub(super) struct Item {
    pub(super) input: AssociationInput,
    pub(super) subject: QualifiedSubject,
    /// What is stored under its name.
    pub(super) stored: Option<AssociationRow>,
    /// Whether it is there already, as asked for.
    pub(super) unchanged: bool,
    /// The schema must be the one the subject holds; else this is wrong.
    pub(super) must_be_registered: Option<Otherwise>,
    lifecycle: Lifecycle,
}

/// What is said when a schema is not the one that is registered.
pub(super) enum Otherwise {
    /// The association exists with another schema.
    Exists { association_type: String, resource: String },
    /// The subject holds other schemas.
    NotEmpty,
}

impl Otherwise {
    pub(super) fn to_error(&self) -> RegistryError {
        match self {
            Self::Exists { association_type, resource } => RegistryError::AssociationExists {
                association_type: association_type.clone(),
                resource: resource.clone(),
            },
            Self::NotEmpty => invalid(
                "frozen",
                "cannot create a frozen association when schemas already exist in the subject",
            ),
        }
    }
}

impl Item {
    /// The row to store.
    pub(super) fn into_row(self, request: &AssociationRequest, now_ms: i64) -> AssociationRow {
        let frozen = self.input.frozen.unwrap_or(self.lifecycle.is_frozen());
        let lifecycle = self.lifecycle.as_str().to_owned();
        match self.stored {
            Some(stored) => AssociationRow { lifecycle, frozen, updated_ms: now_ms, ..stored },
            None => AssociationRow {
                resource_id: request.resource_id.clone().unwrap_or_default(),
                resource_type: request.resource_type.clone(),
                association_type: self.input.association_type,
                resource_namespace: request.resource_namespace.clone(),
                resource_name: request.resource_name.clone(),
                subject: self.subject,
                lifecycle,
                frozen,
                guid: uuid::Uuid::new_v4().to_string(),
                created_ms: now_ms,
                updated_ms: now_ms,
            },
        }
    }
}

pub(super) async fn plan(
    snapshot: &mut dyn Snapshot,
    request: &mut AssociationRequest,
    write: Write,
) -> Result<Plan, RegistryError> {
    let stored = stored_rows(snapshot, request, write).await?;
    let inputs = request.associations.clone();
    let mut items = Vec::with_capacity(inputs.len());
    for input in inputs {
        items.push(item(snapshot, request, input, &stored, write).await?);
    }
    check_uniform(&items, &stored)?;
    for item in &items {
        check_subject(snapshot, item, &items).await?;
    }
    for (input, item) in request.associations.iter_mut().zip(&items) {
        input.subject = Some(item.subject.to_string());
    }
    Ok(Plan { items })
}

/// What the resource has. A dry run that does not know the resource's id yet finds it by name: the one changed last.
async fn stored_rows(
    snapshot: &mut dyn Snapshot,
    request: &AssociationRequest,
    write: Write,
) -> Result<Vec<AssociationRow>, RegistryError> {
    if let Some(id) = &request.resource_id {
        let mut rows = snapshot.associations_of_resource(id).await?;
        rows.retain(|row| row.resource_type == request.resource_type);
        return Ok(rows);
    }
    if write == Write::Upsert {
        return Ok(Vec::new());
    }
    let namespace = Some(request.resource_namespace.as_str());
    let mut rows = snapshot.associations_of_name(&request.resource_name, namespace).await?;
    let newest = rows.iter().max_by_key(|row| (row.updated_ms, row.created_ms, row.resource_id.clone()));
    let newest = newest.map(|row| row.resource_id.clone());
    rows.retain(|row| Some(&row.resource_id) == newest.as_ref());
    Ok(rows)
}

async fn item(
    snapshot: &mut dyn Snapshot,
    request: &AssociationRequest,
    mut input: AssociationInput,
    stored: &[AssociationRow],
    write: Write,
) -> Result<Item, RegistryError> {
    let stored = stored.iter().find(|row| row.association_type == input.association_type).cloned();
    if stored.is_none() && write == Write::Upsert {
        if input.schema.is_some() {
            let detail = "cannot be provided when adding an association to an existing topic; an association with a schema must \
                          be created with the topic";
            return Err(invalid("schema", detail));
        }
        input.apply_defaults()?;
    }
    let default = request.default_subject(&input.association_type);
    let named = match (&input.subject, &stored) {
        (Some(subject), _) => subject.clone(),
        (None, Some(stored)) => stored.subject.to_string(),
        (None, None) if input.lifecycle == Some(Lifecycle::Strong) => default.clone(),
        (None, None) => return Err(invalid("subject", "must be provided for WEAK associations")),
    };
    let kept = stored.as_ref().and_then(|row| Lifecycle::parse(&row.lifecycle));
    let lifecycle = input.lifecycle.or(kept).ok_or_else(|| invalid("lifecycle", "lifecycle must be set"))?;
    if lifecycle == Lifecycle::Weak {
        if input.schema.is_some() {
            return Err(invalid("lifecycle", "cannot be WEAK when schema is provided"));
        }
        if named == default {
            return Err(invalid("subject", format!("WEAK associations cannot use subject '{default}'")));
        }
    }
    let frozen = stored.as_ref().map_or(input.frozen == Some(true), |row| row.frozen);
    check_frozen(lifecycle, input.frozen.unwrap_or(frozen))?;
    if frozen && named != default {
        return Err(invalid("subject", format!("frozen associations must use subject '{default}'")));
    }
    let subject = QualifiedSubject::parse(&named);
    let mut item = Item { input, subject, stored, unchanged: false, must_be_registered: None, lifecycle };
    match item.stored.clone() {
        None => check_new(snapshot, &mut item, write).await?,
        Some(row) => check_change(&mut item, &row, &default, write)?,
    }
    Ok(item)
}

async fn check_new(snapshot: &mut dyn Snapshot, item: &mut Item, write: Write) -> Result<(), RegistryError> {
    let importing = Settings::read(snapshot, &item.subject).await?.mode() == Mode::Import;
    if importing || item.lifecycle == Lifecycle::Weak {
        return Ok(());
    }
    if write == Write::Upsert {
        let detail = "cannot be STRONG when creating an association; STRONG associations must be created with the topic";
        return Err(invalid("lifecycle", detail));
    }
    if item.input.schema.is_none() {
        return Err(invalid("schema", "schema must be provided when creating a frozen association"));
    }
    if let Some(latest) = latest(snapshot, &item.subject).await? {
        if latest.version.get() != 1 {
            return Err(Otherwise::NotEmpty.to_error());
        }
        item.must_be_registered = Some(Otherwise::NotEmpty);
    }
    Ok(())
}

fn check_change(
    item: &mut Item,
    row: &AssociationRow,
    default: &str,
    write: Write,
) -> Result<(), RegistryError> {
    let input = &item.input;
    let exists = || Otherwise::Exists {
        association_type: row.association_type.clone(),
        resource: row.resource_name.clone(),
    };
    let equivalent = row.subject == item.subject
        && input.lifecycle.is_none_or(|lifecycle| lifecycle.as_str() == row.lifecycle)
        && input.frozen.is_none_or(|frozen| frozen == row.frozen);
    if equivalent {
        item.unchanged = true;
        item.must_be_registered = (write == Write::Create).then(exists);
        return Ok(());
    }
    if write == Write::Create {
        return Err(exists().to_error());
    }
    if input.lifecycle.is_none() && input.schema.is_none() {
        return Err(invalid("lifecycle", "at least lifecycle or schema must be provided for update"));
    }
    if row.subject != item.subject {
        let detail =
            format!("subject of association cannot be changed from '{}' to '{}'", row.subject, item.subject);
        return Err(invalid("subject", detail));
    }
    let strong = row.lifecycle == Lifecycle::Strong.as_str();
    if strong && input.lifecycle == Some(Lifecycle::Weak) && row.subject.to_string() == default {
        let detail = format!("cannot change to WEAK when subject matches default format '{default}'");
        return Err(invalid("lifecycle", detail));
    }
    if input.frozen.is_some_and(|frozen| frozen != row.frozen) {
        return Err(invalid("frozen", "frozen attribute of association cannot be changed"));
    }
    if row.frozen {
        return Err(RegistryError::AssociationFrozen {
            association_type: row.association_type.clone(),
            subject: row.subject.to_string(),
        });
    }
    Ok(())
}

/// A topic owns all its subjects or none.
fn check_uniform(items: &[Item], stored: &[AssociationRow]) -> Result<(), RegistryError> {
    let mut by_type: BTreeMap<&str, &str> =
        stored.iter().map(|row| (row.association_type.as_str(), row.lifecycle.as_str())).collect();
    by_type.extend(items.iter().map(|item| (item.input.association_type.as_str(), item.lifecycle.as_str())));
    let mut lifecycles: Vec<&str> = by_type.values().copied().collect();
    lifecycles.dedup();
    if lifecycles.len() < 2 {
        return Ok(());
    }
    let told: Vec<String> = by_type.iter().map(|(name, lifecycle)| format!("{name}={lifecycle}")).collect();
    let detail =
        format!("all associations for a resource must have the same lifecycle, but got {}", told.join(", "));
    Err(invalid("lifecycle", detail))
}

/// Whether the subject can carry the association.
async fn check_subject(
    snapshot: &mut dyn Snapshot,
    item: &Item,
    items: &[Item],
) -> Result<(), RegistryError> {
    let subject = item.subject.to_string();
    if item.input.schema.is_some() {
        if Settings::read(snapshot, &item.subject).await?.mode() == Mode::Import {
            let detail = format!("cannot be provided while subject '{subject}' is in IMPORT mode");
            return Err(invalid("schema", detail));
        }
    } else if latest(snapshot, &item.subject).await?.is_none() {
        return Err(RegistryError::NoLiveVersion { subject });
    }
    let mut others = snapshot.associations_of_subject(&item.subject).await?;
    others.retain(|other| item.stored.as_ref() != Some(other));
    match item.lifecycle {
        Lifecycle::Strong => {
            if !others.is_empty() {
                return Err(RegistryError::SubjectAssociated { subject });
            }
            let referenced = !snapshot.referrers(&item.subject, None).await?.is_empty();
            if referenced || items.iter().any(|other| references(other, &item.subject)) {
                return Err(RegistryError::SubjectReferenced { subject });
            }
        }
        Lifecycle::Weak => {
            if others.iter().any(|other| other.lifecycle == Lifecycle::Strong.as_str()) {
                return Err(RegistryError::SubjectOwned { subject });
            }
        }
    }
    Ok(())
}

fn references(item: &Item, subject: &QualifiedSubject) -> bool {
    let references = item.input.schema.iter().flat_map(|schema| &schema.references);
    references.into_iter().any(|reference| target(&item.subject.context, reference) == *subject)
}

async fn latest(
    snapshot: &mut dyn Snapshot,
    subject: &QualifiedSubject,
) -> Result<Option<VersionRow>, RegistryError> {
    let mut rows = snapshot.versions(subject).await?;
    rows.retain(|row| !row.deleted);
    Ok(rows.pop())
}
