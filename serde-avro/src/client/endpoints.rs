//! The endpoints, in the order of the REST documentation.

mod associations;
mod compatibility;
mod config;
mod contexts;
mod diff;
mod history;
mod schemas;
mod subjects;

use super::request::Request;

pub use associations::{
    AssociationAnswer, AssociationGet, AssociationInfo, AssociationInput, AssociationOperation,
    AssociationOptions, AssociationQuery, AssociationRequest, AssociationResult,
};
pub use compatibility::Verdict;
pub use history::HistoryQuery;
pub use schemas::{ClusterId, ClusterScope, Deployment, ServerVersion};
pub use subjects::{LookupOptions, RegisterOptions};

/// Which entries a listing gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListQuery {
    /// Soft-deleted entries too.
    pub deleted: bool,
    /// Soft-deleted entries alone.
    pub deleted_only: bool,
    /// Subjects that start with this; `:*:` for all contexts, `:.ctx:` for one. The registry's default when absent.
    pub subject_prefix: Option<String>,
    /// A subject, or a context as `:.ctx:`: for lists by id, the context that the id belongs to.
    pub subject: Option<String>,
    /// Entries to pass over.
    pub offset: Option<u32>,
    /// Most entries to give; the registry's limit when absent.
    pub limit: Option<u32>,
    /// The list as it was then. Only Assay's registry knows this.
    pub as_of: Option<AsOf>,
}

/// A moment in the registry's past.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AsOf {
    /// After this revision of its history.
    Revision(i64),
    /// At this time, as RFC 3339 writes it.
    Time(String),
}

impl std::fmt::Display for AsOf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Revision(revision) => revision.fmt(f),
            Self::Time(time) => time.fmt(f),
        }
    }
}

fn as_of(request: Request, moment: Option<&AsOf>) -> Request {
    match moment {
        Some(moment) => request.query("asOf", &moment.to_string()),
        None => request,
    }
}

impl ListQuery {
    pub(super) fn apply(&self, request: Request) -> Request {
        let request = request
            .flag("deleted", self.deleted)
            .flag("deletedOnly", self.deleted_only)
            .query_some("subjectPrefix", self.subject_prefix.as_deref())
            .query_some("subject", self.subject.as_deref());
        page(as_of(request, self.as_of.as_ref()), self.offset, self.limit)
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
    /// `qualified` names the context of every reference.
    pub reference_format: Option<String>,
    /// Adds the places that have one of these tags; `*` for all.
    pub find_tags: Vec<String>,
    /// The version as it was then, where the endpoint knows this. Only Assay's registry does.
    pub as_of: Option<AsOf>,
}

impl SchemaQuery {
    pub(super) fn apply(&self, request: Request) -> Request {
        let request = request
            .query_some("subject", self.subject.as_deref())
            .query_some("format", self.format.as_deref())
            .query_some("referenceFormat", self.reference_format.as_deref())
            .flag("deleted", self.deleted)
            .flag("fetchMaxId", self.fetch_max_id);
        let request = self.find_tags.iter().fold(request, |request, tag| request.query("findTags", tag));
        as_of(request, self.as_of.as_ref())
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
    /// Only schemas of subjects whose association has this state: `STRONG`, `WEAK`, or `NONE` for none at all.
    pub lifecycles: Vec<String>,
    /// Only schemas associated with resources of this type.
    pub resource_type: Option<String>,
    /// Only schemas associated as `key` or `value`.
    pub association_types: Vec<String>,
}

fn page(request: Request, offset: Option<u32>, limit: Option<u32>) -> Request {
    let offset = offset.map(|offset| offset.to_string());
    let limit = limit.map(|limit| limit.to_string());
    request.query_some("offset", offset.as_deref()).query_some("limit", limit.as_deref())
}
