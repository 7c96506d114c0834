//! Answers from memory, without a way through the layers and the router: the most frequent requests, where nothing in the answer
//! depends on more than the request and what is remembered.

use std::time::Instant;

use assay_schema_core::{QualifiedSubject, SchemaId, VersionRef};
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, StatusCode};
use http_body_util::BodyExt as _;

use super::super::call::read_body;
use super::super::error::ApiError;
use super::super::query::Query;
use super::super::{reply, schemas};
use super::{Front, accepted, is_json, request_id};
use crate::cache::{Mark, QUESTION_BYTES_MAX, Question};

const BY_ID: &str = "/schemas/ids/{id}";
const VERSION: &str = "/subjects/{subject}/versions/{version}";
const VERSIONS: &str = "/subjects/{subject}/versions";
const SUBJECT: &str = "/subjects/{subject}";

/// Marks an answer that the same request gets again as long as its subject and what applies to it stay as they are.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Settled;

/// A POST whose answer may be remembered.
pub(super) struct Asked {
    question: Question,
    mark: Mark,
    pub(super) route: &'static str,
}

/// The name in `/subjects/{subject}<rest>`, if it stands there as it is.
fn subject_before<'p>(path: &'p str, rest: &str) -> Option<&'p str> {
    let name = path.strip_prefix("/subjects/")?.strip_suffix(rest)?;
    let plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '%', ';', '\0']);
    plain.then_some(name)
}

impl Front {
    /// The whole answer to a GET, if it can be given at once: by id, or a version of a subject. What asks for compression, or
    /// needs the headers for browsers, goes the long way.
    pub(crate) fn at_once<B>(&self, request: &http::Request<B>) -> Option<Response> {
        if *request.method() != Method::GET {
            return None;
        }
        let started = Instant::now();
        let headers = request.headers();
        let compressed = headers.get(ACCEPT_ENCODING).is_some_and(|value| value != "identity");
        let cors = self.api.options().cors_allow_origin.is_some();
        if compressed || cors || self.api.registry().has_aliases() {
            return None;
        }
        let media_type = accepted(request)?;
        let (body, route) = match self.by_id(request) {
            Some(body) => (body, BY_ID),
            None => (self.version(request)?, VERSION),
        };
        let mut response = reply::bytes(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(request_id::X_REQUEST_ID, request_id::of(request.headers()));
        let metrics = self.api.metrics();
        metrics.cache(true);
        metrics.request(request.method(), route, StatusCode::OK, started.elapsed());
        Some(response)
    }

    fn by_id<B>(&self, request: &http::Request<B>) -> Option<Bytes> {
        let segment = request.uri().path().strip_prefix("/schemas/ids/")?;
        let id = segment.strip_suffix('/').unwrap_or(segment).parse().ok().and_then(SchemaId::new)?;
        let query = Query::parse(request.uri().query().unwrap_or_default());
        let variant = schemas::kept_variant(&query, false)?;
        let key = (QualifiedSubject::parse(&variant.subject).context, id);
        self.api.registry().caches().body(&key, &variant)
    }

    /// A version of a subject, asked for without parameters.
    fn version<B>(&self, request: &http::Request<B>) -> Option<Bytes> {
        let (path, None) = (request.uri().path(), request.uri().query()) else { return None };
        let (before, version) = path.rsplit_once('/')?;
        let name = subject_before(before, "/versions")?;
        let registry = self.api.registry();
        let subjects = registry.caches().subjects();
        let path = Bytes::copy_from_slice(path.as_bytes());
        let question = Question { post: false, path, body: Bytes::new() };
        if let Some(body) = subjects.answer(&question) {
            return Some(body);
        }
        let subject = QualifiedSubject::parse(name);
        let mark = subjects.mark(&subject);
        let found = registry.remembered_version(&subject, VersionRef::parse(version).ok()?)?;
        let body = reply::render(&reply::Schema::new(&found)).ok()?;
        subjects.remember_answer(mark, question, body.clone());
        Some(body)
    }

    /// Whether the answer to a registration or look-up may be remembered, and the one that is. Takes the body and puts it back.
    pub(super) async fn ask(
        &self,
        request: &mut Request,
    ) -> Result<Option<(Asked, Option<Bytes>)>, ApiError> {
        let Some((subject, route)) = self.remembers(request) else { return Ok(None) };
        let subjects = self.api.registry().caches().subjects();
        let mark = subjects.mark(&QualifiedSubject::parse(subject));
        let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
        let path = Bytes::copy_from_slice(path.as_bytes());
        let body = read_body(std::mem::take(request.body_mut()), &self.api).await?;
        *request.body_mut() = axum::body::Body::from(body.clone());
        let question = Question { post: true, path, body };
        let answer = subjects.answer(&question);
        Ok(Some((Asked { question, mark, route }, answer)))
    }

    fn remembers<'r>(&self, request: &'r Request) -> Option<(&'r str, &'static str)> {
        if *request.method() != Method::POST
            || self.api.registry().has_aliases()
            || !is_json(request.headers())
        {
            return None;
        }
        let length: usize = request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
        let path = request.uri().path();
        let found = subject_before(path, "/versions").map(|subject| (subject, VERSIONS));
        let found = found.or_else(|| subject_before(path, "").map(|subject| (subject, SUBJECT)));
        found.filter(|_| length > 0 && length <= QUESTION_BYTES_MAX)
    }

    /// Remembers the answer if its handler says that it may be.
    pub(super) async fn remember(&self, asked: Asked, response: Response) -> Response {
        if response.extensions().get::<Settled>().is_none() || response.status() != StatusCode::OK {
            return response;
        }
        let (parts, body) = response.into_parts();
        // A finished body in memory: it is there at once and cannot fail.
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        self.api.registry().caches().subjects().remember_answer(asked.mark, asked.question, body.clone());
        Response::from_parts(parts, axum::body::Body::from(body))
    }
}
