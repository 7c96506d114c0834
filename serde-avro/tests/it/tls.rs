//! Trust and identity, against a server with certificates made for the test.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use assay_serde_avro::client::ListQuery;
use assay_serde_avro::{Error, Properties, RegistryClient, RetryPolicy, Tls};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// An authority, a server certificate for `localhost` and a client certificate, as PEM files.
struct Certificates {
    folder: tempfile::TempDir,
    authority: CertificateDer<'static>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Certificates {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let leaf = |name: &str, usage| {
            let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
            params.insert_extended_key_usage(usage);
            let key = KeyPair::generate().unwrap();
            (params.signed_by(&key, &issuer).unwrap(), key)
        };
        let (server, server_key) = leaf("localhost", ExtendedKeyUsagePurpose::ServerAuth);
        let (client, client_key) = leaf("client", ExtendedKeyUsagePurpose::ClientAuth);
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("ca.pem", &issuer.pem());
        write("client.pem", &client.pem());
        write("client.key", &client_key.serialize_pem());
        write("both.pem", &format!("{}{}", client.pem(), client_key.serialize_pem()));
        Self {
            authority: issuer.der().clone(),
            chain: vec![server.der().clone()],
            key: PrivateKeyDer::from_pem_slice(server_key.serialize_pem().as_bytes()).unwrap(),
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A server that answers every request with no subjects; with `identified`, only to clients of the authority.
    async fn serve(&self, identified: bool) -> u16 {
        let builder = ServerConfig::builder();
        let builder = if identified {
            let mut roots = RootCertStore::empty();
            roots.add(self.authority.clone()).unwrap();
            builder.with_client_cert_verifier(WebPkiClientVerifier::builder(roots.into()).build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let config = builder.with_single_cert(self.chain.clone(), self.key.clone_key()).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(acceptor.clone(), stream));
            }
        });
        port
    }
}

/// One answer for each request of a connection; an error ends it.
async fn answer(acceptor: TlsAcceptor, stream: TcpStream) {
    let Ok(mut stream) = acceptor.accept(stream).await else { return };
    let mut head = Vec::new();
    while let Ok(byte) = stream.read_u8().await {
        head.push(byte);
        if head.ends_with(b"\r\n\r\n") {
            head.clear();
            let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]";
            if stream.write_all(answer).await.is_err() || stream.flush().await.is_err() {
                return;
            }
        }
    }
}

async fn subjects(host: &str, port: u16, tls: Tls) -> Result<Vec<String>, Error> {
    let retry = RetryPolicy { retries_max: 0, ..RetryPolicy::default() };
    let client = RegistryClient::builder(&format!("https://{host}:{port}")).retry(retry).tls(tls).build()?;
    client.subjects(&ListQuery::default()).await
}

fn ca(path: &Path) -> Tls {
    Tls { ca: Some(path.to_owned()), ..Tls::default() }
}

#[tokio::test]
async fn a_server_is_trusted_for_its_authority_and_its_name() {
    let ours = Certificates::new();
    let port = ours.serve(false).await;
    assert!(subjects("localhost", port, ca(&ours.path("ca.pem"))).await.unwrap().is_empty());

    let error = subjects("127.0.0.1", port, ca(&ours.path("ca.pem"))).await.unwrap_err();
    assert!(matches!(error, Error::RegistryUnavailable { .. }), "{error}");
    assert!(error.to_string().contains("127.0.0.1"), "{error}");
    let foreign = Certificates::new();
    let error = subjects("localhost", port, ca(&foreign.path("ca.pem"))).await.unwrap_err();
    assert!(matches!(error, Error::RegistryUnavailable { .. }), "{error}");
    // nobody but the system's authorities is trusted without a word
    assert!(subjects("localhost", port, Tls::default()).await.is_err());
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let certificates = Certificates::new();
    let port = certificates.serve(true).await;
    let trusted = ca(&certificates.path("ca.pem"));
    assert!(subjects("localhost", port, trusted.clone()).await.is_err());
    let two_files = Tls {
        certificate: Some(certificates.path("client.pem")),
        key: Some(certificates.path("client.key")),
        ..trusted.clone()
    };
    assert!(subjects("localhost", port, two_files).await.unwrap().is_empty());
    let one_file = Tls { certificate: Some(certificates.path("both.pem")), ..trusted.clone() };
    assert!(subjects("localhost", port, one_file).await.unwrap().is_empty());
    let without_key = Tls { certificate: Some(certificates.path("client.pem")), ..trusted };
    assert!(matches!(subjects("localhost", port, without_key).await, Err(Error::Config(_))));

    // the same by property names
    let text = |name: &str| certificates.path(name).display().to_string();
    let properties: Properties = [
        ("schema.registry.url", format!("https://localhost:{port}")),
        ("schema.registry.ssl.ca.location", text("ca.pem")),
        ("schema.registry.ssl.certificate.location", text("client.pem")),
        ("schema.registry.ssl.key.location", text("client.key")),
    ]
    .into_iter()
    .collect();
    assert!(properties.registry().is_ok());
}

