//! `/compatibility`.

use assay_schema_core::VersionRef;
use assay_schema_core::rest::{CompatibilityCheckResponse, RegisterSchemaRequest};

use serde_json::Value;

use super::subjects::text;
use crate::client::RegistryClient;
use crate::client::request::{Method, Request};
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

    /// `POST /compatibility/subjects/{subject}/versions?explain=true`: whether a schema could be registered, and for each
    /// problem which rule it breaks, where in both texts, and why. Only Assay's registry knows this.
    pub async fn explain_compatibility(
        &self,
        subject: &str,
        schema: &RegisterSchemaRequest,
        normalize: bool,
    ) -> Result<Value, Error> {
        let request = Request::new(Method::Post, &["compatibility", "subjects", subject, "versions"])
            .flag("normalize", normalize)
            .flag("explain", true)
            .json(schema);
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
