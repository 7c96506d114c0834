//! One connection: length-prefixed frames in, responses out in request order.
//!
//! Three loops run as one task. The reader cuts frames and bounds them before allocating; the processor runs one
//! request after the other, as Kafka does, so that effects happen in arrival order; the writer sends responses in that
//! order. A produce request leaves the processor once its batches are appended and only the writer waits for their
//! durability, so batches of one connection share commit rounds. Requests in flight are bounded in number and bytes.
//!
//! When the peer goes away or the broker drains, reading stops, parked waits end at once, and what was read is finished.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use crate::broker::Broker;
use crate::dispatch;
use crate::protocol::Frame;
use crate::sasl;
use crate::server::{Advertised, ListenerInfo, Stream};

mod frames;

use frames::FrameReader;

/// Frames read and not yet processed, at most.
const FRAMES_QUEUED_MAX: usize = 16;
/// Responses begun and not yet sent, at most.
const RESPONSES_QUEUED_MAX: usize = 64;
/// How long a peer that has not authenticated may be silent.
const AUTHENTICATION_PATIENCE: Duration = Duration::from_mins(1);
/// Request bytes of one connection in memory at most; one frame may always be.
const REQUEST_BYTES_MAX: usize = 128 << 20;
/// Response bytes of one connection in memory at most; one response may always be.
const RESPONSE_BYTES_MAX: usize = 128 << 20;

/// Who is at the other end.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Principal {
    /// Nobody in particular: authentication is off.
    #[default]
    Anonymous,
    /// Somebody who proved it: `User:NAME`, the name being a user of a password or the subject of a certificate.
    Named(Arc<str>),
}

impl Principal {
    /// The user of this name.
    pub fn user(name: &str) -> Self {
        Self::Named(format!("User:{name}").into())
    }

    /// Kafka's spelling, as in access rules.
    pub fn name(&self) -> &str {
        match self {
            Self::Anonymous => "User:ANONYMOUS",
            Self::Named(name) => name,
        }
    }
}

/// What stays the same for all requests of a connection.
#[derive(Debug)]
pub struct Connection {
    pub(crate) peer: SocketAddr,
    pub(crate) local: SocketAddr,
    pub(crate) listener: Arc<ListenerInfo>,
    principal: OnceLock<Principal>,
    pub(crate) software: Mutex<Option<String>>,
    pub(crate) closed: CancellationToken,
    /// How far authentication has come. Locked for moments, by the one request that runs.
    sasl: Mutex<sasl::State>,
    in_flight: AtomicUsize,
}

impl Connection {
    pub(crate) fn new(peer: SocketAddr, local: SocketAddr, listener: Arc<ListenerInfo>) -> Self {
        let sasl = if listener.sasl.is_some() { sasl::State::Unauthenticated } else { sasl::State::Open };
        Self {
            peer,
            local,
            listener,
            sasl: Mutex::new(sasl),
            principal: OnceLock::new(),
            software: Mutex::new(None),
            closed: CancellationToken::new(),
            in_flight: AtomicUsize::new(0),
        }
    }

    /// Address that clients of this connection's listener are told to use.
    pub(crate) fn advertised(&self) -> Advertised {
        self.listener.advertised(self.local)
    }

    /// Address of the peer without the port.
    pub(crate) fn host(&self) -> IpAddr {
        self.peer.ip()
    }

    /// Who is at the other end; anonymous until it is settled, and from then on the same.
    pub(crate) fn principal(&self) -> &Principal {
        self.principal.get().unwrap_or(&Principal::Anonymous)
    }

    /// Settles who is at the other end. Whether it is the same as before, where that was settled.
    pub(crate) fn set_principal(&self, principal: &Principal) -> bool {
        self.principal.get_or_init(|| principal.clone()) == principal
    }

    pub(crate) fn sasl(&self) -> MutexGuard<'_, sasl::State> {
        self.sasl.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether anything but authentication may be served now.
    pub(crate) fn is_settled(&self) -> bool {
        self.sasl().is_settled(Instant::now())
    }

