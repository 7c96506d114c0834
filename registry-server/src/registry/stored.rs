//! Stored contents in memory. Content under an id never changes, so it is cached until a hard delete frees the id.

use std::sync::{Arc, OnceLock};

use assay_schema_core::avro::{self, ParseMode};
use assay_schema_core::{Context, SchemaId};

use super::Registry;
use super::error::{InvalidSchema, RegistryError};
use super::input::StoredContent;
use super::references::{Resolution, resolve};
use crate::store::{SchemaRow, Snapshot, StoreError};

/// A stored content, parsed at most once.
#[derive(Debug)]
pub struct StoredSchema {
    row: SchemaRow,
    parsed: OnceLock<(avro::Schema, Arc<[String]>)>,
}

impl StoredSchema {
    pub(super) fn new(row: SchemaRow) -> Self {
        Self { row, parsed: OnceLock::new() }
    }

    /// A content that was just stored, parsed already. It has no references.
    pub(super) fn parsed_as(row: SchemaRow, schema: avro::Schema) -> Self {
        let stored = Self::new(row);
        stored.parsed.get_or_init(|| (schema, Arc::default()));
        stored
    }

    /// The content as stored.
    pub fn row(&self) -> &SchemaRow {
        &self.row
    }

    /// Its id.
    pub fn id(&self) -> SchemaId {
        self.row.id
    }

    /// Its canonical text.
    pub fn text(&self) -> &str {
        &self.row.text
    }

    pub(super) fn to_content(&self) -> StoredContent {
        StoredContent {
            guid: self.row.hash,
            text: self.row.text.clone(),
            references: self.row.references.clone(),
            metadata: self.row.metadata.clone(),
            rule_set: self.row.rule_set.clone(),
        }
    }

    /// Approximate memory it takes, bytes: the parsed form is several times the text.
    pub(crate) fn weight(&self) -> u32 {
        u32::try_from(self.row.text.len() * 12 + 1024).unwrap_or(u32::MAX)
    }
}

impl Registry {
    /// The content with this id, soft-deleted or not. Served from memory once it has been read, also while the database is away.
    ///
    /// # Errors
    /// Store errors.
    pub async fn schema_by_id(
        &self,
        context: &Context,
        id: SchemaId,
    ) -> Result<Option<Arc<StoredSchema>>, RegistryError> {
        if let Some(found) = self.caches().content(context, id) {
            return Ok(Some(found));
        }
        let mut snapshot = self.store().read().await?;
        self.content(&mut *snapshot, context, id).await
    }

    /// As [`Self::schema_by_id`], reading through a snapshot.
    pub(super) async fn content(
        &self,
        snapshot: &mut dyn Snapshot,
        context: &Context,
        id: SchemaId,
    ) -> Result<Option<Arc<StoredSchema>>, RegistryError> {
        if let Some(found) = self.caches().content(context, id) {
            return Ok(Some(found));
        }
        let generation = self.caches().generation();
        let Some(row) = snapshot.schema(context, id).await? else { return Ok(None) };
        let stored = Arc::new(StoredSchema::new(row));
        if snapshot.sees_only_committed() {
            self.caches().remember_content(&stored, generation);
        }
        Ok(Some(stored))
    }

    /// As [`Self::content`], for an id that a stored row points to.
    pub(super) async fn content_of(
        &self,
        snapshot: &mut dyn Snapshot,
        context: &Context,
        id: SchemaId,
    ) -> Result<Arc<StoredSchema>, RegistryError> {
        let found = self.content(snapshot, context, id).await?;
        // Outside a transaction the row may have been hard-deleted since; the caller's retry or the client's sees that.
        found.ok_or(RegistryError::Store(StoreError::CorruptRow { table: "versions", column: "id" }))
    }

    /// The parsed form of a stored content, with everything it references resolved.
    pub(super) async fn parsed(
        &self,
        snapshot: &mut dyn Snapshot,
        stored: &StoredSchema,
    ) -> Result<avro::Schema, RegistryError> {
        Ok(self.parsed_with_references(snapshot, stored).await?.0)
    }

    /// The texts a stored content needs to be parsed, in resolution order (dependencies first).
    ///
    /// # Errors
    /// Store errors, and [`RegistryError::InvalidSchema`] if what is stored does not parse.
    pub async fn reference_texts(&self, stored: &StoredSchema) -> Result<Arc<[String]>, RegistryError> {
        if stored.row.references.is_empty() {
            return Ok(Arc::default());
        }
        if let Some((_, texts)) = stored.parsed.get() {
            return Ok(Arc::clone(texts));
        }
        let mut snapshot = self.store().read().await?;
        Ok(self.parsed_with_references(&mut *snapshot, stored).await?.1)
    }

    async fn parsed_with_references(
        &self,
        snapshot: &mut dyn Snapshot,
        stored: &StoredSchema,
    ) -> Result<(avro::Schema, Arc<[String]>), RegistryError> {
        if let Some(parsed) = stored.parsed.get() {
            return Ok(parsed.clone());
        }
        let row = &stored.row;
        let resolved = resolve(self, snapshot, &row.context, &row.references, Resolution::Stored).await;
        let texts: Arc<[String]> = match resolved {
            Ok(contents) => contents.iter().map(|content| content.row.text.clone()).collect(),
            Err(failure) => return Err(failure.into_error(|detail| refused(row, detail))),
        };
        let slices: Vec<&str> = texts.iter().map(String::as_str).collect();
        let schema = avro::Schema::parse_with_references(&row.text, &slices, ParseMode::Lax)
            .map_err(|error| refused(row, error.to_string()))?;
        Ok(stored.parsed.get_or_init(|| (schema, texts)).clone())
    }
}

fn refused(row: &SchemaRow, detail: String) -> InvalidSchema {
    InvalidSchema::Refused {
        request: format!("{{id={},guid={},schema={}}}", row.id, row.hash, row.text),
        references: String::new(),
        detail,
        place: None,
    }
}
