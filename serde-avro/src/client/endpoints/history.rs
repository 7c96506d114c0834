//! `/history`, `/health` and `/metrics`, of Assay's registry alone.

use crate::client::request::Request;
use crate::client::{HistoryCheck, HistoryEvent, RegistryClient};
use crate::error::Error;

/// Which recorded changes a listing gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Only those of a subject, or of a context as `:.ctx:`.
    pub subject: Option<String>,
    /// Only later revisions.
    pub after: Option<i64>,
    /// Only from this time on: milliseconds since 1970, or as RFC 3339 writes it.
    pub from: Option<String>,
    /// Only before this time.
    pub until: Option<String>,
    /// Most changes to give; the registry's limit when absent.
    pub limit: Option<u32>,
}

impl RegistryClient {
    /// `GET /history`: who changed what, oldest first.
    pub async fn history(&self, query: &HistoryQuery) -> Result<Vec<HistoryEvent>, Error> {
        let after = query.after.map(|after| after.to_string());
        let limit = query.limit.map(|limit| limit.to_string());
        let request = Request::get(&["history"])
            .query_some("subject", query.subject.as_deref())
            .query_some("after", after.as_deref())
            .query_some("from", query.from.as_deref())
            .query_some("until", query.until.as_deref())
            .query_some("limit", limit.as_deref());
        self.call(request).await?.json()
    }

    /// `GET /history/verify`: whether the record of changes is whole and agrees with what is stored. Reads everything.
    pub async fn verify_history(&self) -> Result<HistoryCheck, Error> {
        self.call(Request::get(&["history", "verify"])).await?.json()
    }

    /// `GET /health/ready`: whether the registry can serve every request. [`Error::RegistryUnavailable`] when it cannot.
    pub async fn ready(&self) -> Result<(), Error> {
        self.call(Request::get(&["health", "ready"])).await.map(drop)
    }

    /// `GET /health/live`: whether the process answers.
    pub async fn live(&self) -> Result<(), Error> {
        self.call(Request::get(&["health", "live"])).await.map(drop)
    }

    /// `GET /metrics`: the registry's own numbers, in the text format of Prometheus.
    pub async fn server_metrics(&self) -> Result<String, Error> {
        self.call(Request::get(&["metrics"])).await?.text()
    }
}
