//! The event of a change, written in the change's transaction.

use assay_schema_core::QualifiedSubject;

use super::origin::Origin;
use super::{Registry, RegistryError};
use crate::store::{Event, EventFilter, NewEvent};

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

    /// Recorded changes that match, oldest first.
    ///
    /// # Errors
    /// Store errors.
    pub async fn history(&self, filter: &EventFilter) -> Result<Vec<Event>, RegistryError> {
        let mut snapshot = self.store().read().await?;
        Ok(snapshot.events(filter).await?)
    }
}