    /// Client software as announced with `ApiVersions`, for logs.
    pub(crate) fn software(&self) -> String {
        let software = self.software.lock().unwrap_or_else(PoisonError::into_inner);
        software.clone().unwrap_or_else(|| "unknown".to_owned())
    }

    pub(crate) fn set_software(&self, name: &str, version: &str) {
        let mut software = self.software.lock().unwrap_or_else(PoisonError::into_inner);
        *software = Some(format!("{name} {version}"));
    }
}

/// What a request turned into.
pub(crate) enum Reply {
    /// Nothing is sent (produce with acks=0).
    Nothing,
    /// The response is ready.
    Ready(Frame),
    /// The response follows once this is done.
    Later(BoxFuture<'static, Frame>),
    /// The response is sent, then the connection is closed.
    Last(Frame),
    /// What was answered before is sent, then the connection is closed.
    Close,
}

impl std::fmt::Debug for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nothing => "Nothing",
            Self::Ready(_) => "Ready",
            Self::Later(_) => "Later",
            Self::Last(_) => "Last",
            Self::Close => "Close",
        })
    }
}

/// A bound on bytes in memory, kept in KiB. One larger than the whole bound takes all of it.
#[derive(Debug)]
pub(crate) struct ByteLimit {
    permits: Arc<Semaphore>,
    kib_max: u32,
}

impl ByteLimit {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let kib_max = u32::try_from(bytes_max / 1024).unwrap_or(u32::MAX).clamp(1, Self::KIB_MAX);
        Self { permits: Arc::new(Semaphore::new(kib_max as usize)), kib_max }
    }

    /// What a semaphore can count on every platform.
    const KIB_MAX: u32 = 1 << 28;

    /// Waits for room, first come, first served. Cancel-safe.
    async fn take(&self, bytes: usize) -> Option<OwnedSemaphorePermit> {
        let kib = u32::try_from(bytes / 1024 + 1).unwrap_or(self.kib_max).min(self.kib_max);
        Arc::clone(&self.permits).acquire_many_owned(kib).await.ok()
    }
}

/// A frame, with its share of the bounds on bytes: the connection's until it is answered, the broker's until it is processed.
struct Incoming {
    frame: Bytes,
    of_connection: OwnedSemaphorePermit,
    of_broker: OwnedSemaphorePermit,
}

struct Queued {
    reply: Reply,
    _request_bytes: OwnedSemaphorePermit,
    _response_bytes: Option<OwnedSemaphorePermit>,
}

/// Serves one connection until the peer leaves, misbehaves or idles, or until `drain`.
pub(crate) async fn run(stream: Stream, connection: Connection, broker: Broker, drain: CancellationToken) {
    let (read_half, write_half) = tokio::io::split(stream);
    let connection = Arc::new(connection);
    let stop = drain.child_token();
    let (frames_in, frames_out) = mpsc::channel(FRAMES_QUEUED_MAX);
    let (replies_in, replies_out) = mpsc::channel(RESPONSES_QUEUED_MAX);
    tracing::debug!(peer = %connection.peer, listener = %connection.listener.name, "connected");
    tokio::join!(
        read_loop(read_half, &connection, &broker, &stop, frames_in),
        process_loop(&connection, &broker, &stop, frames_out, replies_in),
        write_loop(write_half, &connection, broker.config().connections_max_idle, &stop, replies_out),
    );
    tracing::debug!(peer = %connection.peer, software = %connection.software(), "disconnected");
}

