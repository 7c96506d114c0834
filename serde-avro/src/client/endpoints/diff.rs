//! `/subjects/{subject}/versions/{version}/diff`, of Assay's registry alone.

use assay_schema_core::VersionRef;
use assay_schema_core::rest::RegisterSchemaRequest;

use super::subjects::text;
use crate::client::request::{Method, Request};
use crate::client::{RegistryClient, SchemaDiff};
use crate::error::Error;

impl RegistryClient {
    /// `GET /subjects/{subject}/versions/{from}/diff/{to}`: what changed from one version to another, by meaning and not by
    /// text. `deleted` finds soft-deleted versions too.
    pub async fn diff_versions(
        &self,
        subject: &str,
        from: VersionRef,
        to: VersionRef,
        deleted: bool,
    ) -> Result<SchemaDiff, Error> {
        let path = ["subjects", subject, "versions", &text(from), "diff", &text(to)];
        self.call(Request::get(&path).flag("deleted", deleted)).await?.json()
    }

    /// `POST /subjects/{subject}/versions/{from}/diff`: what would change from a version to `schema`. Writes nothing.
    /// `deleted` finds a soft-deleted version too.
    pub async fn diff_schema(
        &self,
        subject: &str,
        from: VersionRef,
        schema: &RegisterSchemaRequest,
        normalize: bool,
        deleted: bool,
    ) -> Result<SchemaDiff, Error> {
        let path = ["subjects", subject, "versions", &text(from), "diff"];
        let request = Request::new(Method::Post, &path)
            .flag("normalize", normalize)
            .flag("deleted", deleted)
            .json(schema);
        self.call(request).await?.json()
    }
}
