//! Response bodies: the shapes of registry-api.md section 3, in wire order. The media type is set by the front.

use assay_schema_core::avro::edits::Edit;
use assay_schema_core::compatibility::Explained;
use assay_schema_core::{
    CompatibilityLevel, Guid, Metadata, QualifiedSubject, RuleSet, SchemaId, SchemaReference, Version,
};
use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;

use super::error::ApiError;
use crate::registry::{Place, Refusal, Registered, SchemaTags, StoredSchema, SubjectVersion};

/// A handler's answer.
pub(crate) type Reply = Result<Response, ApiError>;

/// 200 with a finished body.
pub(crate) fn bytes(body: Bytes) -> Response {
    Response::new(Body::from(body))
}

/// 200 with a rendered body.
pub(crate) fn json<T: Serialize>(body: &T) -> Reply {
    Ok(bytes(render(body)?))
}

/// 200 with a rendered body, marked as settled if it is: the same request gets it again until its subject changes.
pub(crate) fn settled<T: Serialize>(body: &T, settled: bool) -> Reply {
    let mut response = json(body)?;
    if settled {
        response.extensions_mut().insert(super::front::Settled);
    }
    Ok(response)
}

pub(crate) fn render<T: Serialize>(body: &T) -> Result<Bytes, ApiError> {
    serde_json::to_vec(body).map(Bytes::from).map_err(ApiError::Render)
}

/// What an error body says beyond the contract's two fields.
#[derive(Debug, Default, Serialize)]
pub(crate) struct More<'a> {
    /// Where a schema's text is wrong.
    #[serde(flatten)]
    pub(crate) place: Option<&'a Place>,
    /// What keeps a schema from following, when asked for.
    #[serde(flatten)]
    pub(crate) refusal: Option<&'a Refused>,
}

/// An explained refusal.
#[derive(Debug, Serialize)]
pub(crate) struct Refused {
    level: CompatibilityLevel,
    problems: Vec<Explained>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    edits: Vec<Edit>,
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        let Refusal { level, problems, edits } = refusal;
        Self { level, problems, edits }
    }
}

/// An error body.
pub(crate) fn error(status: StatusCode, code: u32, message: &str, more: &More<'_>) -> Response {
    #[derive(Serialize)]
    struct ErrorMessage<'a> {
        error_code: u32,
        message: &'a str,
        #[serde(flatten)]
        more: &'a More<'a>,
    }
    let body = serde_json::to_vec(&ErrorMessage { error_code: code, message, more }).unwrap_or_default();
    let mut response = bytes(body.into());
    *response.status_mut() = status;
    response
}

fn is_empty<T>(list: &&[T]) -> bool {
    list.is_empty()
}

/// A tag list of one entity.
#[derive(Serialize)]
pub(crate) struct Tags<'a> {
    #[serde(rename = "schemaEntity")]
    entity: Entity<'a>,
    tags: &'a [String],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entity<'a> {
    entity_path: &'a str,
    entity_type: &'a str,
}

impl<'a> From<&'a SchemaTags> for Tags<'a> {
    fn from(tags: &'a SchemaTags) -> Self {
        let entity = Entity { entity_path: &tags.entity_path, entity_type: &tags.entity_type };
        Self { entity, tags: &tags.tags }
    }
}

/// `Schema`.
#[expect(clippy::struct_field_names, reason = "the names are those of the contract")]
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Schema<'a> {
    subject: String,
    version: Version,
    id: SchemaId,
    guid: Guid,
    schema_type: &'static str,
    #[serde(skip_serializing_if = "is_empty")]
    references: &'a [SchemaReference],
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Metadata>,
    pub(crate) schema: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) schema_tags: Vec<Tags<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deleted: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_set: Option<&'a RuleSet>,
}

impl<'a> Schema<'a> {
    /// As read back from the store, with its time and soft state.
    pub(crate) fn new(found: &'a SubjectVersion) -> Self {
        let row = found.schema.row();
        Self {
            subject: found.subject.to_string(),
            version: found.version,
            id: row.id,
            guid: row.hash,
            schema_type: row.schema_type.as_str(),
            references: &row.references,
            metadata: row.metadata.as_ref(),
            schema: &row.text,
            schema_tags: Vec::new(),
            ts: Some(found.ts_ms),
            deleted: Some(found.deleted),
            rule_set: row.rule_set.as_ref(),
        }
    }

    pub(crate) fn with_references(mut self, references: &'a [SchemaReference]) -> Self {
        self.references = references;
        self
    }
}

/// `SchemaString`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SchemaString<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) version: Option<Version>,
    guid: Guid,
    schema_type: &'static str,
    pub(crate) schema: &'a str,
    #[serde(skip_serializing_if = "is_empty")]
    pub(crate) references: &'a [SchemaReference],
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_set: Option<&'a RuleSet>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) schema_tags: Vec<Tags<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max_id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) deleted: Option<bool>,
}

impl<'a> SchemaString<'a> {
    pub(crate) fn new(stored: &'a StoredSchema) -> Self {
        let row = stored.row();
        Self {
            subject: None,
            version: None,
            guid: row.hash,
            schema_type: row.schema_type.as_str(),
            schema: &row.text,
            references: &row.references,
            metadata: row.metadata.as_ref(),
            rule_set: row.rule_set.as_ref(),
            schema_tags: Vec::new(),
            max_id: None,
            ts: None,
            deleted: None,
        }
    }
}

/// `RegisterSchemaResponse`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RegisterSchemaResponse<'a> {
    id: SchemaId,
    version: Version,
    guid: Guid,
    schema_type: &'static str,
    #[serde(skip_serializing_if = "is_empty")]
    references: &'a [SchemaReference],
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Metadata>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_set: Option<&'a RuleSet>,
    pub(crate) schema: &'a str,
}

impl<'a> From<&'a Registered> for RegisterSchemaResponse<'a> {
    fn from(registered: &'a Registered) -> Self {
        let content = &registered.content;
        Self {
            id: registered.id,
            version: registered.version,
            guid: content.guid,
            schema_type: "AVRO",
            references: &content.references,
            metadata: content.metadata.as_ref(),
            rule_set: content.rule_set.as_ref(),
            schema: &content.text,
        }
    }
}

/// `SubjectVersion`.
#[derive(Serialize)]
pub(crate) struct SubjectAndVersion {
    subject: String,
    version: Version,
}

impl From<(QualifiedSubject, Version)> for SubjectAndVersion {
    fn from((subject, version): (QualifiedSubject, Version)) -> Self {
        Self { subject: subject.to_string(), version }
    }
}
