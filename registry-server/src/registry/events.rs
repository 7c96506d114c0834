//! The event of a change, written in the change's transaction.

use assay_schema_core::QualifiedSubject;

use super::Registry;
use super::origin::Origin;
use crate::store::{NewEvent, VersionRow};

impl Registry {
    pub(super) fn event(
        &self,
        action: &'static str,
        subject: &QualifiedSubject,
        origin: &Origin,
    ) -> NewEvent {
        NewEvent {
            ts_ms: self.now_ms(),
            principal: origin.principal.clone(),
            address: origin.address.clone(),
            request_id: origin.request_id.clone(),
            action,
            subject: subject.clone(),
            version: None,
            id: None,
            before: None,
            after: None,
        }
    }

    /// The event of a change that ends a version, or a part of its life.
    pub(super) fn version_event(&self, action: &'static str, row: &VersionRow, origin: &Origin) -> NewEvent {
        let mut event = self.event(action, &row.subject, origin);
        (event.version, event.id) = (Some(row.version), Some(row.id));
        event.before = Some(versions_json(std::slice::from_ref(row)));
        event
    }
}

/// Versions with their ids and soft state, as events show what a delete ended.
pub(super) fn versions_json(rows: &[VersionRow]) -> String {
    let version = |row: &VersionRow| {
        let (version, id) = (row.version.get(), row.id.get());
        if row.deleted {
            serde_json::json!({ "version": version, "id": id, "deleted": true })
        } else {
            serde_json::json!({ "version": version, "id": id })
        }
    };
    serde_json::json!({ "versions": rows.iter().map(version).collect::<Vec<_>>() }).to_string()
}
