//! Listeners, connection permits, and the graceful end.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::broker::Broker;
use crate::config::{Endpoint, ListenerConfig};
use crate::connection::{self, Connection};

/// Pause after a failed accept, so that running out of file descriptors does not spin.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// A bound listener.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    info: Arc<ListenerInfo>,
}

impl Listener {
    /// Binds the address of `config`; port 0 picks a free one.
    pub async fn bind(config: &ListenerConfig) -> io::Result<Self> {
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
        Ok(Self { socket, info: Arc::new(ListenerInfo { name: config.name.clone(), advertise }) })
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
}

/// Name and advertised address of a listener.
#[derive(Debug)]
pub(crate) struct ListenerInfo {
    pub(crate) name: String,
    pub(crate) advertise: Option<Endpoint>,
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

/// A byte stream as accepted; TLS will be another variant.
#[derive(Debug)]
pub(crate) enum Stream {
    /// TCP as it is.
    Plain(TcpStream),
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
        }
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
    for listener in listeners {
        let (broker, drain, abort) = (broker.clone(), drain.clone(), abort.clone());
        let (connections, permits) = (connections.clone(), Arc::clone(&permits));
        acceptors.spawn(accept(listener, broker, connections, permits, drain, abort));
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
        let connection = Connection::new(peer, local, Arc::clone(&listener.info));
        let (broker, drain, abort) = (broker.clone(), drain.clone(), abort.clone());
        connections.spawn(async move {
            tokio::select! {
                () = connection::run(Stream::Plain(stream), connection, broker, drain) => {}
                () = abort.cancelled() => {}
            }
            drop(permit);
        });
    }
}
