//! Whether the record is whole: the hash chain, the contents, and the present state against what the events made of it.
//!
//! An edited, removed or inserted event breaks the chain or contradicts the state; an edited content no longer has its hash; an
//! edited, removed or inserted version or setting is not what its events left. Who rewrites all of them consistently, with the
//! hashes of every later event, is not found: compare the chain's end with a copy kept elsewhere.

mod associations;
mod contents;
mod state;

use assay_schema_core::{SchemaId, Version};
use serde::Serialize;

use super::super::Registry;
use super::super::error::RegistryError;
use super::EVENTS_PER_READ;
use crate::store::{Snapshot, StoreError};
use contents::{verify_archive, verify_contents};
use state::verify_state;

/// Rows read from the store at a time.
const ROWS_PER_READ: u32 = 1000;
/// Findings listed; a check that reaches it stops.
pub(super) const FINDINGS_MAX: usize = 100;

/// What is wrong with the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Finding {
    /// The event does not follow from the one before: it was edited, or one before it was removed or inserted.
    EventDoesNotFollow {
        /// Its revision.
        revision: i64,
    },
    /// The chain ends before, or other than, where it was last extended: the newest events were removed or edited.
    ChainEndsEarly {
        /// Events in the chain when it was last extended.
        expected: i64,
        /// Events in the chain now.
        found: i64,
    },
    /// A subject's or scope's event cannot be read.
    EventUnreadable {
        /// Its revision.
        revision: i64,
    },
    /// A stored content is not the one its hash names.
    ContentChanged {
        /// Context of the id.
        context: String,
        /// The id.
        id: SchemaId,
    },
    /// A content that an event names is stored no more: hard deletes keep what they remove.
    ContentMissing {
        /// Context of the id.
        context: String,
        /// The id.
        id: SchemaId,
    },
    /// The stored references of a content are not those in it.
    ReferencesChanged {
        /// Context of the id.
        context: String,
        /// The id.
        id: SchemaId,
    },
    /// A stored version is not what its events left: another id or soft state, no event at all, or another content.
    VersionChanged {
        /// The subject.
        subject: String,
        /// The version.
        version: Version,
    },
    /// A version that its events left is not stored.
    VersionMissing {
        /// The subject.
        subject: String,
        /// The version.
        version: Version,
    },
    /// The stored config of a scope is not what its events left.
    ConfigChanged {
        /// The scope.
        scope: String,
    },
    /// The stored mode of a scope is not what its events left.
    ModeChanged {
        /// The scope.
        scope: String,
    },
    /// An association is not what its events left, or is stored without them, or is not stored.
    AssociationChanged {
        /// Id of the resource.
        resource: String,
        /// `key` or `value`.
        association_type: String,
    },
}

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HistoryCheck {
    /// Whether nothing was found.
    pub ok: bool,
    /// Events in the hash chain.
    pub sealed: i64,
    /// Events not in the chain yet; the newest ones are sealed within a second while a node runs.
    pub unsealed: i64,
    /// Hash of the chain's last event, hexadecimal. Keep it elsewhere to notice a rewritten chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chain_end: Option<String>,
    /// Contents compared with their hash, those that hard deletes removed included.
    pub contents: u64,
    /// Versions compared with their events.
    pub versions: u64,
    /// What is wrong, at most 100 findings.
    pub findings: Vec<Finding>,
}

impl HistoryCheck {
    fn found(&mut self, finding: Finding) {
        if !self.is_full() {
            self.findings.push(finding);
        }
    }

    fn is_full(&self) -> bool {
        self.findings.len() >= FINDINGS_MAX
    }
}

impl Registry {
    /// Verifies the whole record at one moment. Takes time in proportion to the database, and memory in
    /// proportion to the stored settings and associations.
    ///
    /// # Errors
    /// Store errors; what is wrong with the record is a finding, not an error.
    pub async fn verify_history(&self) -> Result<HistoryCheck, RegistryError> {
        let mut snapshot = self.store().read_at_once().await?;
        let mut check =
            HistoryCheck { unsealed: snapshot.unsealed_events().await?, ..HistoryCheck::default() };
        verify_chain(&mut *snapshot, &mut check).await?;
        verify_contents(&mut *snapshot, &mut check).await?;
        verify_archive(&mut *snapshot, &mut check).await?;
        verify_state(&mut *snapshot, &mut check).await?;
        check.ok = check.findings.is_empty();
        Ok(check)
    }
}

async fn verify_chain(snapshot: &mut dyn Snapshot, check: &mut HistoryCheck) -> Result<(), StoreError> {
    let (mut seal, mut previous) = (0, Vec::new());
    let (mut followed, mut last) = (0, None);
    loop {
        let events = snapshot.sealed_after(seal, EVENTS_PER_READ).await?;
        if events.is_empty() {
            break;
        }
        for event in events {
            let hash = event.chained_hash(&previous).to_vec();
            let follows = event.seal == Some(seal + 1)
                && event.prev_hash.as_deref() == Some(previous.as_slice())
                && event.hash.as_deref() == Some(hash.as_slice());
            if !follows {
                check.found(Finding::EventDoesNotFollow { revision: event.revision });
            }
            seal = event.seal.unwrap_or(seal + 1);
            previous = event.hash.clone().unwrap_or_default();
            followed += 1;
            last = event.hash;
        }
    }
    check.sealed = followed;
    let end = snapshot.chain_end().await?;
    if let Some(end) = end
        && (end.seal != seal || Some(&end.hash) != last.as_ref())
    {
        check.found(Finding::ChainEndsEarly { expected: end.seal, found: followed });
    }
    check.chain_end = last.map(hex::encode);
    Ok(())
}
