//! `/associations` (releases from 8.2 on): which subjects belong to a topic.

use assay_schema_core::rest::Association;
use serde_json::Value;

use super::page;
use crate::client::RegistryClient;
use crate::client::request::{Method, Request};
use crate::error::Error;

/// Which associations a listing gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssociationQuery {
    /// `topic`, the only type there is.
    pub resource_type: Option<String>,
    /// `key`, `value`, or both when empty.
    pub association_types: Vec<String>,
    /// `STRONG` or `WEAK`.
    pub lifecycle: Option<String>,
    /// Entries to pass over.
    pub offset: Option<u32>,
    /// Most entries to give.
    pub limit: Option<u32>,
}

impl AssociationQuery {
    fn apply(&self, request: Request) -> Request {
        let request = request.query_some("resourceType", self.resource_type.as_deref());
        let types = self.association_types.iter();
        let request = types.fold(request, |request, name| request.query("associationType", name));
        page(request.query_some("lifecycle", self.lifecycle.as_deref()), self.offset, self.limit)
    }
}

impl RegistryClient {
    /// `GET /associations/resources/{namespace}/{name}`: what is associated with a resource; `-` stands for any
    /// namespace.
    ///
    /// Errors: [`Error::NotFound`] from a registry that knows no associations.
    pub async fn associations_by_name(
        &self,
        namespace: &str,
        name: &str,
        query: &AssociationQuery,
    ) -> Result<Vec<Association>, Error> {
        let request = Request::get(&["associations", "resources", namespace, name]);
        self.call(query.apply(request)).await?.json()
    }

    /// `GET /associations/resources/{id}`: what is associated with a resource.
    pub async fn associations_by_id(
        &self,
        id: &str,
        query: &AssociationQuery,
    ) -> Result<Vec<Association>, Error> {
        self.call(query.apply(Request::get(&["associations", "resources", id]))).await?.json()
    }

    /// `GET /associations/subjects/{subject}`: the resources a subject is associated with.
    pub async fn associations_by_subject(
        &self,
        subject: &str,
        query: &AssociationQuery,
    ) -> Result<Vec<Association>, Error> {
        self.call(query.apply(Request::get(&["associations", "subjects", subject]))).await?.json()
    }

    /// `POST /associations`: associates subjects with a resource. The body is the registry's
    /// `AssociationCreateOrUpdateRequest`.
    pub async fn create_association(&self, body: &Value, dry_run: bool) -> Result<Value, Error> {
        let request = Request::new(Method::Post, &["associations"]).flag("dryRun", dry_run).json(body);
        self.call(request).await?.json()
    }

    /// `PUT /associations/resources/{id}`: creates or changes the associations of a resource.
    pub async fn update_association(&self, id: &str, body: &Value, dry_run: bool) -> Result<Value, Error> {
        let request =
            Request::new(Method::Put, &["associations", "resources", id]).flag("dryRun", dry_run).json(body);
        self.call(request).await?.json()
    }

    /// `DELETE /associations/resources/{id}`: removes associations of a resource. `cascade` removes frozen ones too, and
    /// with strong ones their subjects.
    pub async fn delete_associations(
        &self,
        id: &str,
        query: &AssociationQuery,
        cascade: bool,
        dry_run: bool,
    ) -> Result<(), Error> {
        let request = Request::new(Method::Delete, &["associations", "resources", id])
            .flag("cascadeLifecycle", cascade)
            .flag("dryRun", dry_run);
        self.call(query.apply(request)).await.map(drop)
    }

    /// `POST /associations:batchGet`: many at once; errors stand in the answer, one for each.
    pub async fn batch_get_associations(&self, body: &Value, include_schemas: bool) -> Result<Value, Error> {
        let request = Request::action(Method::Post, "associations:batchGet")
            .flag("includeSchemas", include_schemas)
            .json(body);
        self.call(request).await?.json()
    }

    /// `POST /associations:batchMutate`: many changes at once; errors stand in the answer, one for each.
    pub async fn batch_mutate_associations(&self, body: &Value, dry_run: bool) -> Result<Value, Error> {
        let request =
            Request::action(Method::Post, "associations:batchMutate").flag("dryRun", dry_run).json(body);
        self.call(request).await?.json()
    }
}
