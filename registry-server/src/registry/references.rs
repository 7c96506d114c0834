//! References between schemas: which versions they mean and in which order their texts are parsed.

use std::collections::HashSet;
use std::sync::Arc;

use assay_schema_core::{Context, QualifiedSubject, SchemaReference, Version};

use super::error::{InvalidSchema, RegistryError};
use super::stored::StoredSchema;
use super::{Registry, subjects};
use crate::store::Snapshot;

/// Referenced contents of one schema, nested ones included.
const REFERENCED_MAX: usize = 1000;
/// Longest chain of references.
const DEPTH_MAX: usize = 100;

/// For whom references are resolved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolution {
    /// A schema being posted: soft-deleted versions cannot be referenced.
    New,
    /// A stored schema: what it references is still there, soft-deleted or not.
    Stored,
}

/// Why references do not resolve.
pub(super) enum ReferenceFailure {
    /// The caller's fault; the text goes into the answer.
    Detail(String),
    /// The store failed.
    Error(RegistryError),
}

impl ReferenceFailure {
    pub(super) fn into_error(self, refused: impl FnOnce(String) -> InvalidSchema) -> RegistryError {
        match self {
            Self::Detail(detail) => refused(detail).into(),
            Self::Error(error) => error,
        }
    }
}

impl<E: Into<RegistryError>> From<E> for ReferenceFailure {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

/// The subject a reference means: its own context if it names one, else the owner's.
pub(super) fn target(owner: &Context, reference: &SchemaReference) -> QualifiedSubject {
    subjects::in_context(owner, &reference.subject)
}

/// Replaces version -1 by the latest live version and refuses incomplete references.
pub(super) async fn with_real_versions(
    registry: &Registry,
    snapshot: &mut dyn Snapshot,
    owner: &Context,
    references: &[SchemaReference],
) -> Result<Vec<SchemaReference>, ReferenceFailure> {
    let mut real = Vec::with_capacity(references.len());
    for reference in references {
        if reference.name.is_empty()
            || reference.subject.is_empty()
            || reference.version < -1
            || reference.version == 0
        {
            return Err(ReferenceFailure::Detail(format!(
                "Invalid reference: {{name='{}', subject='{}', version={}}}",
                reference.name, reference.subject, reference.version
            )));
        }
        let mut reference = reference.clone();
        let subject = target(owner, &reference);
        if subjects::has_control_character(&subject.subject)
            || subjects::has_control_character(subject.context.as_str())
        {
            return Err(not_found(&reference));
        }
        if reference.version == -1 {
            let view = registry.view(snapshot, &subject).await?;
            reference.version = view.latest_live().ok_or_else(|| not_found(&reference))?.version.get();
        }
        real.push(reference);
    }
    Ok(real)
}

fn not_found(reference: &SchemaReference) -> ReferenceFailure {
    ReferenceFailure::Detail(format!(
        "No schema reference found for subject \"{}\" and version {}",
        reference.subject, reference.version
    ))
}

/// One schema whose references are being walked.
struct Frame {
    context: Context,
    references: Vec<SchemaReference>,
    next: usize,
    content: Option<Arc<StoredSchema>>,
}

/// The referenced contents, depth first and dependencies before dependents; of two with one reference name the first wins.
pub(super) async fn resolve(
    registry: &Registry,
    snapshot: &mut dyn Snapshot,
    owner: &Context,
    references: &[SchemaReference],
    resolution: Resolution,
) -> Result<Vec<Arc<StoredSchema>>, ReferenceFailure> {
    let mut seen = HashSet::new();
    let mut ordered = Vec::new();
    let mut stack =
        vec![Frame { context: owner.clone(), references: references.to_vec(), next: 0, content: None }];
    while let Some(frame) = stack.last_mut() {
        let Some(reference) = frame.references.get(frame.next).cloned() else {
            ordered.extend(stack.pop().and_then(|frame| frame.content));
            continue;
        };
        frame.next += 1;
        if !seen.insert(reference.name.clone()) {
            continue;
        }
        let subject = target(&frame.context, &reference);
        if seen.len() > REFERENCED_MAX || stack.len() > DEPTH_MAX {
            return Err(ReferenceFailure::Detail("Too many schema references".to_owned()));
        }
        let content = referenced(registry, snapshot, &subject, &reference, resolution).await?;
        stack.push(Frame {
            context: subject.context,
            references: content.row().references.clone(),
            next: 0,
            content: Some(content),
        });
    }
    Ok(ordered)
}

async fn referenced(
    registry: &Registry,
    snapshot: &mut dyn Snapshot,
    subject: &QualifiedSubject,
    reference: &SchemaReference,
    resolution: Resolution,
) -> Result<Arc<StoredSchema>, ReferenceFailure> {
    let version = Version::new(reference.version).ok_or_else(|| not_found(reference))?;
    let view = registry.view(snapshot, subject).await?;
    let row = view.find_by_version(version).filter(|row| resolution == Resolution::Stored || !row.deleted);
    let row = row.ok_or_else(|| not_found(reference))?;
    Ok(registry.content_of(snapshot, &subject.context, row.id).await?)
}
