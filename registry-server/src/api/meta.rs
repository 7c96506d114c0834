//! The root, `/v1/metadata`, health and metrics.

use std::time::Instant;

use axum::response::IntoResponse as _;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde_json::json;

use super::call::Call;
use super::reply::{self, Reply};
use crate::metrics::StoreFigures;

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

/// A scrape answers whether or not the database does.
async fn store_figures(call: &Call) -> StoreFigures {
    let store = call.registry().store();
    let asked = Instant::now();
    if let Err(error) = store.ping().await {
        tracing::debug!(%error, "the database does not answer");
        return StoreFigures::default();
    }
    let mut figures = StoreFigures { answered_in: Some(asked.elapsed()), ..StoreFigures::default() };
    let Ok(mut snapshot) = store.read().await else { return figures };
    figures.unsealed = snapshot.unsealed_events().await.ok();
    figures.census = call.api.metrics().known_census();
    if figures.census.is_none() {
        figures.census = snapshot.census().await.ok();
        if let Some(census) = &figures.census {
            call.api.metrics().remember_census(census.clone());
        }
    }
    figures
}

pub(super) async fn metrics(call: Call) -> Reply {
    let (contents, bodies) = call.registry().caches().sizes();
    let store = store_figures(&call).await;
    let text = call.api.metrics().render(contents, bodies, &store);
    let content_type = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(CONTENT_TYPE, content_type)], text).into_response())
}
