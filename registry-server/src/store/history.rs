//! What was: events across subjects, contents that hard deletes removed, and the end of the hash chain.

use assay_schema_core::{Context, Guid, QualifiedSubject, SchemaId};
use async_trait::async_trait;

use super::{Event, SchemaRow, StoreError};

/// A position in the list of all events by subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventCursor {
    /// Subject or scope of the last event seen.
    pub subject: QualifiedSubject,
    /// Its revision.
    pub revision: i64,
}

impl From<&Event> for EventCursor {
    fn from(event: &Event) -> Self {
        Self { subject: event.subject.clone(), revision: event.revision }
    }
}

/// A position in the list of contents that hard deletes removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchivedCursor {
    /// Context of the last content seen.
    pub context: Context,
    /// Its id.
    pub id: SchemaId,
    /// Its hash, as stored.
    pub hash: Vec<u8>,
}

/// A stored content, for verification.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredContentRow {
    /// Context of the id.
    pub context: Context,
    /// The id.
    pub id: SchemaId,
    /// The content; `None` if the row does not read back as one.
    pub row: Option<SchemaRow>,
}

/// A stored reference of a content, for verification.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceRow {
    /// Context of the content.
    pub context: Context,
    /// The content.
    pub id: SchemaId,
    /// Place among the content's references, from 0.
    pub position: i64,
    /// The subject that is referenced.
    pub target: QualifiedSubject,
    /// The version that is referenced.
    pub version: i64,
}

/// Where the hash chain ended when it was last extended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainEnd {
    /// Number of the last sealed event.
    pub seal: i64,
    /// Its hash.
    pub hash: Vec<u8>,
}

/// How much is stored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Stored contents; all are Avro schemas as long as no other type can be registered.
    pub schemas: i64,
    /// Stored versions, soft-deleted ones included.
    pub versions: i64,
    /// Associations.
    pub associations: i64,
}

/// Reads for history and its verification.
#[async_trait]
pub trait HistoryReads: Send {
    /// At most `limit` events after the cursor, by context, subject, revision; `context` limits to one, `prefix` to names that start
    /// with it.
    async fn events_by_subject(
        &mut self,
        context: Option<&Context>,
        prefix: &str,
        after: Option<&EventCursor>,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError>;
    /// The content that this id had with this hash, also after its hard delete.
    async fn content_ever(
        &mut self,
        context: &Context,
        id: SchemaId,
        hash: &Guid,
    ) -> Result<Option<SchemaRow>, StoreError>;
    /// At most `limit` stored contents after the cursor, by context then id.
    async fn contents_after(
        &mut self,
        after: Option<&(Context, SchemaId)>,
        limit: u32,
    ) -> Result<Vec<StoredContentRow>, StoreError>;
    /// At most `limit` contents that hard deletes removed, after the cursor, by context, id, hash.
    async fn archived_after(
        &mut self,
        after: Option<&ArchivedCursor>,
        limit: u32,
    ) -> Result<Vec<(ArchivedCursor, StoredContentRow)>, StoreError>;
    /// At most `limit` stored references after the given one, by context, id, position.
    async fn references_after(
        &mut self,
        after: Option<&ReferenceRow>,
        limit: u32,
    ) -> Result<Vec<ReferenceRow>, StoreError>;
    /// The recorded end of the hash chain; `None` before the first event was sealed.
    async fn chain_end(&mut self) -> Result<Option<ChainEnd>, StoreError>;
    /// How much is stored. Counts rows: tens of milliseconds for a million.
    async fn census(&mut self) -> Result<Census, StoreError>;
    /// Number of events that are not in the chain yet.
    async fn unsealed_events(&mut self) -> Result<i64, StoreError>;
}
