//! The registry's REST interface, one method per endpoint, without caches.
//!
//! [`RegistryClient`] is cheap to clone and safe to share. Every method sends one request; the request is repeated as
//! [`RetryPolicy`] says on status 408, 429, 500, 502, 503, 504 and when there is no connection or no answer. A changing
//! request whose answer was lost is therefore sent twice: registrations and settings are idempotent, but a repeated
//! delete can report 40404 or 40406 for what its first attempt deleted.

mod answers;
mod auth;
mod builder;
mod endpoints;
mod request;
mod response;
mod retry;
mod source;
mod tls;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

pub use answers::{
    BeforeAfter, CompatibilityExplanation, Edit, EditStep, HistoryCheck, HistoryEvent, HistoryFinding,
    Problem, SchemaChange, SchemaDiff, TextPlace,
};
pub use auth::{Auth, BearerScope, OAuth};
pub use builder::RegistryClientBuilder;
pub use endpoints::{
    AsOf, AssociationAnswer, AssociationGet, AssociationInfo, AssociationInput, AssociationOperation,
    AssociationOptions, AssociationQuery, AssociationRequest, AssociationResult, ClusterId, ClusterScope,
    Deployment, HistoryQuery, ListQuery, LookupOptions, RegisterOptions, SchemaQuery, SchemasQuery,
    ServerVersion, Verdict,
};
pub use retry::RetryPolicy;
pub use source::{AssociatedSubjects, NewSchema, SchemaSource, SourceSchema};
pub use tls::Tls;

use crate::error::{Error, LastFailure, TransportError, TransportKind};
use crate::metrics::{Metrics, RequestDone};
use auth::Authenticator;
use request::Request;
use response::{Answer, classify};

/// Media type of request bodies.
const CONTENT_TYPE: &str = "application/vnd.schemaregistry.v1+json";
/// Media types that are accepted, best first.
const ACCEPT: &str =
    "application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json";
/// Largest answer that is read, in bytes.
pub(crate) const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A client of one schema registry, which may have several addresses.
///
/// The address that answered last is asked first; on a failure the client goes on to the next one and stays there.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = assay_registry_server::testing::Registry::start().await?;
/// # let (first, second) = ("http://127.0.0.1:1", server.url());
/// use std::time::Duration;
/// use assay_serde_avro::{Error, RegistryClient, RetryPolicy, client::SchemaQuery, schema::VersionRef};
///
/// let client = RegistryClient::builder(&format!("{first},{second}"))
///     .retry(RetryPolicy { retries_max: 2, wait: Duration::from_millis(100), ..RetryPolicy::default() })
///     .read_timeout(Duration::from_secs(3))
///     .build()?;
/// client.ping().await?;
/// match client.schema_version("orders-value", VersionRef::Latest, &SchemaQuery::default()).await {
///     Ok(found) => println!("id {}: {}", found.id, found.schema),
///     Err(Error::SubjectNotFound { response }) => println!("{}", response.message),
///     Err(error) => return Err(error.into()),
/// }
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct RegistryClient {
    inner: Arc<Inner>,
}

struct Inner {
    http: reqwest::Client,
    addresses: Vec<Address>,
    current: AtomicUsize,
    retry: RetryPolicy,
    authenticator: Authenticator,
    random: fn() -> u64,
    metrics: Option<Arc<dyn Metrics>>,
}

/// One base address with the credentials that its text carried.
struct Address {
    /// Without credentials, with a slash at the end.
    url: String,
    user_info: Option<(String, String)>,
}

/// What one exchange came to.
enum Attempt {
    Final(Answer),
    Failed { last: LastFailure, retry_after: Option<Duration>, answer: Option<Answer> },
}

impl RegistryClient {
    /// A client with default settings for a comma-separated list of addresses.
    pub fn new(urls: &str) -> Result<Self, Error> {
        Self::builder(urls).build()
    }

    /// Settings for a client for a comma-separated list of addresses.
    pub fn builder(urls: &str) -> RegistryClientBuilder {
        RegistryClientBuilder::new(urls)
    }

    /// Sends a request until there is a final answer, and gives the answer if it is a success.
    pub(crate) async fn call(&self, request: Request) -> Result<Answer, Error> {
        let inner = &*self.inner;
        let mut attempts = 0_u32;
        let mut round = 0_u32;
        loop {
            let (last, retry_after, answer) = match inner.round(&request, &mut attempts).await? {
                Attempt::Final(answer) if answer.is_success() => return Ok(answer),
                Attempt::Final(answer) => return Err(classify(&answer, attempts)),
                Attempt::Failed { last, retry_after, answer } => (last, retry_after, answer),
            };
            let asked = retry_after.unwrap_or(Duration::ZERO);
            if round >= inner.retry.retries_max || asked > inner.retry.wait_max {
                return Err(give_up(last, answer.as_ref(), attempts));
            }
            let wait = inner.retry.wait_before(round, (inner.random)()).max(asked);
            tracing::debug!(attempts, wait_ms = wait.as_millis(), error = %last, "registry request is repeated");
            tokio::time::sleep(wait).await;
            round += 1;
        }
    }
}