#[cfg(feature = "encrypted-keys")]
#[tokio::test]
async fn an_encrypted_key_is_read_with_its_password() {
    use pkcs8::der::Decode;
    use pkcs8::pkcs5::pbes2::Parameters;

    let certificates = Certificates::new();
    let port = certificates.serve(true).await;
    let plain = std::fs::read_to_string(certificates.path("client.key")).unwrap();
    let (_, document) = pkcs8::SecretDocument::from_pem(&plain).unwrap();
    let info = pkcs8::PrivateKeyInfo::from_der(document.as_bytes()).unwrap();
    let parameters = Parameters::pbkdf2_sha256_aes256cbc(2048, b"saltsalt", b"0123456789abcdef").unwrap();
    let encrypted = info.encrypt_with_params(parameters, "secret").unwrap();
    let encrypted = encrypted.to_pem("ENCRYPTED PRIVATE KEY", pkcs8::LineEnding::LF).unwrap();
    std::fs::write(certificates.path("locked.key"), encrypted.as_bytes()).unwrap();
    let tls = |password: Option<&str>| Tls {
        certificate: Some(certificates.path("client.pem")),
        key: Some(certificates.path("locked.key")),
        key_password: password.map(str::to_owned),
        ..ca(&certificates.path("ca.pem"))
    };
    assert!(subjects("localhost", port, tls(Some("secret"))).await.unwrap().is_empty());
    for (password, expected) in [(Some("wrong"), "cannot be decrypted"), (None, "is missing")] {
        let error = subjects("localhost", port, tls(password)).await.unwrap_err();
        assert!(matches!(error, Error::Config(_)), "{error}");
        assert!(error.to_string().contains("schema.registry.ssl.key.password"), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert!(!format!("{:?}", tls(Some("secret"))).contains("\"secret\""));
}

#[cfg(not(feature = "encrypted-keys"))]
#[test]
fn an_encrypted_key_is_refused_with_the_feature_that_reads_it() {
    let certificates = Certificates::new();
    let locked = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE KEY-----\n";
    std::fs::write(certificates.path("locked.key"), locked).unwrap();
    let tls = Tls {
        certificate: Some(certificates.path("client.pem")),
        key: Some(certificates.path("locked.key")),
        key_password: Some("secret".into()),
        ..Tls::default()
    };
    let error = RegistryClient::builder("https://localhost").tls(tls).build().unwrap_err();
    assert!(error.to_string().contains("encrypted-keys"), "{error}");
}

#[test]
fn a_key_in_the_older_encrypted_form_is_refused_with_a_way_out() {
    let certificates = Certificates::new();
    let old =
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\nAA==\n-----END RSA PRIVATE KEY-----\n";
    std::fs::write(certificates.path("old.key"), old).unwrap();
    let tls = Tls {
        certificate: Some(certificates.path("client.pem")),
        key: Some(certificates.path("old.key")),
        ..Tls::default()
    };
    let error = RegistryClient::builder("https://localhost").tls(tls).build().unwrap_err();
    assert!(error.to_string().contains("openssl pkcs8"), "{error}");
}
