//! `/history`: recorded changes, and whether the record is whole.

use assay_schema_core::QualifiedSubject;
use serde::Serialize;

use super::call::Call;
use super::reply::{self, Reply};
use crate::registry::RegistryError;
use crate::store::{Event, EventFilter};

/// Most events in one answer.
const EVENTS_MAX: u32 = 1000;

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

/// `GET /history`: changes, oldest first; `subject`, `after` (a revision), `from` and `until` (times), `limit`.
pub(super) async fn list(call: Call) -> Reply {
    let query = &call.query;
    let subject = query.find("subject").filter(|subject| !subject.is_empty());
    if subject.is_some_and(|subject| subject.contains('\0')) {
        return Err(RegistryError::InvalidSubject { subject: subject.unwrap_or_default().to_owned() }.into());
    }
    let limit = query.number("limit")?.and_then(|limit| u32::try_from(limit).ok()).filter(|&limit| limit > 0);
    let filter = EventFilter {
        subject: subject.map(QualifiedSubject::parse),
        after_revision: query.number("after")?.unwrap_or(0),
        from_ms: query.time("from")?,
        until_ms: query.time("until")?,
        limit: limit.unwrap_or(EVENTS_MAX).min(EVENTS_MAX),
    };
    let events = call.registry().history(&filter).await?;
    reply::json(&events.into_iter().map(HistoryEvent::from).collect::<Vec<_>>())
}

/// `GET /history/verify`: the whole record against itself and the present state. One at a time.
pub(super) async fn verify(call: Call) -> Reply {
    let _turn = call.api.verifying().await;
    reply::json(&call.registry().verify_history().await?)
}
