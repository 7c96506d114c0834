//! `/contexts`.

use assay_schema_core::Context;

use super::{ListQuery, page};
use crate::client::RegistryClient;
use crate::client::request::{Method, Request};
use crate::error::Error;

impl RegistryClient {
    /// `GET /contexts`: names of contexts, the default one first. Only the page of `query` is used.
    pub async fn contexts(&self, query: &ListQuery) -> Result<Vec<String>, Error> {
        self.call(page(Request::get(&["contexts"]), query.offset, query.limit)).await?.json()
    }

    /// `GET /contexts?contextPrefix=`: names of contexts that start with `prefix`, such as `.prod`.
    pub async fn contexts_with_prefix(&self, prefix: &str) -> Result<Vec<String>, Error> {
        self.call(Request::get(&["contexts"]).query("contextPrefix", prefix)).await?.json()
    }

    /// `DELETE /contexts/{context}`: forgets an empty context.
    ///
    /// Errors: [`Error::Refused`] with code 42211 when a subject is left in it, soft-deleted ones included.
    pub async fn delete_context(&self, context: &Context) -> Result<(), Error> {
        self.call(Request::new(Method::Delete, &["contexts", context.as_str()])).await.map(drop)
    }
}
