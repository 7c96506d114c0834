//! Schemas of the registry, parsed.

use std::sync::Arc;

use assay_schema_core::avro::{Kind, ParseMode, Schema};
use assay_schema_core::{Guid, Metadata, RuleSet, SchemaId, Version};

use super::CachedClient;
use super::registrations::RegistrationKey;
use crate::client::{NewSchema, SourceSchema};
use crate::error::Error;
use crate::wire::SchemaKey;

/// A parsed schema of the registry. Immutable.
#[derive(Debug)]
pub struct RegisteredSchema {
    /// Its number, where the answer carried one.
    pub id: Option<SchemaId>,
    /// Its content hash, where the answer carried one.
    pub guid: Option<Guid>,
    /// A subject it is registered under, where known.
    pub subject: Option<String>,
    /// Its version under that subject, where known.
    pub version: Option<Version>,
    /// The parsed schema, references resolved.
    pub schema: Schema,
    /// Its metadata.
    pub metadata: Option<Metadata>,
    /// Its rules.
    pub rule_set: Option<RuleSet>,
}

impl RegisteredSchema {
    /// How a record names this schema, and errors about it: by id, else by GUID.
    pub fn key(&self) -> SchemaKey {
        match (self.id, self.guid) {
            (Some(id), _) => SchemaKey::Id(id),
            (None, Some(guid)) => SchemaKey::Guid(guid),
            (None, None) => SchemaKey::Guid(Guid::from_bytes([0; 16])),
        }
    }

    /// Whether the schema is `bytes` itself, with or without a logical type; such data is framed without a length.
    pub(crate) fn is_bytes(&self) -> bool {
        self.schema.node(self.schema.root()).kind() == Kind::Bytes
    }
}

impl CachedClient {
    /// Parses an answer. What it leaves out is taken from the request.
    pub(super) async fn parse(
        &self,
        found: SourceSchema,
        request: Option<&RegistrationKey>,
    ) -> Result<Arc<RegisteredSchema>, Error> {
        let SourceSchema { id, guid, subject, version, schema_type, text, references, metadata, rule_set } =
            found;
        let (text, references) = match (text, request) {
            (Some(text), _) => (text, references),
            (None, Some(request)) => (request.schema.text.clone(), request.schema.references.clone()),
            (None, None) => (String::new(), references),
        };
        let subject = subject.or_else(|| request.map(|request| request.subject.clone()));
        let key = id.map(SchemaKey::Id).or(guid.map(SchemaKey::Guid));
        let key = key.unwrap_or(SchemaKey::Guid(Guid::from_bytes([0; 16])));
        if schema_type != "AVRO" {
            return Err(Error::NotAvro { key, schema_type });
        }
        let owner = subject.clone().or_else(|| self.scope());
        let texts = self.reference_texts(key, owner.as_deref(), &references).await?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let schema = Schema::parse_with_references(&text, &texts, ParseMode::Lax)
            .map_err(|source| Error::UnreadableSchema { key, source: Arc::new(source) })?;
        Ok(Arc::new(RegisteredSchema { id, guid, subject, version, schema, metadata, rule_set }))
    }

    /// Parses a program's own schema, with references as the registry has them.
    pub(crate) async fn parse_own(&self, own: &NewSchema) -> Result<Schema, Error> {
        let key = SchemaKey::Guid(Guid::from_bytes([0; 16]));
        let texts = self.reference_texts(key, self.scope().as_deref(), &own.references).await?;
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        Schema::parse_with_references(&own.text, &texts, ParseMode::Lax)
            .map_err(|source| Error::UnreadableSchema { key, source: Arc::new(source) })
    }
}
