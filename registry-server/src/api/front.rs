//! What every request passes before its handler: request id, path and query, media types, metrics; and what every answer gets.
//!
//! Requests that change something run in a task of their own, so that a client that hangs up does not cancel a change half-way.

mod known;
mod request_id;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::header::{ACCEPT, ALLOW, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Uri};
use tower::{Service, ServiceExt as _};
use tracing::Instrument as _;

use super::Api;
use super::call::RequestId;
use super::error::ApiError;
use super::paths::Path;
use super::query::Query;
use super::reply::More;

pub(super) use known::Settled;

/// Media types offered, by preference.
const OFFERED: [&str; 3] =
    ["application/vnd.schemaregistry.v1+json", "application/vnd.schemaregistry+json", "application/json"];
/// Offered where a compatibility verdict can be explained, to those who name it.
const EXPLAINED: &str = "application/vnd.assay.compatibility.v1+json";
/// Taken as JSON, as is a body without a type.
const OCTETS: &str = "application/octet-stream";

/// The outermost service of the registry's REST interface.
#[derive(Clone)]
pub(crate) struct Front {
    api: Api,
    router: Router,
}

impl Front {
    pub(super) fn new(api: Api, router: Router) -> Self {
        Self { api, router }
    }
}

impl Service<Request> for Front {
    type Response = Response;
    type Error = std::convert::Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let front = self.clone();
        Box::pin(async move { Ok(front.answer(request).await) })
    }
}

impl Front {
    async fn answer(self, mut request: Request) -> Response {
        let started = Instant::now();
        let method = request.method().clone();
        let request_id = request_id::of(request.headers());
        let text = request_id.to_str().unwrap_or_default().to_owned();
        request.extensions_mut().insert(RequestId(text));
        let media_type = accepted(&request);
        let explained = media_type == Some(EXPLAINED);
        let (mut response, known) = match media_type {
            Some(_) => match self.ask(&mut request).await {
                Ok(Some((asked, Some(body)))) => {
                    self.api.metrics().cache(true);
                    (super::reply::bytes(body), Some(asked.route))
                }
                Ok(Some((asked, None))) => {
                    let response = self.prepare_and_route(request, explained).await;
                    (self.remember(asked, response).await, None)
                }
                Ok(None) => (self.prepare_and_route(request, explained).await, None),
                Err(error) => (error.into_response(), None),
            },
            None => (ApiError::NotAcceptable.into_response(), None),
        };
        let headers = response.headers_mut();
        headers.entry(CONTENT_TYPE).or_insert_with(|| {
            HeaderValue::from_static(media_type.unwrap_or("application/vnd.schemaregistry.v1+json"))
        });
        headers.insert(request_id::X_REQUEST_ID, request_id.clone());
        let matched = response.extensions_mut().remove::<MatchedPath>();
        let route = known.unwrap_or_else(|| matched.as_ref().map_or("unmatched", MatchedPath::as_str));
        let elapsed = started.elapsed();
        self.api.metrics().request(&method, route, response.status(), elapsed);
        tracing::debug!(%method, route, status = response.status().as_u16(), ?elapsed, ?request_id, "request");
        response
    }

    async fn prepare_and_route(&self, mut request: Request, explained: bool) -> Response {
        match self.prepare(&mut request, explained) {
            Ok(()) => self.route(request).await,
            Err(error) => error.into_response(),
        }
    }

    /// Brings path and query to the form the router knows and checks the body's type.
    fn prepare(&self, request: &mut Request, explain: bool) -> Result<(), ApiError> {
        let mut path = Path::parse(request.uri().path())?;
        let mut query = Query::parse(request.uri().query().unwrap_or_default());
        path.enter_context(&mut query)?;
        if explain {
            query.rewrite("explain", |_| "true".to_owned());
        }
        let registry = self.api.registry();
        if registry.has_aliases() {
            path.follow_aliases(&mut query, |subject| registry.alias_target(subject));
        }
        if let Some(path) = path.rewritten() {
            let path = path.parse::<PathAndQuery>().map_err(|_| ApiError::AmbiguousPath)?;
            *request.uri_mut() = Uri::from(path);
        }
        request.extensions_mut().insert(query);
        if has_body(request) && !is_json(request.headers()) {
            return Err(ApiError::UnsupportedMediaType);
        }
        Ok(())
    }

