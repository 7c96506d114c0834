//! `/subjects`.

use std::collections::BTreeMap;

use assay_schema_core::rest::{RegisterSchemaRequest, RegisterSchemaResponse, Schema, TagSchemaRequest};
use assay_schema_core::{Version, VersionRef};

use super::{ListQuery, SchemaQuery};
use crate::client::RegistryClient;
use crate::client::request::{Method, Request};
use crate::error::Error;

/// How a schema is registered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one parameter of the endpoint")]
pub struct RegisterOptions {
    /// Registers the normal form of the text.
    pub normalize: bool,
    /// `resolved` puts the text of references in their places in the answer.
    pub format: Option<String>,
    /// Skips the compatibility check.
    pub force: bool,
    /// Answers what the real call would, and changes nothing. Only Assay's registry knows this.
    pub dry_run: bool,
    /// A refusal names the rule and both places of each problem. Only Assay's registry knows this.
    pub explain: bool,
}

/// How a schema is looked up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LookupOptions {
    /// Compares the normal form of the text.
    pub normalize: bool,
    /// Finds soft-deleted versions too.
    pub deleted: bool,
    /// `resolved` puts the text of references in their places in the answer.
    pub format: Option<String>,
}

impl RegistryClient {
    /// `GET /subjects`: names of subjects. Without a prefix those of all contexts.
    pub async fn subjects(&self, query: &ListQuery) -> Result<Vec<String>, Error> {
        self.call(query.apply(Request::get(&["subjects"]))).await?.json()
    }

    /// `POST /subjects/{subject}`: the version of a subject that has this content.
    ///
    /// Errors: [`Error::SubjectNotFound`], [`Error::SchemaNotRegistered`], [`Error::InvalidSchema`].
    pub async fn lookup_schema(
        &self,
        subject: &str,
        schema: &RegisterSchemaRequest,
        normalize: bool,
        deleted: bool,
    ) -> Result<Schema, Error> {
        let options = LookupOptions { normalize, deleted, format: None };
        self.lookup_schema_with(subject, schema, &options).await
    }

    /// `POST /subjects/{subject}` with all that can be asked of it.
    ///
    /// Errors: [`Error::SubjectNotFound`], [`Error::SchemaNotRegistered`], [`Error::InvalidSchema`].
    pub async fn lookup_schema_with(
        &self,
        subject: &str,
        schema: &RegisterSchemaRequest,
        options: &LookupOptions,
    ) -> Result<Schema, Error> {
        let request = Request::new(Method::Post, &["subjects", subject])
            .flag("normalize", options.normalize)
            .flag("deleted", options.deleted)
            .query_some("format", options.format.as_deref())
            .json(schema);
        match self.call(request).await {
            Err(error) => Err(error.about_registration(subject)),
            Ok(answer) => answer.json(),
        }
    }

    /// `DELETE /subjects/{subject}`: deletes all versions and gives their numbers. Soft-deleted first, then for ever with
    /// `permanent`.
    pub async fn delete_subject(&self, subject: &str, permanent: bool) -> Result<Vec<Version>, Error> {
        let request = Request::new(Method::Delete, &["subjects", subject]).flag("permanent", permanent);
        self.call(request).await?.json()
    }

    /// `GET /subjects/{subject}/metadata`: the highest version whose metadata has all of `properties`.
    pub async fn latest_schema_with_metadata(
        &self,
        subject: &str,
        properties: &BTreeMap<String, String>,
        query: &SchemaQuery,
    ) -> Result<Schema, Error> {
        let mut request = Request::get(&["subjects", subject, "metadata"]);
        for (key, value) in properties {
            request = request.query("key", key).query("value", value);
        }
        match self.call(query.apply(request)).await {
            Err(error) => Err(error.about_registration(subject)),
            Ok(answer) => answer.json(),
        }
    }

    /// `GET /subjects/{subject}/versions?deletedAsNegative=true`: all its versions, ascending, each with whether it is
    /// soft-deleted.
    pub async fn versions_with_deleted(&self, subject: &str) -> Result<Vec<(Version, bool)>, Error> {
        let request = Request::get(&["subjects", subject, "versions"])
            .flag("deleted", true)
            .flag("deletedAsNegative", true);
        let numbers: Vec<i32> = self.call(request).await?.json()?;
        let version = |number: i32| Some((Version::new(number.checked_abs()?)?, number < 0));
        Ok(numbers.into_iter().filter_map(version).collect())
    }

