//! The root, `/v1/metadata`, history, health and metrics.

use axum::response::IntoResponse as _;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use serde_json::json;

use super::call::Call;
use super::reply::{self, Reply};
use crate::registry::RegistryError;
use crate::store::{Event, EventFilter};

/// Most events in one answer.
const HISTORY_MAX: u32 = 1000;

pub(super) async fn root(_: Call) -> Reply {
    reply::json(&json!({}))
}

pub(super) async fn cluster_id(call: Call) -> Reply {
    let registry = call.registry();
    let clusters = json!({
        "kafka-cluster": registry.store().cluster_id(),
        "schema-registry-cluster": registry.config().group_id,
    });
    reply::json(&json!({ "scope": { "path": [], "clusters": clusters } }))
}

pub(super) async fn version(call: Call) -> Reply {
    let options = call.api.options();
    reply::json(&json!({ "version": options.version, "commitId": options.commit }))
}

pub(super) async fn deployment(_: Call) -> Reply {
    reply::json(&json!({ "attributes": [] }))
}

/// Alive as long as it answers.
pub(super) async fn live(_: Call) -> Reply {
    reply::json(&json!({ "status": "UP" }))
}

/// Ready while the database answers.
pub(super) async fn ready(call: Call) -> Reply {
    match call.registry().store().ping().await {
        Ok(()) => reply::json(&json!({ "status": "UP" })),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            let mut response = reply::json(&json!({ "status": "DOWN", "reason": error.to_string() }))?;
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            Ok(response)
        }
    }
}

pub(super) async fn metrics(call: Call) -> Reply {
    let (contents, bodies) = call.registry().caches().sizes();
    let text = call.api.metrics().render(contents, bodies);
    let content_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(CONTENT_TYPE, content_type)], text).into_response())
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HistoryEvent {
    revision: i64,
    ts: i64,
    principal: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    action: String,
    subject: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<serde_json::Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seal: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hash: Option<String>,
}

impl From<Event> for HistoryEvent {
    fn from(event: Event) -> Self {
        let parse = |text: Option<String>| text.and_then(|text| serde_json::from_str(&text).ok());
        Self {
            revision: event.revision,
            ts: event.ts_ms,
            principal: event.principal,
            address: event.address,
            request_id: event.request_id,
            action: event.action,
            subject: event.subject.to_string(),
            version: event.version.map(assay_schema_core::Version::get),
            id: event.id.map(assay_schema_core::SchemaId::get),
            before: parse(event.before),
            after: parse(event.after),
            seal: event.seal,
            hash: event.hash.map(hex::encode),
        }
    }
}

/// `GET /history`: changes, oldest first; `subject`, `after` (a revision), `from` and `until` (epoch milliseconds), `limit`.
pub(super) async fn history(call: Call) -> Reply {
    let query = &call.query;
    let number = |name: &str| query.find(name).and_then(|text| text.parse::<i64>().ok());
    let subject = query.find("subject").filter(|subject| !subject.is_empty());
    if subject.is_some_and(|subject| subject.contains('\0')) {
        return Err(RegistryError::InvalidSubject { subject: subject.unwrap_or_default().to_owned() }.into());
    }
    let limit = number("limit").and_then(|limit| u32::try_from(limit).ok()).filter(|&limit| limit > 0);
    let filter = EventFilter {
        subject: subject.map(assay_schema_core::QualifiedSubject::parse),
        after_revision: number("after").unwrap_or(0),
        from_ms: number("from"),
        until_ms: number("until"),
        limit: limit.unwrap_or(HISTORY_MAX).min(HISTORY_MAX),
    };
    let events = call.registry().history(&filter).await?;
    reply::json(&events.into_iter().map(HistoryEvent::from).collect::<Vec<_>>())
}
