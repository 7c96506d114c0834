//! `/`, `/v1/metadata` and `/schemas`.

use std::collections::BTreeMap;

use assay_schema_core::rest::{ContextId, Schema, SchemaString, SubjectVersion};
use assay_schema_core::{Guid, SchemaId};
use serde::Deserialize;

use super::{ListQuery, SchemaQuery, SchemasQuery};
use crate::client::RegistryClient;
use crate::client::request::{Method, Request};
use crate::error::Error;

/// Answer of `GET /v1/metadata/id`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ClusterId {
    /// What the names stand for.
    pub scope: ClusterScope,
}

/// Names of the registry's surroundings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct ClusterScope {
    /// Where the clusters are; empty as far as is known.
    pub path: Vec<String>,
    /// By kind: `kafka-cluster`, `schema-registry-cluster`.
    pub clusters: BTreeMap<String, String>,
}

/// Answer of `GET /v1/metadata/version`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ServerVersion {
    /// The release.
    pub version: String,
    /// The commit it was built from.
    pub commit_id: String,
}

/// Answer of `GET /v1/metadata/deployment`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Deployment {
    /// What the operator says of the deployment; often empty.
    pub attributes: Vec<String>,
}

impl RegistryClient {
    /// `GET /`: whether the registry answers.
    pub async fn ping(&self) -> Result<(), Error> {
        self.call(Request::get(&[])).await.map(drop)
    }

    /// `POST /`: whether the registry answers a request with a body.
    pub async fn ping_with_body(&self) -> Result<(), Error> {
        let nothing = BTreeMap::<String, String>::new();
        self.call(Request::new(Method::Post, &[]).json(&nothing)).await.map(drop)
    }

    /// `GET /v1/metadata/deployment`: what the operator says of the deployment.
    pub async fn deployment(&self) -> Result<Deployment, Error> {
        self.call(Request::get(&["v1", "metadata", "deployment"])).await?.json()
    }

    /// `GET /v1/metadata/id`: the names of the registry and of its Kafka cluster.
    pub async fn cluster_id(&self) -> Result<ClusterId, Error> {
        self.call(Request::get(&["v1", "metadata", "id"])).await?.json()
    }

    /// `GET /v1/metadata/version`: the registry's release.
    pub async fn server_version(&self) -> Result<ServerVersion, Error> {
        self.call(Request::get(&["v1", "metadata", "version"])).await?.json()
    }

    /// `GET /schemas`: schemas of many subjects, by subject and version. Without a prefix those of the default context.
    pub async fn schemas(&self, query: &SchemasQuery) -> Result<Vec<Schema>, Error> {
        let request = Request::get(&["schemas"])
            .flag("latestOnly", query.latest_only)
            .flag("aliases", query.aliases)
            .query_some("ruleType", query.rule_type.as_deref())
            .query_some("resourceType", query.resource_type.as_deref());
        let types = query.association_types.iter();
        let request = types.fold(request, |request, name| request.query("associationType", name));
        let lifecycles = query.lifecycles.iter();
        let request = lifecycles.fold(request, |request, name| request.query("lifecycle", name));
        self.call(query.list.apply(request)).await?.json()
    }

    /// `GET /schemas/types`: the schema types that the registry handles.
    pub async fn schema_types(&self) -> Result<Vec<String>, Error> {
        self.call(Request::get(&["schemas", "types"])).await?.json()
    }

    /// `GET /schemas/ids/{id}`: the schema with a number, also when its versions are soft-deleted.
    ///
    /// Errors: [`Error::SchemaNotFound`].
    pub async fn schema_by_id(&self, id: SchemaId, query: &SchemaQuery) -> Result<SchemaString, Error> {
        let request = Request::get(&["schemas", "ids", &id.to_string()]);
        match self.call(query.apply(request)).await {
            Err(error) => Err(error.about_schema(crate::wire::SchemaKey::Id(id))),
            Ok(answer) => answer.json(),
        }
    }

    /// `GET /schemas/ids/{id}/schema`: its text alone.
    pub async fn schema_text_by_id(&self, id: SchemaId, query: &SchemaQuery) -> Result<String, Error> {
        let request = Request::get(&["schemas", "ids", &id.to_string(), "schema"]);
        match self.call(query.apply(request)).await {
            Err(error) => Err(error.about_schema(crate::wire::SchemaKey::Id(id))),
            Ok(answer) => answer.text(),
        }
    }

    /// `GET /schemas/ids/{id}/subjects`: the subjects that have it.
    pub async fn subjects_by_id(&self, id: SchemaId, query: &ListQuery) -> Result<Vec<String>, Error> {
        let request = Request::get(&["schemas", "ids", &id.to_string(), "subjects"]);
        self.call(query.apply(request)).await?.json()
    }

    /// `GET /schemas/ids/{id}/versions`: the versions that have it.
    pub async fn versions_by_id(
        &self,
        id: SchemaId,
        query: &ListQuery,
    ) -> Result<Vec<SubjectVersion>, Error> {
        let request = Request::get(&["schemas", "ids", &id.to_string(), "versions"]);
        self.call(query.apply(request)).await?.json()
    }

    /// `GET /schemas/guids/{guid}`: the schema with a content hash, without subject and version.
    ///
    /// Errors: [`Error::SchemaNotFound`].
    pub async fn schema_by_guid(&self, guid: Guid, query: &SchemaQuery) -> Result<SchemaString, Error> {
        let request = Request::get(&["schemas", "guids", &guid.to_string()]);
        match self.call(query.apply(request)).await {
            Err(error) => Err(error.about_schema(crate::wire::SchemaKey::Guid(guid))),
            Ok(answer) => answer.json(),
        }
    }

    /// `GET /schemas/guids/{guid}/ids`: its numbers, by context; empty when it is unknown.
    pub async fn ids_by_guid(&self, guid: Guid) -> Result<Vec<ContextId>, Error> {
        self.call(Request::get(&["schemas", "guids", &guid.to_string(), "ids"])).await?.json()
    }
}
