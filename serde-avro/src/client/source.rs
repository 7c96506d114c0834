//! Where schemas come from: the registry over HTTP, or anything that answers the same questions.

use std::collections::BTreeMap;
use std::sync::Arc;

use assay_schema_core::rest;
use assay_schema_core::{Guid, Metadata, RuleSet, SchemaId, SchemaReference, Version, VersionRef};
use async_trait::async_trait;

use super::{AssociationQuery, RegistryClient, SchemaQuery};
use crate::error::Error;
use crate::metrics::Metrics;
use crate::wire::Part;

/// A schema as a source hands it out.
#[derive(Debug, Clone, PartialEq)]
pub struct SourceSchema {
    /// Its number; an answer by GUID has none.
    pub id: Option<SchemaId>,
    /// The hash of its content; registries before 8.0 do not send it.
    pub guid: Option<Guid>,
    /// A subject it is registered under.
    pub subject: Option<String>,
    /// Its version under that subject.
    pub version: Option<Version>,
    /// Its type, `AVRO` unless said otherwise.
    pub schema_type: String,
    /// Its text; a source of [`SchemaSource::register`] may leave out what the caller sent.
    pub text: Option<String>,
    /// The schemas its text refers to.
    pub references: Vec<SchemaReference>,
    /// Its metadata.
    pub metadata: Option<Metadata>,
    /// Its rules.
    pub rule_set: Option<RuleSet>,
}

/// A schema to register or to look up.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct NewSchema {
    /// Its text.
    pub text: String,
    /// The schemas its text refers to.
    pub references: Vec<SchemaReference>,
    /// Copies the tags of the previous version on registration.
    pub propagate_tags: bool,
}

/// Answers the questions that serializers and deserializers have. Implemented by [`RegistryClient`].
///
/// An implementation neither caches nor coalesces; [`CachedClient`](crate::CachedClient) does that for all of them. Errors
/// decide what is remembered: a retriable one never is.
#[async_trait]
pub trait SchemaSource: Send + Sync + 'static {
    /// The schema with a number. `scope` is a subject, or a context as `:.name:`, and selects the context.
    async fn by_id(&self, id: SchemaId, scope: Option<&str>) -> Result<SourceSchema, Error>;

    /// The schema with a content hash.
    async fn by_guid(&self, guid: Guid) -> Result<SourceSchema, Error>;

    /// A version of a subject; a numbered one also when it is soft-deleted.
    async fn by_version(&self, subject: &str, version: VersionRef) -> Result<SourceSchema, Error>;

    /// The highest version of a subject whose metadata has all of `properties`.
    async fn latest_with_metadata(
        &self,
        subject: &str,
        properties: &BTreeMap<String, String>,
    ) -> Result<SourceSchema, Error>;

    /// Registers a schema under a subject; gives the existing one if it is registered already.
    async fn register(
        &self,
        subject: &str,
        schema: &NewSchema,
        normalize: bool,
    ) -> Result<SourceSchema, Error>;

    /// The schema that is registered under a subject with this content.
    async fn lookup(&self, subject: &str, schema: &NewSchema, normalize: bool)
    -> Result<SourceSchema, Error>;

    /// The subjects associated with one part of a topic. `namespace` is the Kafka cluster id, or `-` for any.
    async fn associated_subjects(
        &self,
        namespace: &str,
        topic: &str,
        part: Part,
    ) -> Result<AssociatedSubjects, Error>;

    /// Who is told what is done with the schemas; nobody unless implemented.
    fn metrics(&self) -> Option<Arc<dyn Metrics>> {
        None
    }
}

/// Subjects associated with a topic; empty also when the registry knows no associations.
pub type AssociatedSubjects = Vec<String>;

impl NewSchema {
    fn request(&self) -> rest::RegisterSchemaRequest {
        rest::RegisterSchemaRequest {
            schema: Some(self.text.clone()),
            schema_type: Some("AVRO".into()),
            references: self.references.clone(),
            propagate_schema_tags: self.propagate_tags.then_some(true),
            ..rest::RegisterSchemaRequest::default()
        }
    }
}

