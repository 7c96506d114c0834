//! TLS for listeners: certificates and keys in PEM, PKCS #12 or JKS, under Kafka's `ssl.*` names, taken up again when their
//! files change.
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

mod der;
mod jks;
mod load;
mod pkcs12;
mod pkcs12_cipher;
mod principal;
mod store;
mod subject;
#[cfg(test)]
mod tests;

pub use principal::{BadRule, NoRule, PrincipalRules};
pub use store::{Store, StoreError, StoreKind};

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

/// Where the server's certificate and key come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// Two texts in PEM.
    Pem {
        /// `ssl.keystore.certificate.chain`: the server's certificate, then what signed it.
        chain: Pem,
        /// `ssl.keystore.key`.
        key: Pem,
    },
    /// `ssl.keystore.location`.
    Store(Store),
}

/// Where those come from who may have signed the certificates of clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trusted {
    /// `ssl.truststore.certificates`.
    Pem(Pem),
    /// `ssl.truststore.location`.
    Store(Store),
}

/// Versions of TLS that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersions {
    /// 1.2 alone.
    Tls12,
    /// 1.3 alone.
    Tls13,
    /// 1.3, and 1.2 for those who know no other.
    #[default]
    Both,
}

impl TlsVersions {
    /// From Kafka's names; others, of versions that are not safe, are passed over. `None` when nothing is left.
    pub fn from_names<'a>(mut names: impl Iterator<Item = &'a str> + Clone) -> Option<Self> {
        let tls12 = names.clone().any(|name| name == "TLSv1.2");
        match (tls12, names.any(|name| name == "TLSv1.3")) {
            (true, true) => Some(Self::Both),
            (true, false) => Some(Self::Tls12),
            (false, true) => Some(Self::Tls13),
            (false, false) => None,
        }
    }
}

/// What a listener needs to speak TLS.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsSettings {
    /// The server's certificate and key.
    pub identity: Identity,
    /// `ssl.key.password`, for an encrypted key. Without it the password of the store opens the key.
    pub key_password: Option<String>,
    /// Who may have signed the certificates of clients.
    pub trusted: Option<Trusted>,
    /// `ssl.client.auth`.
    pub client_auth: ClientAuth,
    /// `ssl.enabled.protocols`.
    pub versions: TlsVersions,
    /// `ssl.cipher.suites` by their registered names; all that there are when `None`. Unknown names are passed over.
    pub cipher_suites: Option<Vec<String>>,
    /// `ssl.principal.mapping.rules`.
    pub principal_rules: PrincipalRules,
}

impl fmt::Debug for TlsSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsSettings")
            .field("identity", &self.identity)
            .field("trusted", &self.trusted)
            .field("client_auth", &self.client_auth)
            .field("principal_rules", &self.principal_rules)
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
    /// A key store or trust store cannot be used.
    #[error("{key}: {path}: {source}", path = path.display())]
    Store {
        /// The setting.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: StoreError,
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

    /// The name of the peer by its certificate: the subject as Kafka writes it (RFC 2253), after the rules. `None` when it
    /// showed no certificate.
    pub(crate) fn principal_name(&self, stream: &TlsStream<TcpStream>) -> Result<Option<String>, NoRule> {
        let (_, session) = stream.get_ref();
        let certificate = session.peer_certificates().and_then(|certificates| certificates.first());
        let subject = certificate.and_then(|certificate| subject::of_certificate(certificate));
        subject.map(|subject| self.settings.principal_rules.apply(&subject)).transpose()
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
    let of_pem = |pem: &Pem| match pem {
        Pem::File(path) => Some(path.clone()),
        Pem::Inline(_) => None,
    };
    let (first, second) = match &settings.identity {
        Identity::Pem { chain, key } => (of_pem(chain), of_pem(key)),
        Identity::Store(store) => (Some(store.path.clone()), None),
    };
    let trusted = settings.trusted.as_ref().and_then(|trusted| match trusted {
        Trusted::Pem(pem) => of_pem(pem),
        Trusted::Store(store) => Some(store.path.clone()),
    });
    let paths = [first, second, trusted].into_iter().flatten();
    let stamp = |path: PathBuf| {
        let metadata = std::fs::metadata(&path).ok();
        let stamp = metadata.and_then(|metadata| Some((metadata.modified().ok()?, metadata.len())));
        (path, stamp)
    };
    paths.map(stamp).collect()
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
