//! The endpoints, in the order of the REST documentation.

mod associations;
mod compatibility;
mod config;
mod contexts;
mod schemas;
mod subjects;

use super::request::Request;

pub use associations::AssociationQuery;
pub use compatibility::Verdict;
pub use schemas::{ClusterId, ClusterScope, ServerVersion};

/// Which entries a listing gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Soft-deleted entries too.
    pub deleted: bool,
    /// Soft-deleted entries alone.
    pub deleted_only: bool,
    /// Subjects that start with this; `:*:` for all contexts, `:.ctx:` for one. The registry's default when absent.
    pub subject_prefix: Option<String>,
    /// Entries to pass over.
    pub offset: Option<u32>,
    /// Most entries to give; the registry's limit when absent.
    pub limit: Option<u32>,
}

impl ListQuery {
    pub(super) fn apply(&self, request: Request) -> Request {
        page(
            request
                .flag("deleted", self.deleted)
                .flag("deletedOnly", self.deleted_only)
                .query_some("subjectPrefix", self.subject_prefix.as_deref()),
            self.offset,
            self.limit,
        )
    }
}

/// How one schema is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemaQuery {
    /// A subject, or a context as `:.ctx:`: the context that an id belongs to.
    pub subject: Option<String>,
    /// `resolved` puts the text of references in their places.
    pub format: Option<String>,
    /// Finds soft-deleted versions too, where the endpoint knows this.
    pub deleted: bool,
    /// Adds the highest id of the context, where the endpoint knows this.
    pub fetch_max_id: bool,
}

impl SchemaQuery {
    pub(super) fn apply(&self, request: Request) -> Request {
        request
            .query_some("subject", self.subject.as_deref())
            .query_some("format", self.format.as_deref())
            .flag("deleted", self.deleted)
            .flag("fetchMaxId", self.fetch_max_id)
    }
}

/// Which schemas `GET /schemas` gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SchemasQuery {
    /// Subjects, deleted ones, and the page.
    pub list: ListQuery,
    /// Only the latest version of each subject.
    pub latest_only: bool,
    /// Adds names and schemas reached through aliases.
    pub aliases: bool,
    /// Only schemas with a rule of this type.
    pub rule_type: Option<String>,
}

fn page(request: Request, offset: Option<u32>, limit: Option<u32>) -> Request {
    let offset = offset.map(|offset| offset.to_string());
    let limit = limit.map(|limit| limit.to_string());
    request.query_some("offset", offset.as_deref()).query_some("limit", limit.as_deref())
}