/// Registries before 8.0 leave the type out when it is Avro.
fn type_or_avro(schema_type: Option<String>) -> String {
    schema_type.unwrap_or_else(|| "AVRO".into())
}

fn guid(text: Option<&str>) -> Option<Guid> {
    text.and_then(|text| Guid::parse(text).ok())
}

impl From<rest::SchemaString> for SourceSchema {
    fn from(body: rest::SchemaString) -> Self {
        Self {
            id: None,
            guid: guid(body.guid.as_deref()),
            subject: body.subject,
            version: body.version.and_then(Version::new),
            schema_type: type_or_avro(body.schema_type),
            text: body.schema,
            references: body.references,
            metadata: body.metadata,
            rule_set: body.rule_set,
        }
    }
}

impl From<rest::Schema> for SourceSchema {
    fn from(body: rest::Schema) -> Self {
        Self {
            id: SchemaId::new(body.id),
            guid: guid(body.guid.as_deref()),
            subject: Some(body.subject),
            version: Version::new(body.version),
            schema_type: type_or_avro(body.schema_type),
            text: Some(body.schema),
            references: body.references,
            metadata: body.metadata,
            rule_set: body.rule_set,
        }
    }
}

impl From<rest::RegisterSchemaResponse> for SourceSchema {
    fn from(body: rest::RegisterSchemaResponse) -> Self {
        Self {
            id: SchemaId::new(body.id),
            guid: guid(body.guid.as_deref()),
            subject: None,
            version: body.version.and_then(Version::new),
            schema_type: type_or_avro(body.schema_type),
            text: body.schema,
            references: body.references,
            metadata: body.metadata,
            rule_set: body.rule_set,
        }
    }
}

#[async_trait]
impl SchemaSource for RegistryClient {
    async fn by_id(&self, id: SchemaId, scope: Option<&str>) -> Result<SourceSchema, Error> {
        let query = SchemaQuery { subject: scope.map(str::to_owned), ..SchemaQuery::default() };
        let found = self.schema_by_id(id, &query).await?;
        Ok(SourceSchema { id: Some(id), ..found.into() })
    }

    async fn by_guid(&self, guid: Guid) -> Result<SourceSchema, Error> {
        let found = self.schema_by_guid(guid, &SchemaQuery::default()).await?;
        // an id would belong to one context only, so it is not taken even from a registry that sends one
        Ok(SourceSchema { id: None, guid: Some(guid), ..found.into() })
    }

    async fn by_version(&self, subject: &str, version: VersionRef) -> Result<SourceSchema, Error> {
        let deleted = matches!(version, VersionRef::Number(_));
        let query = SchemaQuery { deleted, ..SchemaQuery::default() };
        self.schema_version(subject, version, &query).await.map(Into::into)
    }

    async fn latest_with_metadata(
        &self,
        subject: &str,
        properties: &BTreeMap<String, String>,
    ) -> Result<SourceSchema, Error> {
        self.latest_schema_with_metadata(subject, properties, &SchemaQuery::default()).await.map(Into::into)
    }

    async fn register(
        &self,
        subject: &str,
        schema: &NewSchema,
        normalize: bool,
    ) -> Result<SourceSchema, Error> {
        self.register_schema(subject, &schema.request(), normalize).await.map(Into::into)
    }

    async fn lookup(
        &self,
        subject: &str,
        schema: &NewSchema,
        normalize: bool,
    ) -> Result<SourceSchema, Error> {
        self.lookup_schema(subject, &schema.request(), normalize, false).await.map(Into::into)
    }

    async fn associated_subjects(
        &self,
        namespace: &str,
        topic: &str,
        part: Part,
    ) -> Result<AssociatedSubjects, Error> {
        let query = AssociationQuery {
            resource_type: Some("topic".into()),
            association_types: vec![part.as_str().into()],
            ..AssociationQuery::default()
        };
        match self.associations_by_name(namespace, topic, &query).await {
            Ok(found) => Ok(found.into_iter().filter_map(|association| association.subject).collect()),
            Err(error) if error.http_status() == Some(404) => Ok(AssociatedSubjects::new()),
            Err(error) => Err(error),
        }
    }

    fn metrics(&self) -> Option<Arc<dyn Metrics>> {
        self.inner.metrics.clone()
    }
}
