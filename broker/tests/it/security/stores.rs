//! TLS from Java's stores, and principals from the subjects of clients' certificates.

use std::sync::Arc;

use assay_broker::protocol::messages::MetadataRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::client::{TestBroker, frame};

const RULE: &str = "RULE:^CN=(.*?),OU=Flights,.*$/$1/L";

fn data(name: &str) -> String {
    format!("{}/tests/data/tls/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A broker whose one listener asks for certificates, and where the user `orders` may do everything.
async fn guarded(key_store: &str, trust_store: &str, settings: &[(&str, &str)]) -> TestBroker {
    let (key_store, trust_store) = (data(key_store), data(trust_store));
    let mut all = vec![
        ("listeners", "SSL://127.0.0.1:0"),
        ("ssl.client.auth", "required"),
        ("ssl.keystore.location", key_store.as_str()),
        ("ssl.keystore.password", "store-secret"),
        ("ssl.truststore.location", trust_store.as_str()),
        ("ssl.truststore.password", "trust-secret"),
        ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
        ("super.users", "User:orders"),
    ];
    all.extend_from_slice(settings);
    TestBroker::with(&all, Arc::new(assay_broker::AcceptAll)).await
}

/// Shakes hands with the client's certificate, or another.
async fn connect(
    broker: &TestBroker,
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
) -> TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(data("ca.pem")).unwrap()).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(vec![certificate], key)
        .unwrap();
    let stream = TcpStream::connect(broker.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
}

async fn connect_as_orders(broker: &TestBroker) -> TlsStream<TcpStream> {
    let certificate = CertificateDer::from_pem_file(data("client.pem")).unwrap();
    connect(broker, certificate, PrivateKeyDer::from_pem_file(data("client.key")).unwrap()).await
}

/// The error code of a listing of access rules, which the user `orders` alone may have.
async fn listing(stream: &mut TlsStream<TcpStream>) -> i16 {
    stream.write_all(&frame(&super::every_rule(), 3, 1)).await.unwrap();
    let size = stream.read_i32().await.unwrap();
    let mut response = vec![0; usize::try_from(size).unwrap()];
    stream.read_exact(&mut response).await.unwrap();
    // after correlation id, tags and throttle time
    i16::from_be_bytes([response[9], response[10]])
}

async fn is_turned_away(mut stream: TlsStream<TcpStream>) -> bool {
    let _may_be_closed = stream.write_all(&frame(&MetadataRequest::default(), 1, 1)).await;
    stream.read_i32().await.is_err()
}

#[tokio::test]
async fn clients_are_known_by_certificate_over_a_jks_store() {
    let settings = [("ssl.principal.mapping.rules", RULE), ("ssl.keystore.type", "JKS")];
    let broker = guarded("server.jks", "trust.jks", &settings).await;
    assert_eq!(listing(&mut connect_as_orders(&broker).await).await, 0);
}

#[tokio::test]
async fn clients_are_known_by_certificate_over_a_pkcs12_store() {
    for key_store in ["server.p12", "server-legacy.p12"] {
        let settings = [("ssl.principal.mapping.rules", RULE), ("ssl.truststore.type", "PKCS12")];
        let broker = guarded(key_store, "trust.p12", &settings).await;
        assert_eq!(listing(&mut connect_as_orders(&broker).await).await, 0, "{key_store}");
    }
}

#[tokio::test]
async fn who_is_not_signed_by_the_trust_store_is_turned_away() {
    let broker = guarded("server.jks", "trust.p12", &[]).await;
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap();
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    assert!(is_turned_away(connect(&broker, certificate.der().clone(), key).await).await);
    assert_eq!(listing(&mut connect_as_orders(&broker).await).await, 31);
}

#[tokio::test]
async fn the_first_rule_that_fits_names_the_client_and_one_has_to() {
    let whole = "User:CN=Orders,OU=Flights,O=Example,C=DE";
    for (settings, code) in [
        (&[][..], 31),
        (&[("super.users", whole)], 0),
        (&[("ssl.principal.mapping.rules", "DEFAULT"), ("super.users", whole)], 0),
        (&[("ssl.principal.mapping.rules", "RULE:^CN=x$/x/,RULE:^CN=(.*?),.*$/$1/")], 31),
        (&[("ssl.principal.mapping.rules", "RULE:^CN=(.*?),.*$/$1/"), ("super.users", "User:Orders")], 0),
        (
            &[
                ("ssl.principal.mapping.rules", "RULE:^CN=x$/x/"),
                ("listener.name.ssl.ssl.principal.mapping.rules", RULE),
            ],
            0,
        ),
    ] {
        let broker = guarded("server.jks", "trust.jks", settings).await;
        assert_eq!(listing(&mut connect_as_orders(&broker).await).await, code, "{settings:?}");
    }
    let broker =
        guarded("server.jks", "trust.jks", &[("ssl.principal.mapping.rules", "RULE:^CN=x$/x/")]).await;
    assert!(is_turned_away(connect_as_orders(&broker).await).await);
}
