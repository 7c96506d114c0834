//! The event of a change, written in the change's transaction.

use assay_schema_core::QualifiedSubject;

use super::origin::Origin;
use super::{Registry, RegistryError};
use crate::store::{Event, EventFilter, NewEvent, VersionRow};

/// Events verified at a time.
const VERIFY_BATCH: u32 = 1000;

/// What a walk along the hash chain found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HistoryCheck {
    /// Events that follow from one another, from the first.
    pub sealed: i64,
    /// Revision of the first event that does not follow; `None` for a whole chain.
    pub broken_at: Option<i64>,
}

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

    /// Walks the hash chain from its start. An edited, removed or inserted row breaks it at the first event that does not follow
    /// from the one before; removing the newest events cannot be told from their never having been sealed.
    ///
    /// # Errors
    /// Store errors.
    pub async fn verify_history(&self) -> Result<HistoryCheck, RegistryError> {
        let mut snapshot = self.store().read().await?;
        let (mut seal, mut previous) = (0, Vec::new());
        loop {
            let events = snapshot.sealed_after(seal, VERIFY_BATCH).await?;
            if events.is_empty() {
                return Ok(HistoryCheck { sealed: seal, broken_at: None });
            }
            for event in events {
                let hash = event.chained_hash(&previous).to_vec();
                let follows =
                    event.seal == Some(seal + 1) && event.prev_hash.as_deref() == Some(previous.as_slice());
                if !follows || event.hash.as_deref() != Some(hash.as_slice()) {
                    return Ok(HistoryCheck { sealed: seal, broken_at: Some(event.revision) });
                }
                seal += 1;
                previous = hash;
            }
        }
    }

    /// Recorded changes that match, oldest first.
    ///
    /// # Errors
    /// Store errors.
    pub async fn history(&self, filter: &EventFilter) -> Result<Vec<Event>, RegistryError> {
        let mut snapshot = self.store().read().await?;
        Ok(snapshot.events(filter).await?)
    }
}

/// Versions with their ids and soft state, as events show what a delete ended.
pub(super) fn versions_json(rows: &[VersionRow]) -> String {
    let version = |row: &VersionRow| {
        let mut version = serde_json::json!({ "version": row.version.get(), "id": row.id.get() });
        if row.deleted {
            version["deleted"] = true.into();
        }
        version
    };
    serde_json::json!({ "versions": rows.iter().map(version).collect::<Vec<_>>() }).to_string()
}
