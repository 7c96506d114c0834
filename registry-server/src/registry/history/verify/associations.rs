//! Associations against what the events made of them.

use std::collections::BTreeMap;

use assay_schema_core::QualifiedSubject;
use serde_json::Value;

use super::super::super::associations::association_json;
use super::{Finding, HistoryCheck};
use crate::store::{AssociationRow, Event, Snapshot, StoreError};

/// Resource id and association type. One that was deleted may come again with another subject.
type Name = (String, String);

/// Every association that events name, with the newest of them: its revision, and what it left.
#[derive(Default)]
pub(super) struct Associations(BTreeMap<Name, (i64, Option<Left>)>);

#[derive(PartialEq)]
struct Left {
    subject: QualifiedSubject,
    state: Value,
}

fn parsed(text: Option<&str>) -> Option<Value> {
    serde_json::from_str(text?).ok()
}

fn name_of(state: &Value) -> Option<Name> {
    let text = |field: &str| Some(state.get(field)?.as_str()?.to_owned());
    Some((text("resourceId")?, text("associationType")?))
}

impl Associations {
    /// Takes an event of an association; `false` if it cannot be read.
    pub(super) fn take(&mut self, event: &Event) -> bool {
        let (before, after) = (parsed(event.before.as_deref()), parsed(event.after.as_deref()));
        let Some(name) = after.as_ref().or(before.as_ref()).and_then(name_of) else { return false };
        let left = after.map(|state| Left { subject: event.subject.clone(), state });
        let newest = self.0.entry(name).or_insert((0, None));
        if newest.0 < event.revision {
            *newest = (event.revision, left);
        }
        true
    }

    /// Compares them with those stored.
    pub(super) async fn verify(
        mut self,
        snapshot: &mut dyn Snapshot,
        check: &mut HistoryCheck,
    ) -> Result<(), StoreError> {
        for row in snapshot.associations_of_namespace(None).await? {
            let stored = left(&row);
            let (resource, association_type) = (row.resource_id, row.association_type);
            let expected = self.0.remove(&(resource.clone(), association_type.clone()));
            if expected.and_then(|(_, left)| left) != Some(stored) {
                check.found(Finding::AssociationChanged { resource, association_type });
            }
        }
        for ((resource, association_type), (_, expected)) in self.0 {
            if expected.is_some() {
                check.found(Finding::AssociationChanged { resource, association_type });
            }
        }
        Ok(())
    }
}

fn left(row: &AssociationRow) -> Left {
    let state = parsed(Some(&association_json(row))).unwrap_or_default();
    Left { subject: row.subject.clone(), state }
}
