//! `/associations` (releases from 8.2 on): which subjects belong to a topic.

mod bodies;

use assay_schema_core::rest::Association;
use serde::Serialize;

pub use bodies::{
    AssociationAnswer, AssociationGet, AssociationInfo, AssociationInput, AssociationOperation,
    AssociationRequest, AssociationResult,
};

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

/// How associations are changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssociationOptions {
    /// Context of subjects that name none, as `.ctx`.
    pub context: Option<String>,
    /// Checks everything and changes nothing.
    pub dry_run: bool,
}

impl AssociationOptions {
    fn apply(&self, request: Request) -> Request {
        request.query_some("context", self.context.as_deref()).flag("dryRun", self.dry_run)
    }
}

/// The body of a batch.
#[derive(Serialize)]
struct Batch<'a, T> {
    requests: &'a [T],
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

    /// `POST /associations`: associates subjects with a resource. Repeating the same request is no error.
    ///
    /// Errors: [`Error::Incompatible`] (409) when the resource has other associations already.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = assay_registry_server::testing::Registry::start().await?;
    /// # let client = assay_serde_avro::RegistryClient::new(&server.url())?;
    /// use assay_serde_avro::client::{AssociationInput, AssociationOptions, AssociationRequest};
    ///
    /// let text = r#"{"type":"record","name":"Order","fields":[]}"#;
    /// let value = AssociationInput::strong("value").with_schema(text);
    /// let request = AssociationRequest::topic("lkc-1", "orders", "topic-id-1", vec![value]);
    /// let made = client.create_association(&request, &AssociationOptions::default()).await?;
    /// assert_eq!(made.associations[0].subject, ":.lkc-1:orders-value");
    /// # Ok(()) }
    /// ```
    pub async fn create_association(
        &self,
        association: &AssociationRequest,
        options: &AssociationOptions,
    ) -> Result<AssociationAnswer, Error> {
        let request = Request::new(Method::Post, &["associations"]).json(association);
        self.call(options.apply(request)).await?.json()
    }

    /// `PUT /associations/resources/{id}`: creates or changes the associations of a resource.
    pub async fn update_association(
        &self,
        id: &str,
        association: &AssociationRequest,
        options: &AssociationOptions,
    ) -> Result<AssociationAnswer, Error> {
        let request = Request::new(Method::Put, &["associations", "resources", id]).json(association);
        self.call(options.apply(request)).await?.json()
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

    /// `POST /associations:batchGet`: the associations of many resources, each found or refused on its own.
    /// `include_schemas` adds the latest version of each subject. At most 1000 at once.
    pub async fn batch_get_associations(
        &self,
        resources: &[AssociationGet],
        include_schemas: bool,
    ) -> Result<Vec<AssociationResult>, Error> {
        let request = Request::action(Method::Post, "associations:batchGet")
            .flag("includeSchemas", include_schemas)
            .json(&Batch { requests: resources });
        bodies::results(&self.call(request).await?)
    }

    /// `POST /associations:batchMutate`: changes the associations of many resources, each on its own; every
    /// [`AssociationInput`] says by its `op_type` what is done. At most 1000 at once.
    pub async fn batch_mutate_associations(
        &self,
        changes: &[AssociationRequest],
        options: &AssociationOptions,
    ) -> Result<Vec<AssociationResult>, Error> {
        let request =
            Request::action(Method::Post, "associations:batchMutate").json(&Batch { requests: changes });
        bodies::results(&self.call(options.apply(request)).await?)
    }
}
