//! TLS for listeners: certificates and keys in PEM, under Kafka's `ssl.*` names, taken up again when their files change.
//!
//! A changed file is noticed by the next connection, at most once a second. New files that cannot be used are logged and
//! the certificate in use stays.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use arc_swap::ArcSwap;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::server::TlsStream;

mod load;
mod subject;
#[cfg(test)]
mod tests;

/// Time that a handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(30);
/// Shortest time between two looks at the files.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Text in PEM, or the file that holds it.
#[derive(Clone, PartialEq, Eq)]
pub enum Pem {
    /// The text itself.
    Inline(String),
    /// A file, read again when it changes.
    File(PathBuf),
}

impl Pem {
    /// A value of a setting: the text itself when it looks like PEM, else the path of a file.
    pub fn from_setting(value: &str) -> Self {
        if value.contains("-----BEGIN") {
            // properties files often carry the line ends as \n
            Self::Inline(value.replace("\\n", "\n"))
        } else {
            Self::File(PathBuf::from(value))
        }
    }
}

impl fmt::Debug for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inline(_) => f.write_str("Inline(..)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
        }
    }
}

/// `ssl.client.auth`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// Clients need no certificate.
    #[default]
    None,
    /// A certificate that is shown must be good.
    Requested,
    /// Every client shows a good certificate.
    Required,
}

/// What a listener needs to speak TLS.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// `ssl.keystore.certificate.chain`: the server's certificate, then what signed it.
    pub certificate_chain: Pem,
    /// `ssl.keystore.key`.
    pub key: Pem,
    /// `ssl.key.password`, for a key in an encrypted PKCS #8 block.
    pub key_password: Option<String>,
    /// `ssl.truststore.certificates`: who may have signed the certificates of clients.
    pub trusted: Option<Pem>,
    /// `ssl.client.auth`.
    pub client_auth: ClientAuth,
    /// Whether TLS 1.2 is spoken beside 1.3.
    pub tls12: bool,
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSettings")
            .field("certificate_chain", &self.certificate_chain)
            .field("key", &self.key)
            .field("trusted", &self.trusted)
            .field("client_auth", &self.client_auth)
            .finish_non_exhaustive()
    }
}

/// Why a listener cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{key}: cannot read {path}: {source}", path = path.display())]
    Read {
        /// The setting.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The PEM text holds no such block, or a broken one.
    #[error("{key}: {reason}")]
    Pem {
        /// The setting.
        key: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// Certificate, key and trust do not go together.
    #[error("{0}")]
    Unusable(String),
}

struct Loaded {
    config: Arc<ServerConfig>,
    stamps: Vec<Stamp>,
}

/// Time and size of a file's last change; `None` when it is not there.
type Stamp = (PathBuf, Option<(SystemTime, u64)>);

/// The TLS side of a listener.
pub(crate) struct Tls {
    settings: TlsSettings,
    current: ArcSwap<Loaded>,
    checked: Mutex<Instant>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.settings).finish()
    }
}

impl Tls {
    /// Reads certificate, key and trust.
    pub(crate) fn load(settings: TlsSettings) -> Result<Self, TlsError> {
        let loaded = Loaded::load(&settings)?;
        Ok(Self { settings, current: ArcSwap::from_pointee(loaded), checked: Mutex::new(Instant::now()) })
    }

    /// Shakes hands. Bounded in time.
    pub(crate) async fn accept(self: &Arc<Self>, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        if self.is_check_due() {
            let tls = Arc::clone(self);
            let _panicked = tokio::task::spawn_blocking(move || tls.reload_if_changed()).await;
        }
        let acceptor = TlsAcceptor::from(Arc::clone(&self.current.load().config));
        match tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await {
            Ok(accepted) => accepted,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        }
    }

    fn is_check_due(&self) -> bool {
        let mut checked = self.checked.lock().unwrap_or_else(PoisonError::into_inner);
        let due = checked.elapsed() >= CHECK_INTERVAL;
        if due {
            *checked = Instant::now();
        }
        due
    }

    /// Takes up changed files. Blocks.
    fn reload_if_changed(&self) {
        let current = self.current.load();
        let stamps = stamps(&self.settings);
        if stamps == current.stamps {
            return;
        }
        match Loaded::load(&self.settings) {
            Ok(loaded) => {
                tracing::info!("certificate files changed and were loaded");
                self.current.store(Arc::new(loaded));
            }
            Err(error) => {
                tracing::error!(%error, "changed certificate files cannot be used, the ones before stay");
                let config = Arc::clone(&current.config);
                self.current.store(Arc::new(Loaded { config, stamps }));
            }
        }
    }
}

impl Loaded {
    fn load(settings: &TlsSettings) -> Result<Self, TlsError> {
        // taken first: a change while reading is seen at the next look
        let stamps = stamps(settings);
        Ok(Self { config: load::server_config(settings)?, stamps })
    }
}

fn stamps(settings: &TlsSettings) -> Vec<Stamp> {
    let files = [Some(&settings.certificate_chain), Some(&settings.key), settings.trusted.as_ref()];
    let paths = files.into_iter().flatten().filter_map(|pem| match pem {
        Pem::File(path) => Some(path.clone()),
        Pem::Inline(_) => None,
    });
    let stamp = |path: PathBuf| {
        let metadata = std::fs::metadata(&path).ok();
        let stamp = metadata.and_then(|metadata| Some((metadata.modified().ok()?, metadata.len())));
        (path, stamp)
    };
    paths.map(stamp).collect()
}

/// The subject of the peer's certificate as Kafka writes it (RFC 2253); `None` when it showed none.
pub(crate) fn peer_subject(stream: &TlsStream<TcpStream>) -> Option<String> {
    let (_, session) = stream.get_ref();
    subject::of_certificate(session.peer_certificates()?.first()?)
}

/// Why a handshake failed, for the log.
pub(crate) fn handshake_failure(error: &io::Error) -> String {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<tokio_rustls::rustls::Error>());
    match inner {
        Some(tokio_rustls::rustls::Error::InvalidMessage(_)) => {
            format!("{error}: probably a client without TLS (security.protocol)")
        }
        _ => error.to_string(),
    }
}
