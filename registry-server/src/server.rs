//! Opening a registry and serving it: connections, limits, drain.

use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;
use tower::{Layer as _, Service, ServiceExt as _};
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowHeaders, AllowMethods, AllowOrigin, CorsLayer};

use crate::api::{self, Front, Peer};
use crate::config::RegistryConfig;
use crate::feed;
use crate::registry::{Registry, RegistryError, SystemClock};
use crate::store::Store;
use crate::store::error::OpenError;
use crate::store::postgres::PostgresStore;
use crate::store::sqlite::SqliteStore;

/// How often committed events are added to the hash chain.
const SEAL_INTERVAL: Duration = Duration::from_millis(250);
/// Events sealed in one transaction.
const SEAL_BATCH: u32 = 500;
/// Pause after a failed accept, such as when file descriptors run out.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(50);

/// Settings of the server around the rules.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Longest request body, bytes. Default 4 MiB.
    pub body_bytes_max: usize,
    /// How long a client may take to send a body. Default 30 s.
    pub body_timeout: Duration,
    /// How long a client may take to send the head of a request, and how long a connection may be idle. Default 30 s.
    pub header_timeout: Duration,
    /// Connections at the same time; more wait in the backlog. Default 4096.
    pub connections_max: usize,
    /// How long requests under way may take once shutdown begins. Default 5 s.
    pub drain_timeout: Duration,
    /// Origin allowed to call from browsers (`access.control.allow.origin`); `None` switches CORS off.
    pub cors_allow_origin: Option<String>,
    /// Shown by `/v1/metadata/version`.
    pub version: String,
    /// Shown by `/v1/metadata/version`.
    pub commit: String,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self {
            body_bytes_max: 4 << 20,
            body_timeout: Duration::from_secs(30),
            header_timeout: Duration::from_secs(30),
            connections_max: 4096,
            drain_timeout: Duration::from_secs(5),
            cors_allow_origin: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: "unknown".to_owned(),
        }
    }
}

/// Opens the database behind a URL (`sqlite:<path>` or `postgres://...`), migrates it, and returns a registry over it.
///
/// # Errors
/// See [`OpenError`]; each prints as one line.
pub async fn open(url: &str, config: RegistryConfig) -> Result<Registry, OpenError> {
    let store: Arc<dyn Store> = if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        Arc::new(SqliteStore::open(path.as_ref()).await?)
    } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        Arc::new(PostgresStore::open(url).await?)
    } else {
        let scheme = url.split("//").next().unwrap_or_default();
        return Err(OpenError::UnsupportedUrl { url: scheme.to_owned() });
    };
    let registry = Registry::new(store, config, Arc::new(SystemClock));
    match registry.refresh_aliases().await {
        Err(RegistryError::Store(error)) => Err(error.into()),
        Ok(()) | Err(_) => Ok(registry),
    }
}

/// Serves a registry over HTTP/1.1 and HTTP/2 until `shutdown` completes; then stops accepting, lets requests under way end within
/// the drain timeout, seals the last events and closes the store. Dropping the future aborts.
pub async fn serve(
    listener: TcpListener,
    registry: Registry,
    options: ServeOptions,
    shutdown: impl Future<Output = ()> + Send,
) {
    let tasks = TaskTracker::new();
    let front = api::service(registry.clone(), options.clone(), tasks.clone());
    let service = layered(front.clone(), &options);
    let permits = Arc::new(Semaphore::new(options.connections_max));
    let graceful = GracefulShutdown::new();
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(options.header_timeout);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(options.header_timeout)
        .max_concurrent_streams(256);
    let mut shutdown = std::pin::pin!(shutdown);
    let feed = AbortOnDrop(tokio::spawn(feed::follow(registry.clone())).abort_handle());
    let mut seal = tokio::time::interval(SEAL_INTERVAL);
    seal.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let sealing = Arc::new(Semaphore::new(1));
    loop {
        // All branches are cancel-safe: a permit or a connection not taken is taken next time.
        let stream = tokio::select! {
            biased;
            () = &mut shutdown => break,
            _ = seal.tick() => {
                seal_in_background(&tasks, &sealing, &registry);
                continue;
            }
            accepted = accept(&listener, &permits) => accepted,
        };
        let Some((stream, address, permit)) = stream else { continue };
        let connection = builder
            .serve_connection(TokioIo::new(stream), for_peer(front.clone(), service.clone(), address))
            .into_owned();
        let connection = graceful.watch(connection);
        tasks.spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    drop(feed);
    tasks.close();
    let drained = tokio::time::timeout(options.drain_timeout, async {
        graceful.shutdown().await;
        tasks.wait().await;
    });
    if drained.await.is_err() {
        tracing::warn!("requests were still under way when the drain timeout ended");
    }
    seal_all(&registry).await;
    registry.store().close().await;
}

/// Ends a task that has no end of its own.
struct AbortOnDrop(tokio::task::AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn accept(
    listener: &TcpListener,
    permits: &Arc<Semaphore>,
) -> Option<(TcpStream, IpAddr, tokio::sync::OwnedSemaphorePermit)> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, address)) => {
            if let Err(error) = stream.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY was not set");
            }
            Some((stream, address.ip(), permit))
        }
        Err(error) => {
            tracing::warn!(%error, "accepting a connection failed");
            tokio::time::sleep(ACCEPT_BACKOFF).await;
            None
        }
    }
}

