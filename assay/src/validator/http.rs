//! A registry over HTTP, for a process with the broker role alone.

use std::{fmt, time::Duration};

use assay_broker::validator::SchemaKey;
use assay_schema_core::{
    Context, Guid, QualifiedSubject, SchemaId,
    avro::{ParseMode, Schema},
};
use assay_serde_avro::{
    Error,
    client::{ListQuery, RegistryClient, RetryPolicy, SchemaQuery},
};
use async_trait::async_trait;

use super::{FoundSchema, LookupError, SchemaLookup};

/// Longest wait for one answer; a producer waits meanwhile.
const READ_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// Asks a registry over HTTP. Everything is asked in one registry context.
pub(crate) struct HttpLookup {
    client: RegistryClient,
}

impl fmt::Debug for HttpLookup {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("HttpLookup").field("client", &self.client).finish()
    }
}

impl HttpLookup {
    /// A registry at a URL, in the context that the broker's ids belong to. Asks nothing yet.
    pub(crate) fn new(url: &str, context: &Context) -> Result<Self, Error> {
        let base = if context.is_default() {
            url.to_owned()
        } else {
            format!("{url}/contexts/{}", context.as_str())
        };
        let client = RegistryClient::builder(&base)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            // the producer tries again by itself
            .retry(RetryPolicy { retries_max: 0, ..RetryPolicy::default() })
            .build()?;
        Ok(Self { client })
    }

    async fn id_of_guid(&self, context: &Context, guid: Guid) -> Result<Option<SchemaId>, Error> {
        let ids = self.client.ids_by_guid(guid).await?;
        Ok(ids.iter().find(|one| one.context == context.as_str()).and_then(|one| SchemaId::new(one.id)))
    }
}

/// "Not there" is an answer; anything else means that the registry could not be asked.
fn absent<T>(result: Result<T, Error>) -> Result<Option<T>, LookupError> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.http_status() == Some(404) => Ok(None),
        Err(error) => {
            tracing::warn!(%error, "the registry could not be asked about a schema");
            Err(LookupError { reason: "the schema registry does not answer".to_owned() })
        }
    }
}

#[async_trait]
impl SchemaLookup for HttpLookup {
    async fn schema(&self, context: &Context, key: SchemaKey) -> Result<Option<FoundSchema>, LookupError> {
        let id = match key {
            SchemaKey::Id(id) => SchemaId::new(id),
            SchemaKey::Guid(guid) => {
                absent(self.id_of_guid(context, Guid::from_bytes(guid)).await)?.flatten()
            }
        };
        let Some(id) = id else { return Ok(None) };
        // the text comes with its references put in their places
        let query = SchemaQuery { format: Some("resolved".to_owned()), ..SchemaQuery::default() };
        let Some(found) = absent(self.client.schema_by_id(id, &query).await)? else { return Ok(None) };
        let schema = match found.schema_type.as_deref() {
            None | Some("AVRO") => Schema::parse(found.schema.as_deref().unwrap_or_default(), ParseMode::Lax)
                .map_err(|error| error.to_string()),
            Some(other) => Err(format!("its type is {other}")),
        };
        Ok(Some(FoundSchema { id, schema }))
    }

    async fn subject_has_id(&self, subject: &QualifiedSubject, id: SchemaId) -> Result<bool, LookupError> {
        let query = ListQuery { deleted: true, ..ListQuery::default() };
        let versions = absent(self.client.versions_by_id(id, &query).await)?.unwrap_or_default();
        Ok(versions.iter().any(|one| QualifiedSubject::parse_in(&one.subject, &subject.context) == *subject))
    }
}