async fn read_loop(
    half: ReadHalf<Stream>,
    connection: &Connection,
    broker: &Broker,
    stop: &CancellationToken,
    frames: mpsc::Sender<Incoming>,
) {
    let request_bytes = ByteLimit::new(REQUEST_BYTES_MAX);
    let mut reader = FrameReader::new(half, Arc::clone(broker.topics().buffers()));
    let config = broker.config();
    let read_all = async {
        loop {
            let was_settled = connection.is_settled();
            let mut idle = config.connections_max_idle;
            if !was_settled {
                idle = idle.min(AUTHENTICATION_PATIENCE);
            }
            // asked once the length is there: authentication may end while it is waited for
            let length_max = || {
                let most = config.socket_request_max_bytes;
                if connection.is_settled() { most } else { most.min(config.sasl_receive_max_bytes) }
            };
            match tokio::time::timeout(idle, reader.length(length_max)).await {
                Ok(Ok(Some(length))) => {
                    let Some(of_connection) = request_bytes.take(length).await else { return };
                    let Some(of_broker) = broker.request_bytes().take(length).await else { return };
                    let patience = idle.min(body_patience(length));
                    let Ok(Ok(frame)) = tokio::time::timeout(patience, reader.body(length)).await else {
                        tracing::debug!(peer = %connection.peer, length, "peer left or stalled inside a frame");
                        return;
                    };
                    connection.in_flight.fetch_add(1, Ordering::Relaxed);
                    if frames.send(Incoming { frame, of_connection, of_broker }).await.is_err() {
                        return;
                    }
                }
                Ok(Ok(None)) => return,
                Ok(Err(error)) => {
                    tracing::warn!(peer = %connection.peer, listener = %connection.listener.name, %error, "closing");
                    return;
                }
                Err(_) if connection.in_flight.load(Ordering::Relaxed) > 0 => {}
                Err(_) if !was_settled && connection.is_settled() => {}
                Err(_) => {
                    tracing::debug!(peer = %connection.peer, idle_s = idle.as_secs(), "closing idle connection");
                    return;
                }
            }
        }
    };
    // both branches end the connection, so a frame cut short by the first is nobody's loss
    tokio::select! {
        () = stop.cancelled() => {}
        () = read_all => {}
    }
    connection.closed.cancel();
}

/// How long a begun frame may take: it holds room that others wait for.
fn body_patience(length: usize) -> Duration {
    const SLOWEST_BYTES_PER_SECOND: u64 = 64 * 1024;
    Duration::from_secs(30 + length as u64 / SLOWEST_BYTES_PER_SECOND)
}

async fn process_loop(
    connection: &Arc<Connection>,
    broker: &Broker,
    stop: &CancellationToken,
    mut frames: mpsc::Receiver<Incoming>,
    replies: mpsc::Sender<Queued>,
) {
    let response_bytes = ByteLimit::new(RESPONSE_BYTES_MAX);
    while let Some(Incoming { frame, of_connection, of_broker }) = frames.recv().await {
        let reply = dispatch::dispatch(broker, connection, frame).await;
        drop(of_broker);
        let response_permit = match &reply {
            Reply::Ready(frame) | Reply::Last(frame) => response_bytes.take(frame.len()).await,
            Reply::Nothing | Reply::Later(_) => None,
            Reply::Close => break,
        };
        let is_last = matches!(reply, Reply::Last(_));
        let queued = Queued { reply, _request_bytes: of_connection, _response_bytes: response_permit };
        if replies.send(queued).await.is_err() || is_last {
            break;
        }
    }
    stop.cancel();
}

async fn write_loop(
    mut half: WriteHalf<Stream>,
    connection: &Connection,
    stall: Duration,
    stop: &CancellationToken,
    mut replies: mpsc::Receiver<Queued>,
) {
    while let Some(queued) = replies.recv().await {
        let frame = match queued.reply {
            Reply::Nothing | Reply::Close => Frame::default(),
            Reply::Ready(frame) | Reply::Last(frame) => frame,
            Reply::Later(frame) => frame.await,
        };
        connection.in_flight.fetch_sub(1, Ordering::Relaxed);
        if frame.is_empty() {
            continue;
        }
        let written = tokio::time::timeout(stall, frames::write(&mut half, frame)).await;
        if let Err(error) = written.unwrap_or_else(|_| Err(std::io::ErrorKind::TimedOut.into())) {
            tracing::debug!(peer = %connection.peer, %error, "response not written");
            break;
        }
    }
    replies.close();
    stop.cancel();
    let _ = half.shutdown().await;
}
