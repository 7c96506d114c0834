//! Listeners, connection permits, and the graceful end.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::broker::Broker;
use crate::config::{Endpoint, ListenerConfig};
use crate::connection::{self, Connection, Principal};
use crate::listeners::SecurityProtocol;
use crate::sasl::SaslSettings;
use crate::tls::{self, Tls, TlsError};

mod places;
mod stream;

use places::Places;
pub(crate) use stream::Stream;

/// Pause after a failed accept, so that running out of file descriptors does not spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// A bound listener.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    info: Arc<ListenerInfo>,
}

/// Why a listener cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address cannot be bound.
    #[error(transparent)]
    Bind(#[from] io::Error),
    /// Certificate, key or trust cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

impl Listener {
    /// Binds the address of `config`, port 0 picking a free one, and reads its certificates.
    pub async fn bind(config: &ListenerConfig) -> Result<Self, ListenError> {
        let socket = TcpListener::bind((config.bind.host.as_str(), config.bind.port)).await?;
        let port = socket.local_addr()?.port();
        let advertise = match &config.advertise {
            Some(endpoint) if endpoint.port == 0 => Some(Endpoint { host: endpoint.host.clone(), port }),
            Some(endpoint) => Some(endpoint.clone()),
            None => match config.bind.host.parse::<IpAddr>() {
                Ok(address) if address.is_unspecified() => None,
                _ => Some(Endpoint { host: config.bind.host.clone(), port }),
            },
        };
        let tls = config.security.tls.clone().map(Tls::load).transpose()?.map(Arc::new);
        let info = ListenerInfo {
            name: config.name.clone(),
            advertise,
            protocol: config.security.protocol,
            tls,
            sasl: config.security.sasl.clone(),
        };
        Ok(Self { socket, info: Arc::new(info) })
    }

    /// The address it listens on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The address clients are told to use, or `None` when that is the address they came in on.
    pub fn advertised(&self) -> Option<&Endpoint> {
        self.info.advertise.as_ref()
    }

    /// The listener's name.
    pub fn name(&self) -> &str {
        &self.info.name
    }

    /// What it speaks.
    pub fn protocol(&self) -> SecurityProtocol {
        self.info.protocol
    }
}

/// What connections need to know of their listener.
#[derive(Debug)]
pub(crate) struct ListenerInfo {
    pub(crate) name: String,
    pub(crate) advertise: Option<Endpoint>,
    pub(crate) protocol: SecurityProtocol,
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) sasl: Option<SaslSettings>,
}

/// Host and port as they go into responses.
pub(crate) type Advertised = Endpoint;

impl ListenerInfo {
    pub(crate) fn advertised(&self, local: SocketAddr) -> Advertised {
        self.advertise
            .clone()
            .unwrap_or_else(|| Endpoint { host: local.ip().to_canonical().to_string(), port: local.port() })
    }
}

/// How serving ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    /// Every connection finished what it had read.
    Completely,
    /// The deadline passed first and the rest was cut off.
    CutOff {
        /// Connections that were still open.
        connections: usize,
    },
}

/// Serves `broker` on `listeners` until `shutdown`, then drains: no new connections or frames, parked waits end, what was
/// read is finished and answered, bounded by the configuration's `drain_timeout`. The broker itself stays open; see
/// [`Broker::close`].
pub async fn serve(
    listeners: Vec<Listener>,
    broker: Broker,
    shutdown: impl Future<Output = ()> + Send,
) -> Drained {
    let connections = TaskTracker::new();
    let acceptors = TaskTracker::new();
    let drain = CancellationToken::new();
    let abort = CancellationToken::new();
    let permits = Arc::new(Semaphore::new(broker.config().max_connections));
    let places = Places::default();
    for listener in listeners {
        let (broker, drain, abort) = (broker.clone(), drain.clone(), abort.clone());
        let (connections, permits) = (connections.clone(), Arc::clone(&permits));
        acceptors.spawn(accept(listener, broker, connections, permits, places.clone(), drain, abort));
    }
    acceptors.close();
    shutdown.await;
    drain.cancel();
    acceptors.wait().await;
    connections.close();
    let open = connections.len();
    if open > 0 {
        tracing::info!(connections = open, "draining");
    }
    if tokio::time::timeout(broker.config().drain_timeout, connections.wait()).await.is_ok() {
        return Drained::Completely;
    }
    let left = connections.len();
    tracing::warn!(connections = left, "drain deadline passed, cutting connections off");
    abort.cancel();
    connections.wait().await;
    Drained::CutOff { connections: left }
}

async fn accept(
    listener: Listener,
    broker: Broker,
    connections: TaskTracker,
    permits: Arc<Semaphore>,
    places: Places,
    drain: CancellationToken,
    abort: CancellationToken,
) {
    loop {
        let accepted = tokio::select! {
            () = drain.cancelled() => return,
            accepted = listener.socket.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(listener = %listener.info.name, %error, "accept failed");
                tokio::time::sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        let Ok(permit) = Arc::clone(&permits).try_acquire_owned() else {
            tracing::warn!(%peer, listener = %listener.info.name, "max.connections reached, refusing");
            continue;
        };
        let (Ok(()), Ok(local)) = (stream.set_nodelay(true), stream.local_addr()) else { continue };
        let most = broker.config().max_connections_per_ip.of(peer.ip());
        let Some(place) = places.take(peer.ip().to_canonical(), most) else {
            tracing::warn!(%peer, listener = %listener.info.name, most, "max.connections.per.ip reached, refusing");
            continue;
        };
        let connection = Connection::new(peer, local, Arc::clone(&listener.info));
        let (broker, drain, abort) = (broker.clone(), drain.clone(), abort.clone());
        connections.spawn(async move {
            tokio::select! {
                () = serve_one(stream, connection, broker, drain) => {}
                () = abort.cancelled() => {}
            }
            drop((permit, place));
        });
    }
}

/// Shakes hands where the listener speaks TLS, then serves.
async fn serve_one(stream: TcpStream, connection: Connection, broker: Broker, drain: CancellationToken) {
    let info = Arc::clone(&connection.listener);
    let Some(tls) = &info.tls else {
        connection::run(Stream::Plain(stream), connection, broker, drain).await;
        return;
    };
    let accepted = tokio::select! {
        accepted = tls.accept(stream) => accepted,
        () = drain.cancelled() => return,
    };
    match accepted {
        Ok(stream) => {
            if info.sasl.is_none() {
                match tls.principal_name(&stream) {
                    Ok(Some(name)) => {
                        connection.set_principal(&Principal::user(&name));
                    }
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(
                            peer = %connection.peer, listener = %info.name, cause = %error,
                            "authentication failed"
                        );
                        return;
                    }
                }
            }
            connection::run(Stream::Tls(Box::new(stream)), connection, broker, drain).await;
        }
        Err(error) => {
            tracing::warn!(
                peer = %connection.peer, listener = %info.name, cause = tls::handshake_failure(&error),
                "TLS handshake failed"
            );
        }
    }
}