impl std::fmt::Debug for RegistryClient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let urls: Vec<&str> = self.inner.addresses.iter().map(|address| address.url.as_str()).collect();
        f.debug_struct("RegistryClient")
            .field("urls", &urls)
            .field("retry", &self.inner.retry)
            .finish_non_exhaustive()
    }
}

impl Inner {
    /// Asks each address once, from the one that answered last.
    async fn round(&self, request: &Request, attempts: &mut u32) -> Result<Attempt, Error> {
        let count = self.addresses.len();
        let start = self.current.load(Ordering::Relaxed);
        let mut failed = None;
        for step in 0..count {
            let at = (start + step) % count;
            let Some(address) = self.addresses.get(at) else { continue };
            *attempts += 1;
            let began = Instant::now();
            let sent = self.send(address, request).await?;
            self.report(request, sent.as_ref().ok().map(|answer| answer.status), began, *attempts);
            let attempt = match sent {
                Ok(answer) if retry::is_retriable_status(answer.status) => Attempt::Failed {
                    last: answer.to_error_response().into(),
                    retry_after: answer.retry_after,
                    answer: Some(answer),
                },
                Ok(answer) => Attempt::Final(answer),
                Err(error) if error.kind == TransportKind::TooLarge => {
                    return Err(Error::Protocol { source: Box::new(error) });
                }
                Err(error) => Attempt::Failed { last: error.into(), retry_after: None, answer: None },
            };
            match attempt {
                Attempt::Final(_) => {
                    self.current.store(at, Ordering::Relaxed);
                    return Ok(attempt);
                }
                // the whole registry asks for fewer requests; its other addresses would only get more of them
                Attempt::Failed { answer: Some(ref answer), .. } if answer.status == 429 => {
                    return Ok(attempt);
                }
                Attempt::Failed { .. } => failed = Some(attempt),
            }
        }
        // the builder refuses an empty list of addresses, so some attempt was made
        failed.ok_or_else(|| crate::properties::ConfigError::Missing { key: "schema.registry.url" }.into())
    }

    fn report(&self, request: &Request, status: Option<u16>, began: Instant, attempt: u32) {
        if let Some(metrics) = &self.metrics {
            metrics.request(&RequestDone {
                method: request.method.as_str(),
                resource: request.resource(),
                status,
                elapsed: began.elapsed(),
                attempt,
            });
        }
    }

    /// One exchange with one address. The outer error is final: there are no credentials to send.
    async fn send(
        &self,
        address: &Address,
        request: &Request,
    ) -> Result<Result<Answer, TransportError>, Error> {
        let url = format!("{}{}", address.url, request.path);
        let mut builder = self
            .http
            .request(request.method.into(), &url)
            .header("Content-Type", CONTENT_TYPE)
            .header("Accept", ACCEPT);
        builder = match &address.user_info {
            Some((user, password)) => builder.basic_auth(user, Some(password)),
            None => self.authenticator.apply(builder, &self.http).await?,
        };
        if let Some(body) = &request.body {
            builder = builder.body(body.clone());
        }
        Ok(exchange(builder, request.method.as_str(), url).await)
    }
}

async fn exchange(
    builder: reqwest::RequestBuilder,
    method: &'static str,
    url: String,
) -> Result<Answer, TransportError> {
    let fail = |error| transport_error(method, &url, error);
    let mut response = builder.send().await.map_err(fail)?;
    let status = response.status().as_u16();
    let retry_after = response
        .headers()
        .get("Retry-After")
        .and_then(|value| value.to_str().ok())
        .and_then(|value| retry::retry_after(value, SystemTime::now()));
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(fail)? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(TransportError {
                method,
                url,
                kind: TransportKind::TooLarge,
                reason: format!("the answer is larger than {ANSWER_BYTES_MAX} bytes"),
                source: None,
            });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Answer { method, url, status, retry_after, body })
}

fn transport_error(method: &'static str, url: &str, error: reqwest::Error) -> TransportError {
    let kind = if error.is_timeout() {
        TransportKind::Timeout
    } else if error.is_connect() {
        TransportKind::Connect
    } else {
        TransportKind::Interrupted
    };
    let error = error.without_url();
    let reason = reasons(&error);
    TransportError { method, url: url.to_owned(), kind, reason, source: Some(Arc::new(error)) }
}

/// An error and its causes in one line.
pub(crate) fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let inner = error.to_string();
        if !text.ends_with(&inner) {
            text.push_str(": ");
            text.push_str(&inner);
        }
        cause = error.source();
    }
    text
}

fn give_up(last: LastFailure, answer: Option<&Answer>, attempts: u32) -> Error {
    match (last, answer) {
        (_, Some(answer)) => classify(answer, attempts),
        (LastFailure::Transport(error), None) if error.kind == TransportKind::Timeout => {
            Error::Timeout { attempts, last: Box::new(error.into()) }
        }
        (last, None) => Error::RegistryUnavailable { attempts, last: Box::new(last) },
    }
}
