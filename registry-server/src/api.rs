//! REST: HTTP in, one call on [`Registry`], a body out. No rules here.
//!
//! A request passes [`front`] (request id, paths, contexts, aliases, media types), the route table below, and one handler.

mod associations;
mod body;
mod call;
mod compatibility;
mod config;
mod contexts;
mod diff;
mod error;
mod front;
mod history;
mod meta;
mod mode;
mod paths;
mod query;
mod reply;
mod schemas;
mod subjects;

use std::sync::Arc;

use axum::Router;
use axum::routing::MethodRouter;

use crate::metrics::Metrics;
use crate::registry::Registry;
use crate::server::ServeOptions;

pub(crate) use call::Peer;
pub(crate) use front::Front;

/// What handlers share.
#[derive(Clone)]
pub(crate) struct Api {
    inner: Arc<Inner>,
}

struct Inner {
    registry: Registry,
    options: ServeOptions,
    metrics: Metrics,
    tasks: tokio_util::task::TaskTracker,
    verifying: tokio::sync::Mutex<()>,
}

impl Api {
    pub(crate) fn registry(&self) -> &Registry {
        &self.inner.registry
    }

    pub(crate) fn options(&self) -> &ServeOptions {
        &self.inner.options
    }

    /// Waits for the turn to verify the history: the walk reads the whole database.
    pub(crate) async fn verifying(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.inner.verifying.lock().await
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }
}

macro_rules! routes {
    ($($path:literal => $($method:ident $handler:path),+;)+) => {
        /// Every path with its methods, as `openapi.yaml` must list them.
        pub const ROUTES: &[(&str, &str)] = &[$($(($path, stringify!($method)),)+)+];

        fn table() -> Router<Api> {
            Router::new()$(.route($path, MethodRouter::new()$(.$method($handler))+))+
        }
    };
}

routes! {
    "/" => get meta::root, post meta::root;
    "/v1/metadata/id" => get meta::cluster_id;
    "/v1/metadata/version" => get meta::version;
    "/v1/metadata/deployment" => get meta::deployment;
    "/schemas" => get schemas::list;
    "/schemas/types" => get schemas::types;
    "/schemas/ids/{id}" => get schemas::by_id;
    "/schemas/ids/{id}/schema" => get schemas::text_by_id;
    "/schemas/ids/{id}/subjects" => get schemas::subjects_of_id;
    "/schemas/ids/{id}/versions" => get schemas::versions_of_id;
    "/schemas/guids/{guid}" => get schemas::by_guid;
    "/schemas/guids/{guid}/ids" => get schemas::ids_of_guid;
    "/subjects" => get subjects::list;
    "/subjects/{subject}" => post subjects::lookup, delete subjects::delete;
    "/subjects/{subject}/metadata" => get subjects::by_metadata;
    "/subjects/{subject}/versions" => get subjects::versions, post subjects::register;
    "/subjects/{subject}/versions/{version}" => get subjects::version, delete subjects::delete_version;
    "/subjects/{subject}/versions/{version}/schema" => get subjects::version_text;
    "/subjects/{subject}/versions/{version}/referencedby" => get subjects::referenced_by;
    "/subjects/{subject}/versions/{version}/tags" => post subjects::change_tags;
    "/subjects/{subject}/versions/{version}/diff" => post diff::posted;
    "/subjects/{subject}/versions/{version}/diff/{other}" => get diff::versions;
    "/compatibility/subjects/{subject}/versions" => post compatibility::with_level;
    "/compatibility/subjects/{subject}/versions/{version}" => post compatibility::with_version;
    "/config" => get config::get_global, put config::put_global, delete config::delete_global;
    "/config/{subject}" => get config::get, put config::put, delete config::delete;
    "/mode" => get mode::get_global, put mode::put_global, delete mode::delete_global;
    "/mode/{subject}" => get mode::get, put mode::put, delete mode::delete;
    "/contexts" => get contexts::list;
    "/contexts/{context}" => delete contexts::delete;
    "/associations" => post associations::create;
    "/associations:batchGet" => post associations::batch_get;
    "/associations:batchMutate" => post associations::batch_mutate;
    "/associations/subjects/{subject}" => get associations::by_subject;
    "/associations/resources/{resource}" => get associations::by_resource, put associations::upsert, delete associations::delete;
    "/associations/resources/{namespace}/{name}" => get associations::by_name;
    "/history" => get history::list;
    "/history/verify" => get history::verify;
    "/health/live" => get meta::live;
    "/health/ready" => get meta::ready;
    "/metrics" => get meta::metrics;
}

/// The service that answers all requests of a registry.
pub(crate) fn service(
    registry: Registry,
    options: ServeOptions,
    tasks: tokio_util::task::TaskTracker,
) -> Front {
    let api = Api {
        inner: Arc::new(Inner {
            registry,
            options,
            metrics: Metrics::default(),
            tasks,
            verifying: tokio::sync::Mutex::default(),
        }),
    };
    let router = table()
        .method_not_allowed_fallback(front::method_not_allowed)
        .fallback(front::not_found)
        .route_layer(axum::middleware::from_fn(front::note_route))
        .with_state(api.clone());
    Front::new(api, router)
}
