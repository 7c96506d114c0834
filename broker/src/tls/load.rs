//! From PEM to a server configuration.

use std::sync::Arc;

use tokio_rustls::rustls::crypto::{CryptoProvider, aws_lc_rs};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::version::{TLS12, TLS13};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::{ClientAuth, Pem, TlsError, TlsSettings};

const CHAIN: &str = "ssl.keystore.certificate.chain";
const KEY: &str = "ssl.keystore.key";
const TRUSTED: &str = "ssl.truststore.certificates";

/// Largest PEM file that is read.
const PEM_BYTES_MAX: u64 = 8 << 20;

pub(super) fn server_config(settings: &TlsSettings) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let chain = certificates(CHAIN, &settings.certificate_chain)?;
    let key = private_key(settings)?;
    let versions: &[_] = if settings.tls12 { &[&TLS13, &TLS12] } else { &[&TLS13] };
    let unusable = |error: tokio_rustls::rustls::Error| TlsError::Unusable(error.to_string());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)
        .map_err(unusable)?;
    let builder = match client_verifier(settings, provider)? {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let config = builder
        .with_single_cert(chain, key)
        .map_err(|error| TlsError::Unusable(format!("{CHAIN} and {KEY} do not go together: {error}")))?;
    Ok(Arc::new(config))
}

fn client_verifier(
    settings: &TlsSettings,
    provider: Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
    if settings.client_auth == ClientAuth::None {
        return Ok(None);
    }
    let Some(trusted) = &settings.trusted else {
        let reason = "needed to check the certificates of clients (ssl.client.auth)".to_owned();
        return Err(TlsError::Pem { key: TRUSTED, reason });
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(TRUSTED, trusted)? {
        roots.add(certificate).map_err(|error| TlsError::Pem { key: TRUSTED, reason: error.to_string() })?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match settings.client_auth {
        ClientAuth::Requested => builder.allow_unauthenticated(),
        ClientAuth::None | ClientAuth::Required => builder,
    };
    let verifier =
        builder.build().map_err(|error| TlsError::Pem { key: TRUSTED, reason: error.to_string() })?;
    Ok(Some(verifier))
}

fn certificates(key: &'static str, pem: &Pem) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let text = text(key, pem)?;
    let found = CertificateDer::pem_slice_iter(text.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| TlsError::Pem { key, reason: error.to_string() })?;
    if found.is_empty() {
        return Err(TlsError::Pem { key, reason: "no CERTIFICATE block in it".to_owned() });
    }
    Ok(found)
}

fn private_key(settings: &TlsSettings) -> Result<PrivateKeyDer<'static>, TlsError> {
    const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
    let text = text(KEY, &settings.key)?;
    let failed = |reason: String| TlsError::Pem { key: KEY, reason };
    let Some(at) = text.find(ENCRYPTED) else {
        return PrivateKeyDer::from_pem_slice(text.as_bytes())
            .map_err(|_| failed("no readable PRIVATE KEY block in it".to_owned()));
    };
    let Some(password) = &settings.key_password else {
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
        Pem::File(path) => {
            let failed = |source| TlsError::Read { key, path: path.clone(), source };
            if std::fs::metadata(path).map_err(failed)?.len() > PEM_BYTES_MAX {
                return Err(failed(std::io::ErrorKind::FileTooLarge.into()));
            }
            let bytes = std::fs::read(path).map_err(failed)?;
            String::from_utf8(bytes).map_err(|_| {
                let reason =
                    format!("{} is not PEM; a JKS or PKCS12 store has to be converted", path.display());
                TlsError::Pem { key, reason }
            })
        }
    }
}
