//! What events make of a subject or a scope.

use std::collections::BTreeMap;

use assay_schema_core::{Guid, Mode, SchemaId, Version};
use serde::Deserialize;

use super::super::settings::StoredConfig;
use crate::store::{Event, StoreError};

/// A version as its events left it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PastVersion {
    /// Its id.
    pub(super) id: SchemaId,
    /// Hash of its content.
    pub(super) guid: Guid,
    /// When it was registered, epoch milliseconds.
    pub(super) ts_ms: i64,
    /// Whether it was soft-deleted.
    pub(super) deleted: bool,
}

/// A subject or scope as its events left it.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// Stored versions.
    pub(super) versions: BTreeMap<Version, PastVersion>,
    /// Versions that hard deletes removed.
    pub(super) purged: Vec<PastVersion>,
    /// Events of associations.
    pub(super) associations: Vec<Event>,
    /// Stored config, JSON.
    pub(super) config: Option<String>,
    /// Stored mode, JSON.
    mode: Option<String>,
    /// Revision of the first event that could not be read.
    pub(super) unreadable: Option<i64>,
}

fn corrupt(column: &'static str) -> StoreError {
    StoreError::CorruptRow { table: "events", column }
}

impl Past {
    /// Applies the next event. Events of other actions change nothing; one that lacks what its action
    /// needs is noted.
    pub(super) fn apply(&mut self, event: &Event) {
        if self.try_apply(event).is_err() {
            self.unreadable.get_or_insert(event.revision);
        }
    }

    /// The same, unless an event could not be read.
    pub(super) fn whole(self) -> Result<Self, StoreError> {
        if self.unreadable.is_some() { Err(corrupt("after")) } else { Ok(self) }
    }

    fn try_apply(&mut self, event: &Event) -> Result<(), StoreError> {
        match event.action.as_str() {
            "register" => self.register(event)?,
            "version.delete" => self.each(event, |past| past.deleted = true),
            "version.purge" => {
                self.purged.extend(event.version.and_then(|version| self.versions.remove(&version)));
            }
            "subject.delete" => self.soft_delete(event)?,
            "subject.purge" => self.purged.extend(std::mem::take(&mut self.versions).into_values()),
            "association.put" | "association.delete" => self.associations.push(event.clone()),
            "config.put" | "config.delete" => self.config.clone_from(&event.after),
            "mode.put" | "mode.delete" => self.mode.clone_from(&event.after),
            _ => {}
        }
        Ok(())
    }

    fn register(&mut self, event: &Event) -> Result<(), StoreError> {
        #[derive(Deserialize)]
        struct After {
            guid: Guid,
        }
        let version = event.version.ok_or_else(|| corrupt("version"))?;
        let id = event.id.ok_or_else(|| corrupt("id"))?;
        let after = event.after.as_deref().and_then(|text| serde_json::from_str::<After>(text).ok());
        let guid = after.ok_or_else(|| corrupt("after"))?.guid;
        self.versions.insert(version, PastVersion { id, guid, ts_ms: event.ts_ms, deleted: false });
        Ok(())
    }

    fn each(&mut self, event: &Event, change: impl Fn(&mut PastVersion)) {
        if let Some(past) = event.version.and_then(|version| self.versions.get_mut(&version)) {
            change(past);
        }
    }

    fn soft_delete(&mut self, event: &Event) -> Result<(), StoreError> {
        #[derive(Deserialize)]
        struct Before {
            versions: Vec<Deleted>,
        }
        #[derive(Deserialize)]
        struct Deleted {
            version: i32,
        }
        let before = event.before.as_deref().and_then(|text| serde_json::from_str::<Before>(text).ok());
        for deleted in before.ok_or_else(|| corrupt("before"))?.versions {
            if let Some(past) =
                Version::new(deleted.version).and_then(|version| self.versions.get_mut(&version))
            {
                past.deleted = true;
            }
        }
        Ok(())
    }

    /// The stored config.
    pub(super) fn config(&self) -> Result<Option<StoredConfig>, StoreError> {
        let config = self.config.as_deref().map(serde_json::from_str).transpose();
        config.map_err(|_| corrupt("after"))
    }

    /// The stored mode.
    pub(super) fn mode(&self) -> Result<Option<Mode>, StoreError> {
        #[derive(Deserialize)]
        struct After {
            mode: String,
        }
        let Some(text) = &self.mode else { return Ok(None) };
        let after: After = serde_json::from_str(text).map_err(|_| corrupt("after"))?;
        Mode::parse(&after.mode).map(Some).map_err(|_| corrupt("after"))
    }
}