    async fn route(&self, request: Request) -> Response {
        let changes = matches!(*request.method(), Method::POST | Method::PUT | Method::DELETE);
        let options = request.method() == Method::OPTIONS;
        let request_id = request.extensions().get::<RequestId>().map_or("", |id| id.0.as_str());
        let (method, path) = (request.method(), request.uri().path());
        let span = tracing::info_span!("request", %method, path, request_id);
        let call = self.router.clone().oneshot(request).instrument(span);
        let outcome = if changes {
            self.api
                .inner
                .tasks
                .spawn(call)
                .await
                .map_err(|error| tracing::error!(%error, "a request failed"))
        } else {
            Ok(call.await)
        };
        match outcome {
            Ok(Ok(response)) if options => allow(response),
            Ok(Ok(response)) => response,
            Ok(Err(never)) => match never {},
            Err(()) => {
                let status = http::StatusCode::INTERNAL_SERVER_ERROR;
                super::reply::error(status, 500, "Internal Server Error", &More::default())
            }
        }
    }
}

/// The offered type the client likes best: the highest `q`, by our preference among equals. Without `Accept`, the first.
fn accepted<B>(request: &http::Request<B>) -> Option<&'static str> {
    let headers = request.headers();
    // Health probes and scrapers ask for text; those paths answer theirs whatever is asked.
    let path = request.uri().path();
    if !headers.contains_key(ACCEPT) || path == "/metrics" || path.starts_with("/health/") {
        return OFFERED.first().copied();
    }
    let mut best: Option<(&'static str, f32)> = None;
    let explained = can_explain(request).then_some(EXPLAINED);
    for offered in OFFERED.into_iter().chain(explained) {
        let quality = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|range| quality_of(range, offered))
            .max_by_key(|&(specificity, _)| specificity);
        if let Some((_, quality)) = quality.filter(|&(_, quality)| quality > 0.0)
            && best.is_none_or(|(_, known)| quality > known)
        {
            best = Some((offered, quality));
        }
    }
    best.map(|(offered, _)| offered)
}

/// How specific a media range is for a type, and its `q`; nothing if it does not match.
fn quality_of(range: &str, offered: &str) -> Option<(u8, f32)> {
    let mut parts = range.split(';').map(str::trim);
    let name = parts.next()?;
    let specificity = match name {
        "*/*" | "*" => 0,
        "application/*" => 1,
        name if name.eq_ignore_ascii_case(offered) => 2,
        _ => return None,
    };
    let quality =
        parts.find_map(|part| part.strip_prefix("q=")).and_then(|text| text.parse().ok()).unwrap_or(1.0);
    Some((specificity, quality))
}

/// Whether the request is a compatibility check or a registration.
fn can_explain<B>(request: &http::Request<B>) -> bool {
    let path = request.uri().path();
    let path = path.strip_suffix('/').unwrap_or(path);
    *request.method() == Method::POST && (path.contains("/compatibility/") || path.ends_with("/versions"))
}

fn has_body(request: &Request) -> bool {
    let headers = request.headers();
    let empty = headers.get(CONTENT_LENGTH).is_none_or(|length| length == "0");
    matches!(*request.method(), Method::POST | Method::PUT)
        && (!empty || headers.contains_key(TRANSFER_ENCODING) || headers.contains_key(CONTENT_TYPE))
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let Ok(text) = value.to_str() else { return false };
    let name = text.split(';').next().unwrap_or_default().trim();
    name.eq_ignore_ascii_case(OCTETS) || OFFERED.iter().any(|offered| name.eq_ignore_ascii_case(offered))
}

/// OPTIONS without CORS: 200 with the methods the path has.
fn allow(response: Response) -> Response {
    if response.headers().get(ALLOW).is_none() {
        return response;
    }
    let mut answer = Response::new(Body::empty());
    if let Some(allowed) = response.headers().get(ALLOW) {
        answer.headers_mut().insert(ALLOW, allowed.clone());
    }
    answer
}

/// Carries the matched route out to the metrics.
pub(super) async fn note_route(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let mut response = next.run(request).await;
    if let Some(route) = route {
        response.extensions_mut().insert(route);
    }
    response
}

pub(super) async fn not_found() -> Response {
    ApiError::NotFound.into_response()
}

pub(super) async fn method_not_allowed() -> Response {
    ApiError::MethodNotAllowed.into_response()
}
