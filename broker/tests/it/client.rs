//! A broker in a temporary folder on a free port, and a client that sends and reads frames.

use std::sync::Arc;
use std::time::Duration;

use assay_broker::protocol::header::write_response_header;
use assay_broker::protocol::messages::metadata::MetadataRequestTopic;
use assay_broker::protocol::messages::{MetadataRequest, MetadataResponse};
use assay_broker::protocol::{ApiKey, Message, Reader, Writer};
use assay_broker::{
    AcceptAll, Broker, BrokerConfig, Drained, Listener, ListenerConfig, RecordValidator, serve,
};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longest wait for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct TestBroker {
    pub(crate) broker: Broker,
    pub(crate) address: std::net::SocketAddr,
    stop: CancellationToken,
    served: JoinHandle<Drained>,
    dir: Option<tempfile::TempDir>,
}

impl TestBroker {
    pub(crate) async fn start() -> Self {
        Self::with(&[], Arc::new(AcceptAll)).await
    }

    pub(crate) async fn with(settings: &[(&str, &str)], validator: Arc<dyn RecordValidator>) -> Self {
        Self::open(tempfile::tempdir().unwrap(), settings, validator).await
    }

    async fn open(
        dir: tempfile::TempDir,
        settings: &[(&str, &str)],
        validator: Arc<dyn RecordValidator>,
    ) -> Self {
        let settings = settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        let (config, unknown) = BrokerConfig::from_settings(dir.path(), settings).unwrap();
        assert!(unknown.is_empty(), "{unknown:?}");
        let broker = Broker::open(config, validator).await.unwrap();
        let (name, bind) = ListenerConfig::parse_endpoint("127.0.0.1:0").unwrap();
        let configured = broker.config().listeners().unwrap().and_then(|mut listeners| listeners.pop());
        let config = configured.unwrap_or_else(|| ListenerConfig::plain(name, bind));
        let listener = Listener::bind(&config).await.unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let served = tokio::spawn(serve(vec![listener], broker.clone(), stopped));
        Self { broker, address, stop, served, dir: Some(dir) }
    }

    pub(crate) async fn client(&self) -> Client {
        Client { stream: TcpStream::connect(self.address).await.unwrap(), correlation_id: 0 }
    }

    /// Begins the drain without waiting for it.
    pub(crate) fn begin_stop(&self) {
        self.stop.cancel();
    }

    /// Drains and closes; the folder stays.
    pub(crate) async fn stop(mut self) -> (Drained, tempfile::TempDir) {
        self.stop.cancel();
        let drained = tokio::time::timeout(PATIENCE, &mut self.served).await.unwrap().unwrap();
        self.broker.close().await;
        (drained, self.dir.take().unwrap())
    }

    /// Stops cleanly and opens the same folder again.
    pub(crate) async fn restart(self) -> Self {
        let (_, dir) = self.stop().await;
        Self::open(dir, &[], Arc::new(AcceptAll)).await
    }
}

pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) correlation_id: i32,
}

/// The bytes of one request, length prefix included.
pub(crate) fn frame<M: Message>(request: &M, version: i16, correlation_id: i32) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.raw(&M::KEY.to_be_bytes());
    writer.raw(&version.to_be_bytes());
    write_response_header(&mut writer, correlation_id, false);
    writer.raw(&4_i16.to_be_bytes());
    writer.raw(b"test");
    if version >= M::FLEXIBLE_SINCE {
        writer.unsigned_varint(0);
    }
    request.write(&mut writer, version);
    writer.finish().to_bytes().to_vec()
}

impl Client {
    pub(crate) async fn send<M: Message>(&mut self, request: &M, version: i16) -> i32 {
        self.correlation_id += 1;
        self.send_raw(&frame(request, version, self.correlation_id)).await;
        self.correlation_id
    }

    pub(crate) async fn send_raw(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    /// The next response, which must be the one for `correlation_id`.
    pub(crate) async fn receive<M: Message>(&mut self, version: i16, correlation_id: i32) -> M {
        let mut reader = Reader::new(self.receive_raw().await.expect("a response"));
        let echoed = reader.take(4).unwrap();
        assert_eq!(i32::from_be_bytes(echoed[..].try_into().unwrap()), correlation_id);
        if version >= M::FLEXIBLE_SINCE && M::KEY != ApiKey::ApiVersions.code() {
            reader.tag_buffer(|_, _| Ok(())).unwrap();
        }
        let message = M::read(&mut reader, version).unwrap();
        assert_eq!(reader.remaining(), 0);
        message
    }

    pub(crate) async fn call<Q: Message, A: Message>(&mut self, request: &Q, version: i16) -> A {
        let correlation_id = self.send(request, version).await;
        self.receive(version, correlation_id).await
    }

    /// The next frame without its prefix; `None` once the broker has closed the connection.
    pub(crate) async fn receive_raw(&mut self) -> Option<Bytes> {
        let read = async {
            let length = self.stream.read_i32().await.ok()?;
            let mut body = vec![0; usize::try_from(length).unwrap()];
            self.stream.read_exact(&mut body).await.unwrap();
            Some(Bytes::from(body))
        };
        tokio::time::timeout(PATIENCE, read).await.expect("an answer or a closed connection in time")
    }

    pub(crate) async fn expect_closed(mut self) {
        assert!(self.receive_raw().await.is_none(), "the connection should be closed");
    }

    /// Asks for a topic's metadata, which creates it.
    pub(crate) async fn topic(&mut self, name: &str) -> MetadataResponse {
        let topics = vec![MetadataRequestTopic { name: Some(name.to_owned()), ..Default::default() }];
        let request = MetadataRequest { topics: Some(topics), ..Default::default() };
        let response: MetadataResponse = self.call(&request, 12).await;
        assert_eq!(response.topics[0].error_code, 0);
        response
    }
}

/// Waits until `condition` holds.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            tokio::task::yield_now().await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let happened = tokio::time::timeout(PATIENCE, wait).await.is_ok();
    assert!(happened, "{what} did not happen");
}
