//! The registry of the same process.

use assay_broker::validator::SchemaKey;
use assay_registry_server::{Registry, registry::RegistryError};
use assay_schema_core::{
    Context, Guid, QualifiedSubject, SchemaId,
    avro::{ParseMode, Schema},
};
use async_trait::async_trait;

use super::{FoundSchema, LookupError, SchemaLookup};

/// Asks the registry without a network in between.
#[derive(Clone)]
pub(crate) struct InProcessLookup(pub(crate) Registry);

impl std::fmt::Debug for InProcessLookup {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("InProcessLookup")
    }
}

impl InProcessLookup {
    /// The id that a content has in a context.
    async fn id_of_guid(&self, context: &Context, guid: Guid) -> Result<Option<SchemaId>, LookupError> {
        let ids = self.0.ids_of_guid(&guid.to_string()).await.map_err(|error| away(&error))?;
        Ok(ids.into_iter().find(|(of, _)| of == context).map(|(_, id)| id))
    }
}

fn away(error: &RegistryError) -> LookupError {
    tracing::warn!(%error, "the registry could not be asked about a schema");
    LookupError { reason: "the registry's database is away".to_owned() }
}

#[async_trait]
impl SchemaLookup for InProcessLookup {
    async fn schema(&self, context: &Context, key: SchemaKey) -> Result<Option<FoundSchema>, LookupError> {
        let stored = match key {
            SchemaKey::Id(id) => match SchemaId::new(id) {
                Some(id) => self.0.schema_by_id(context, id).await,
                None => Ok(None),
            },
            SchemaKey::Guid(guid) => match self.id_of_guid(context, Guid::from_bytes(guid)).await? {
                Some(id) => self.0.schema_by_id(context, id).await,
                None => Ok(None),
            },
        };
        let Some(stored) = stored.map_err(|error| away(&error))? else { return Ok(None) };
        let schema = match self.0.reference_texts(&stored).await {
            Ok(texts) => {
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                Schema::parse_with_references(stored.text(), &texts, ParseMode::Lax)
                    .map_err(|error| error.to_string())
            }
            Err(error @ RegistryError::InvalidSchema(_)) => Err(error.to_string()),
            Err(error) => return Err(away(&error)),
        };
        Ok(Some(FoundSchema { id: stored.id(), schema }))
    }

    async fn subject_has_id(&self, subject: &QualifiedSubject, id: SchemaId) -> Result<bool, LookupError> {
        self.0.subject_has_id(subject, id).await.map_err(|error| away(&error))
    }
}