fn seal_in_background(tasks: &TaskTracker, sealing: &Arc<Semaphore>, registry: &Registry) {
    let Ok(permit) = Arc::clone(sealing).try_acquire_owned() else { return };
    let registry = registry.clone();
    tasks.spawn(async move {
        if let Err(error) = registry.store().seal_events(SEAL_BATCH).await {
            tracing::debug!(%error, "sealing events failed; the next round tries again");
        }
        drop(permit);
    });
}

async fn seal_all(registry: &Registry) {
    loop {
        match registry.store().seal_events(SEAL_BATCH).await {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => {
                tracing::debug!(%error, "sealing events failed; the next start goes on");
                return;
            }
        }
    }
}

/// The REST interface as a service, boxed so that its type has a name.
pub type RestService =
    tower::util::BoxCloneSyncService<Request, axum::response::Response, std::convert::Infallible>;
type Shared = RestService;

/// The REST interface without a listener, to be mounted in another server. The caller limits connections, and calls
/// [`seal_events`](crate::store::Store::seal_events) and closes the store as [`serve`] does; on a database that several nodes write,
/// memory is only kept true by [`serve`].
pub fn service(registry: Registry, options: &ServeOptions) -> RestService {
    layered(api::service(registry, options.clone(), TaskTracker::new()), options)
}

fn layered(front: Front, options: &ServeOptions) -> Shared {
    let compressed =
        CompressionLayer::new().gzip(true).layer(front).map_response(|response| response.map(Body::new));
    match options.cors_allow_origin.as_deref().filter(|origin| !origin.is_empty()) {
        None => Shared::new(compressed),
        Some(origin) => {
            let cors = cors(origin)
                .layer(compressed)
                .map_response(|response: http::Response<Body>| response.map(Body::new));
            Shared::new(cors)
        }
    }
}

fn cors(origin: &str) -> CorsLayer {
    let origin = match origin.parse() {
        Ok(value) if origin != "*" => AllowOrigin::exact(value),
        _ => AllowOrigin::any(),
    };
    CorsLayer::new()
        .allow_origin(origin)
        .allow_methods(AllowMethods::any())
        .allow_headers(AllowHeaders::any())
}

fn for_peer(
    front: Front,
    service: Shared,
    address: IpAddr,
) -> impl hyper::service::Service<
    http::Request<Incoming>,
    Response = axum::response::Response,
    Error = std::convert::Infallible,
    Future: Send,
> + Clone {
    hyper::service::service_fn(move |request: http::Request<Incoming>| {
        let known = front.at_once(&request);
        let routed = known.is_none().then(|| (service.clone(), request.map(Body::new)));
        async move {
            match (known, routed) {
                (None, Some((mut service, mut request))) => {
                    let peer = Peer { address: Some(address), principal: "anonymous".to_owned() };
                    request.extensions_mut().insert(peer);
                    service.call(request).await
                }
                (known, _) => Ok(known.unwrap_or_default()),
            }
        }
    })
}
