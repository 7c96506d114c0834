//! `/compatibility`.

use assay_schema_core::VersionRef;
use assay_schema_core::rest::{CompatibilityCheckResponse, RegisterSchemaRequest};

use super::subjects::text;
use crate::client::request::{Method, Request};
use crate::client::{CompatibilityExplanation, RegistryClient};
use crate::error::Error;

/// How much a compatibility check says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Verdict {
    /// Yes or no.
    #[default]
    Short,
    /// With the reasons.
    Verbose,
}

impl RegistryClient {
    /// `POST /compatibility/subjects/{subject}/versions/{version}`: whether a schema could follow this version. Writes
    /// nothing.
    pub async fn check_compatibility(
        &self,
        subject: &str,
        version: VersionRef,
        schema: &RegisterSchemaRequest,
        normalize: bool,
        verdict: Verdict,
    ) -> Result<CompatibilityCheckResponse, Error> {
        let path = ["compatibility", "subjects", subject, "versions", &text(version)];
        self.check(&path, schema, normalize, verdict).await
    }

    /// `POST /compatibility/subjects/{subject}/versions`: whether a schema could be registered. Writes nothing.
    pub async fn check_compatibility_with_all(
        &self,
        subject: &str,
        schema: &RegisterSchemaRequest,
        normalize: bool,
        verdict: Verdict,
    ) -> Result<CompatibilityCheckResponse, Error> {
        self.check(&["compatibility", "subjects", subject, "versions"], schema, normalize, verdict).await
    }

    /// `POST /compatibility/subjects/{subject}/versions?explain=true`: whether a schema could be registered, for each
    /// problem which rule it breaks, where in both texts, and why, and edits that would make it acceptable. Only Assay's
    /// registry knows this; from another the answer has the verdict alone.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = assay_registry_server::testing::Registry::start().await?;
    /// # let client = assay_serde_avro::RegistryClient::new(&server.url())?;
    /// use assay_serde_avro::schema::rest::RegisterSchemaRequest;
    ///
    /// let schema = |fields: &str| RegisterSchemaRequest {
    ///     schema: Some(format!(r#"{{"type":"record","name":"Order","fields":[{fields}]}}"#)),
    ///     ..RegisterSchemaRequest::default()
    /// };
    /// client.register_schema("orders-value", &schema(""), false).await?;
    /// let wider = schema(r#"{"name":"id","type":"long"}"#);
    /// let explained = client.explain_compatibility("orders-value", &wider, false).await?;
    /// assert!(!explained.is_compatible);
    /// assert_eq!(explained.problems[0].rule, "READER_FIELD_MISSING_DEFAULT_VALUE");
    /// assert_eq!(explained.problems[0].after.pointer, "/fields/0");
    /// println!("{}", explained.edits[0].description);
    /// # Ok(()) }
    /// ```
    pub async fn explain_compatibility(
        &self,
        subject: &str,
        schema: &RegisterSchemaRequest,
        normalize: bool,
    ) -> Result<CompatibilityExplanation, Error> {
        self.explain(&["compatibility", "subjects", subject, "versions"], schema, normalize).await
    }

    /// `POST /compatibility/subjects/{subject}/versions/{version}?explain=true`: the same for one version.
    pub async fn explain_compatibility_with(
        &self,
        subject: &str,
        version: VersionRef,
        schema: &RegisterSchemaRequest,
        normalize: bool,
    ) -> Result<CompatibilityExplanation, Error> {
        let path = ["compatibility", "subjects", subject, "versions", &text(version)];
        self.explain(&path, schema, normalize).await
    }

    async fn explain(
        &self,
        path: &[&str],
        schema: &RegisterSchemaRequest,
        normalize: bool,
    ) -> Result<CompatibilityExplanation, Error> {
        let request =
            Request::new(Method::Post, path).flag("normalize", normalize).flag("explain", true).json(schema);
        self.call(request).await?.json()
    }

    async fn check(
        &self,
        path: &[&str],
        schema: &RegisterSchemaRequest,
        normalize: bool,
        verdict: Verdict,
    ) -> Result<CompatibilityCheckResponse, Error> {
        let request = Request::new(Method::Post, path)
            .flag("normalize", normalize)
            .flag("verbose", verdict == Verdict::Verbose)
            .json(schema);
        self.call(request).await?.json()
    }
}
