//! Request and response bodies of the REST contract, shared by server and client. Fields are written in the order of the
//! contract; absent and empty ones are left out where the contract does. Unknown fields are ignored, `null` reads as absent.

mod config;
mod schema;

pub use config::{Config, ConfigUpdateRequest, ModeBody, Patch};
pub use schema::{
    CompatibilityCheckResponse, RegisterSchemaRequest, RegisterSchemaResponse, Schema, SchemaEntity,
    SchemaString, SchemaTags, SubjectVersion, TagSchemaRequest,
};

use serde::{Deserialize, Serialize};

/// The body of every error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorMessage {
    /// A number of [`error_code`](crate::error_code), or the HTTP status.
    pub error_code: u32,
    /// For people; `null` is possible.
    #[serde(default)]
    pub message: Option<String>,
}

/// Where an id lives.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContextId {
    /// The context's name.
    pub context: String,
    /// The id there.
    pub id: i32,
}

/// An association of a resource with a subject.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct Association {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub association_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lifecycle: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frozen: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub create_ts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub update_ts: Option<i64>,
}

#[cfg(test)]
mod tests;