    /// `GET /subjects/{subject}/versions`: its version numbers, ascending.
    pub async fn versions(&self, subject: &str, query: &ListQuery) -> Result<Vec<Version>, Error> {
        self.call(query.apply(Request::get(&["subjects", subject, "versions"]))).await?.json()
    }

    /// `POST /subjects/{subject}/versions`: registers a schema, or finds it if it is registered already.
    ///
    /// Errors: [`Error::Incompatible`], [`Error::InvalidSchema`].
    pub async fn register_schema(
        &self,
        subject: &str,
        schema: &RegisterSchemaRequest,
        normalize: bool,
    ) -> Result<RegisterSchemaResponse, Error> {
        let options = RegisterOptions { normalize, ..RegisterOptions::default() };
        self.register_schema_with(subject, schema, &options).await
    }

    /// `POST /subjects/{subject}/versions` with all that can be asked of it.
    ///
    /// Errors: [`Error::Incompatible`], [`Error::InvalidSchema`].
    pub async fn register_schema_with(
        &self,
        subject: &str,
        schema: &RegisterSchemaRequest,
        options: &RegisterOptions,
    ) -> Result<RegisterSchemaResponse, Error> {
        let request = Request::new(Method::Post, &["subjects", subject, "versions"])
            .flag("normalize", options.normalize)
            .flag("force", options.force)
            .flag("dryRun", options.dry_run)
            .flag("explain", options.explain)
            .query_some("format", options.format.as_deref())
            .json(schema);
        self.call(request).await?.json()
    }

    /// `GET /subjects/{subject}/versions/{version}`: one version.
    ///
    /// Errors: [`Error::SubjectNotFound`], [`Error::VersionNotFound`].
    pub async fn schema_version(
        &self,
        subject: &str,
        version: VersionRef,
        query: &SchemaQuery,
    ) -> Result<Schema, Error> {
        let request = Request::get(&["subjects", subject, "versions", &text(version)]);
        self.call(query.apply(request)).await?.json()
    }

    /// `GET /subjects/{subject}/versions/{version}/schema`: its text alone.
    pub async fn schema_version_text(
        &self,
        subject: &str,
        version: VersionRef,
        query: &SchemaQuery,
    ) -> Result<String, Error> {
        let request = Request::get(&["subjects", subject, "versions", &text(version), "schema"]);
        self.call(query.apply(request)).await?.text()
    }

    /// `GET /subjects/{subject}/versions/{version}/referencedby`: ids of the schemas that refer to it.
    pub async fn referenced_by(
        &self,
        subject: &str,
        version: VersionRef,
        query: &ListQuery,
    ) -> Result<Vec<assay_schema_core::SchemaId>, Error> {
        let request = Request::get(&["subjects", subject, "versions", &text(version), "referencedby"]);
        self.call(query.apply(request)).await?.json()
    }

    /// `DELETE /subjects/{subject}/versions/{version}`: deletes a version and gives its number. Soft-deleted first, then for
    /// ever with `permanent`.
    pub async fn delete_version(
        &self,
        subject: &str,
        version: VersionRef,
        permanent: bool,
    ) -> Result<Version, Error> {
        let request = Request::new(Method::Delete, &["subjects", subject, "versions", &text(version)])
            .flag("permanent", permanent);
        self.call(request).await?.json()
    }

    /// `POST /subjects/{subject}/versions/{version}/tags`: makes a new version with other tags, metadata or rules.
    pub async fn tag_schema(
        &self,
        subject: &str,
        version: VersionRef,
        tags: &TagSchemaRequest,
    ) -> Result<RegisterSchemaResponse, Error> {
        let request =
            Request::new(Method::Post, &["subjects", subject, "versions", &text(version), "tags"]).json(tags);
        self.call(request).await?.json()
    }
}

/// A version as a path segment.
pub(super) fn text(version: VersionRef) -> String {
    match version {
        VersionRef::Number(version) => version.to_string(),
        VersionRef::Latest => "latest".to_owned(),
    }
}
