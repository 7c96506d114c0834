//! No registry at all: a broker that was told of none.

use assay_broker::validator::SchemaKey;
use assay_schema_core::{Context, QualifiedSubject, SchemaId};
use async_trait::async_trait;

use super::{FoundSchema, LookupError, SchemaLookup};

/// Answers nothing, so that a topic with validation refuses its records for now instead of storing them unchecked.
#[derive(Debug)]
pub(crate) struct NoRegistry;

fn unknown<T>() -> Result<T, LookupError> {
    Err(LookupError { reason: "this broker was started without --registry-url".to_owned() })
}

#[async_trait]
impl SchemaLookup for NoRegistry {
    async fn schema(&self, _: &Context, _: SchemaKey) -> Result<Option<FoundSchema>, LookupError> {
        unknown()
    }

    async fn subject_has_id(&self, _: &QualifiedSubject, _: SchemaId) -> Result<bool, LookupError> {
        unknown()
    }
}
