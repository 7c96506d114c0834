//! From the settings and their files to a server configuration.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::store::{KEY_STORE, Names, TRUST_STORE};
use super::{
    ClientAuth, Identity, Pem, Store, StoreError, StoreKind, TlsError, TlsSettings, TlsVersions, Trusted,
};

const CHAIN: &str = "ssl.keystore.certificate.chain";
const KEY: &str = "ssl.keystore.key";
const TRUSTED: &str = "ssl.truststore.certificates";

/// Largest file that is read.
const FILE_BYTES_MAX: u64 = 8 << 20;

type Chain = Vec<CertificateDer<'static>>;

pub(super) fn server_config(settings: &TlsSettings) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(provider(settings)?);
    let (chain, key) = identity(settings)?;
    let versions: &[_] = match settings.versions {
        TlsVersions::Both => &[&TLS13, &TLS12],
        TlsVersions::Tls13 => &[&TLS13],
        TlsVersions::Tls12 => &[&TLS12],
    };
    let unusable = |error: tokio_rustls::rustls::Error| TlsError::Unusable(error.to_string());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(unusable)?;
    let builder = match client_verifier(settings, provider)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(chain, key).map_err(|error| {
        let what = match &settings.identity {
            Identity::Pem { .. } => format!("{CHAIN} and {KEY}"),
            Identity::Store(store) => {
                format!("{}: {}: certificate and key", KEY_STORE.location, store.path.display())
            }
        };
        TlsError::Unusable(format!("{what} do not go together: {error}"))
    })?;
    Ok(Arc::new(config))
}

/// The library's cryptography, with the suites that the settings leave.
fn provider(settings: &TlsSettings) -> Result<CryptoProvider, TlsError> {
    let mut provider = aws_lc_rs::default_provider();
    let Some(names) = &settings.cipher_suites else { return Ok(provider) };
    provider.cipher_suites.retain(|suite| {
        let name = suite.suite().as_str().map(|name| name.replacen("TLS13_", "TLS_", 1));
        let without = if suite.tls13().is_some() { TlsVersions::Tls12 } else { TlsVersions::Tls13 };
        settings.versions != without && name.is_some_and(|name| names.contains(&name))
    });
    if provider.cipher_suites.is_empty() {
        return Err(TlsError::Unusable(format!(
            "ssl.cipher.suites={}: none of them is supported with these versions of TLS",
            names.join(",")
        )));
    }
    Ok(provider)
}

/// The server's certificate with its chain, and its key.
fn identity(settings: &TlsSettings) -> Result<(Chain, PrivateKeyDer<'static>), TlsError> {
    let key_password = settings.key_password.as_deref();
    match &settings.identity {
        Identity::Pem { chain, key } => {
            let chain = certificates(CHAIN, &text(CHAIN, chain)?)?;
            Ok((chain, private_key(KEY, &text(KEY, key)?, key_password)?))
        }
        Identity::Store(store) => {
            let (kind, bytes) = read_store(store, KEY_STORE)?;
            if kind == StoreKind::Pem {
                let location = KEY_STORE.location;
                let text = pem_text(location, store, bytes)?;
                let password = key_password.or(store.password.as_deref());
                return Ok((certificates(location, &text)?, private_key(location, &text, password)?));
            }
            let entry = store.key_entry(kind, &bytes, key_password).map_err(of_store(store, KEY_STORE))?;
            Ok((entry.chain, PrivatePkcs8KeyDer::from(entry.key).into()))
        }
    }
}

/// The name of the setting and the certificates.
fn trusted(trusted: &Trusted) -> Result<(&'static str, Chain), TlsError> {
    match trusted {
        Trusted::Pem(pem) => Ok((TRUSTED, certificates(TRUSTED, &text(TRUSTED, pem)?)?)),
        Trusted::Store(store) => {
            let location = TRUST_STORE.location;
            let (kind, bytes) = read_store(store, TRUST_STORE)?;
            if kind == StoreKind::Pem {
                return Ok((location, certificates(location, &pem_text(location, store, bytes)?)?));
            }
            let found = store.trusted(kind, &bytes).map_err(of_store(store, TRUST_STORE))?;
            Ok((location, found))
        }
    }
}

