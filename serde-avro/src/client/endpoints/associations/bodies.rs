//! Bodies of `/associations`.

use assay_schema_core::rest::{ErrorMessage, RegisterSchemaRequest, Schema};
use serde::{Deserialize, Serialize};

use crate::client::response::Answer;
use crate::error::Error;

/// What is done with one association of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum AssociationOperation {
    /// Makes it; it must not exist with other content.
    Create,
    /// Makes or changes it.
    Upsert,
    /// Removes it.
    Delete,
}

/// One association to make, to change or to remove.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssociationInput {
    /// The subject; for a strong association absent, or the topic's own, `:.<cluster>:<topic>-value`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// `key` or `value`.
    pub association_type: String,
    /// `STRONG`: the subject lives and dies with the topic. `WEAK`: it exists, and lives on its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<String>,
    /// Whether it can be changed later; follows from the lifecycle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen: Option<bool>,
    /// A schema to register under the topic's own subject; only with a strong association.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<RegisterSchemaRequest>,
    /// Registers the normal form of the schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub normalize: Option<bool>,
    /// In batches: what is done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub op_type: Option<AssociationOperation>,
    /// In batches, when removing: frozen ones too, and with strong ones their subjects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cascade_lifecycle: Option<bool>,
}

impl AssociationInput {
    /// An association with a subject that lives on its own, which has to be named. `association_type` is `key` or `value`.
    pub fn weak(association_type: &str) -> Self {
        Self::new(association_type, "WEAK")
    }

    /// An association with the topic's own subject, which begins with the schema that is given with it.
    pub fn strong(association_type: &str) -> Self {
        Self::new(association_type, "STRONG")
    }

    fn new(association_type: &str, lifecycle: &str) -> Self {
        Self {
            association_type: association_type.to_owned(),
            lifecycle: Some(lifecycle.to_owned()),
            ..Self::default()
        }
    }

    /// Registers this Avro schema as the first of the topic's own subject.
    #[must_use]
    pub fn with_schema(mut self, text: &str) -> Self {
        self.schema =
            Some(RegisterSchemaRequest { schema: Some(text.to_owned()), ..RegisterSchemaRequest::default() });
        self
    }
}

/// The associations of one resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssociationRequest {
    /// Name of the topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// Id of its Kafka cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_namespace: Option<String>,
    /// Id of the topic; the caller's choice, and what the other calls name it by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// `topic`, the only type there is, also when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// For its key, its value, or both.
    pub associations: Vec<AssociationInput>,
}

impl AssociationRequest {
    /// For the topic `name` of the Kafka cluster `cluster`, known by `id` from now on.
    pub fn topic(cluster: &str, name: &str, id: &str, associations: Vec<AssociationInput>) -> Self {
        Self {
            resource_name: Some(name.to_owned()),
            resource_namespace: Some(cluster.to_owned()),
            resource_id: Some(id.to_owned()),
            resource_type: Some("topic".into()),
            associations,
        }
    }
}

/// A resource whose associations are wanted, by id or by name and namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AssociationGet {
    /// Its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    /// Its namespace; needed with a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_namespace: Option<String>,
    /// `topic` when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// `key`, `value`, or both when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub association_types: Vec<String>,
    /// `STRONG` or `WEAK`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<String>,
}

/// A resource and what is associated with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct AssociationAnswer {
    /// Name of the topic.
    pub resource_name: String,
    /// Id of its Kafka cluster.
    pub resource_namespace: String,
    /// Id of the topic.
    pub resource_id: String,
    /// `topic`.
    pub resource_type: String,
    /// Its associations.
    pub associations: Vec<AssociationInfo>,
}

/// One association.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct AssociationInfo {
    /// The subject.
    pub subject: String,
    /// `key` or `value`.
    pub association_type: String,
    /// `STRONG` or `WEAK`.
    pub lifecycle: String,
    /// The schema that was registered, or the latest version where it was asked for.
    pub schema: Option<Schema>,
}

/// What became of one resource of a batch.
pub type AssociationResult = Result<AssociationAnswer, ErrorMessage>;

#[derive(Deserialize)]
struct Results {
    results: Vec<OneResult>,
}

#[derive(Deserialize)]
struct OneResult {
    #[serde(default)]
    result: Option<AssociationAnswer>,
    #[serde(default)]
    error: Option<ErrorMessage>,
}

/// The outcomes in an answer to a batch, in the order of its requests.
pub(super) fn results(answer: &Answer) -> Result<Vec<AssociationResult>, Error> {
    let body: Results = answer.json()?;
    let outcome = |one: OneResult| match (one.result, one.error) {
        (_, Some(error)) => Ok(Err(error)),
        (Some(result), None) => Ok(Ok(result)),
        (None, None) => Err(answer.unusable("a result of the batch is neither a result nor an error".into())),
    };
    body.results.into_iter().map(outcome).collect()
}