fn read_store(store: &Store, names: Names) -> Result<(StoreKind, Vec<u8>), TlsError> {
    let bytes = read(names.location, &store.path)?;
    let kind = store.kind(&bytes, names).map_err(of_store(store, names))?;
    Ok((kind, bytes))
}

fn of_store(store: &Store, names: Names) -> impl Fn(StoreError) -> TlsError {
    move |source| TlsError::Store { key: names.location, path: store.path.clone(), source }
}

fn pem_text(key: &'static str, store: &Store, bytes: Vec<u8>) -> Result<String, TlsError> {
    String::from_utf8(bytes).map_err(|_| {
        let reason = format!("{} is neither PEM nor PKCS12 nor JKS", store.path.display());
        TlsError::Pem { key, reason }
    })
}

fn client_verifier(
    settings: &TlsSettings,
    provider: Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    if settings.client_auth == ClientAuth::None {
        return Ok(None);
    }
    let Some(settings_trusted) = &settings.trusted else {
        let reason =
            "or ssl.truststore.location is needed to check the certificates of clients (ssl.client.auth)";
        return Err(TlsError::Pem { key: TRUSTED, reason: reason.to_owned() });
    };
    let (key, certificates) = trusted(settings_trusted)?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        roots.add(certificate).map_err(|error| TlsError::Pem { key, reason: error.to_string() })?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match settings.client_auth {
        ClientAuth::Requested => builder.allow_unauthenticated(),
        ClientAuth::None | ClientAuth::Required => builder,
    };
    let verifier = builder.build().map_err(|error| TlsError::Pem { key, reason: error.to_string() })?;
    Ok(Some(verifier))
}

fn certificates(key: &'static str, text: &str) -> Result<Chain, TlsError> {
    let found = CertificateDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| TlsError::Pem { key, reason: error.to_string() })?;
    if found.is_empty() {
        return Err(TlsError::Pem { key, reason: "no CERTIFICATE block in it".to_owned() });
    }
    Ok(found)
}

fn private_key(
    key: &'static str,
    text: &str,
    password: Option<&str>,
) -> Result<PrivateKeyDer<'static>, TlsError> {
    const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
    let failed = |reason: String| TlsError::Pem { key, reason };
    let Some(at) = text.find(ENCRYPTED) else {
        return PrivateKeyDer::from_pem_slice(text.as_bytes())
            .map_err(|_| failed("no readable PRIVATE KEY block in it".to_owned()));
    };
    let Some(password) = password else {
        return Err(failed("the key is encrypted and ssl.key.password is not set".to_owned()));
    };
    let from_here = text.get(at..).unwrap_or_default();
    let end = from_here.find("-----END ENCRYPTED PRIVATE KEY-----").map(|end| end + 35);
    let block = end.and_then(|end| from_here.get(..end)).unwrap_or(from_here);
    let unreadable = || failed("the encrypted block is broken".to_owned());
    let (_, document) = pkcs8::SecretDocument::from_pem(block).map_err(|_| unreadable())?;
    let encrypted =
        pkcs8::EncryptedPrivateKeyInfo::try_from(document.as_bytes()).map_err(|_| unreadable())?;
    let plain = encrypted
        .decrypt(password)
        .map_err(|_| failed("ssl.key.password does not open it, or its cipher is not known".to_owned()))?;
    Ok(PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(plain.as_bytes().to_vec())))
}

fn text(key: &'static str, pem: &Pem) -> Result<String, TlsError> {
    match pem {
        Pem::Inline(text) => Ok(text.clone()),
        Pem::File(path) => String::from_utf8(read(key, path)?).map_err(|_| {
            let reason = format!("{} is not PEM; ssl.keystore.location takes JKS and PKCS12", path.display());
            TlsError::Pem { key, reason }
        }),
    }
}

fn read(key: &'static str, path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |source| TlsError::Read { key, path: path.to_owned(), source };
    if std::fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
        return Err(failed(std::io::ErrorKind::FileTooLarge.into()));
    }
    std::fs::read(path).map_err(failed)
}
