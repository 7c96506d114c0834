//! Stores that `keytool` and `openssl` wrote (`tests/data/tls/make.sh`).

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;

use super::*;
use crate::tls::store::{KeyEntry, Password};

const PASSWORD: &str = "store-secret";
const KEY_STORES: [&str; 6] = [
    "server.jks",
    "server.p12",
    "server-openssl.p12",
    "server-legacy.p12",
    "server-rc2-128.p12",
    "server-sha512.p12",
];

fn path(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests/data/tls", name].iter().collect()
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap()
}

fn certificate_of(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(path(name)).unwrap()
}

fn store(path: PathBuf, kind: Option<StoreKind>, password: &str) -> Store {
    Store { path, kind, password: Some(password.to_owned()) }
}

fn key_store(name: &str) -> TlsSettings {
    with_identity(Identity::Store(store(path(name), None, PASSWORD)))
}

/// Settings with a good key in PEM and this trust store.
fn trust_store(name: &str, password: Option<&str>) -> TlsSettings {
    let store = Store { path: path(name), kind: None, password: password.map(str::to_owned) };
    TlsSettings {
        trusted: Some(Trusted::Store(store)),
        client_auth: ClientAuth::Required,
        ..settings(path("server.pem").to_str().unwrap(), path("server.key").to_str().unwrap())
    }
}

fn error(settings: TlsSettings) -> String {
    Tls::load(settings).unwrap_err().to_string()
}

fn password(text: &str) -> Password<'_> {
    Password { text, key: "ssl.keystore.password" }
}

fn read_key(bytes: &[u8], text: &str) -> Result<KeyEntry, StoreError> {
    let entry = if bytes.starts_with(&[0xfe]) { jks::key_entry } else { pkcs12::key_entry };
    entry(bytes, password(text), password(text))
}

fn read_trusted(bytes: &[u8], text: Option<&str>) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let trusted = if bytes.starts_with(&[0xfe]) { jks::trusted } else { pkcs12::trusted };
    trusted(bytes, text.map(password))
}

#[test]
fn the_key_and_its_chain_are_read_from_every_kind_of_store() {
    let chain = [certificate_of("server.pem"), certificate_of("ca.pem")];
    for name in KEY_STORES {
        let entry = read_key(&bytes(name), PASSWORD).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(entry.chain, chain, "{name}");
        // fails when the key is not the certificate's
        Tls::load(key_store(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn a_store_may_be_of_the_other_java_type_and_nothing_else() {
    let with = |name: &str, kind| with_identity(Identity::Store(store(path(name), Some(kind), PASSWORD)));
    for (name, kind) in [
        ("server.jks", StoreKind::Jks),
        ("server.jks", StoreKind::Pkcs12),
        ("server.p12", StoreKind::Jks),
        ("server.p12", StoreKind::Pkcs12),
    ] {
        Tls::load(with(name, kind)).unwrap();
    }
    for (name, kind, part) in [
        ("server.jks", StoreKind::Pem, "ssl.keystore.type says PEM, and the file is none"),
        ("server.p12", StoreKind::Pem, "ssl.keystore.type says PEM"),
        ("server.pem", StoreKind::Jks, "ssl.keystore.type says JKS"),
        ("server.pem", StoreKind::Pkcs12, "ssl.keystore.type says PKCS12"),
    ] {
        let error = error(with(name, kind));
        assert!(error.starts_with(&format!("ssl.keystore.location: {}: ", path(name).display())), "{error}");
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn a_key_may_have_a_password_of_its_own() {
    let settings = |key_password: Option<&str>| TlsSettings {
        key_password: key_password.map(str::to_owned),
        ..key_store("server-key-password.jks")
    };
    Tls::load(settings(Some("key-secret"))).unwrap();
    assert!(error(settings(None)).contains("the private key does not open with ssl.keystore.password"));
    assert!(error(settings(Some("x"))).contains("the private key does not open with ssl.key.password"));
    for name in KEY_STORES {
        let right = TlsSettings { key_password: Some(PASSWORD.to_owned()), ..key_store(name) };
        Tls::load(right).unwrap();
        let wrong = TlsSettings { key_password: Some("x".to_owned()), ..key_store(name) };
        assert!(error(wrong).contains("the private key does not open with ssl.key.password"), "{name}");
    }
}

#[test]
fn unusable_key_stores_are_named_with_the_reason() {
    let check = |identity: Store, part: &str| {
        let expected = format!("ssl.keystore.location: {}: ", identity.path.display());
        let error = error(with_identity(Identity::Store(identity)));
        assert!(error.starts_with(&expected) && error.contains(part), "{error}");
        assert!(!error.contains("secret"), "{error}");
    };
    for name in KEY_STORES {
        check(store(path(name), None, "no-secret"), "ssl.keystore.password");
        let without = Store { path: path(name), kind: None, password: None };
        check(without, "ssl.keystore.password is not set");
    }
    for name in ["server.jks", "server.p12", "server-legacy.p12"] {
        check(store(path(name), None, "no-secret"), "ssl.keystore.password is wrong, or the file is damaged");
    }
    for name in ["trust.jks", "trust.p12", "unmarked.p12"] {
        check(store(path(name), None, "trust-secret"), "no private key entry");
    }
    let dir = tempfile::tempdir().unwrap();
    let other = dir.path().join("other");
    std::fs::write(&other, [0xce, 0xce, 0xce, 0xce, 0, 0, 0, 2]).unwrap();
    check(store(other, None, PASSWORD), "a JCEKS store is not supported");
    let missing = store("/no/such/file".into(), None, PASSWORD);
    assert!(
        error(with_identity(Identity::Store(missing)))
            .contains("ssl.keystore.location: cannot read /no/such")
    );
}

#[test]
fn every_trusted_certificate_is_taken_from_a_trust_store() {
    let mut expected = vec![certificate_of("ca.pem"), certificate_of("other.pem")];
    expected.sort_by(|one, other| one.as_ref().cmp(other.as_ref()));
    for name in ["trust.jks", "trust.p12"] {
        let mut found = read_trusted(&bytes(name), Some("trust-secret")).unwrap();
        found.sort_by(|one, other| one.as_ref().cmp(other.as_ref()));
        assert_eq!(found, expected, "{name}");
        Tls::load(trust_store(name, Some("trust-secret"))).unwrap();
        assert!(error(trust_store(name, Some("x"))).contains("ssl.truststore.password is wrong"), "{name}");
    }
    Tls::load(trust_store("ca.pem", None)).unwrap();
    // as in Java: a JKS store can be read without its password, though nothing then tells that it is whole
    Tls::load(trust_store("trust.jks", None)).unwrap();
    let expected = format!(
        "ssl.truststore.location: {}: ssl.truststore.password is not set",
        path("trust.p12").display()
    );
    assert_eq!(error(trust_store("trust.p12", None)), expected);
}

#[test]
fn what_nobody_marked_as_trusted_is_not() {
    assert!(
        error(trust_store("unmarked.p12", Some("trust-secret"))).contains("no trusted certificate entry")
    );
    for name in KEY_STORES {
        assert!(error(trust_store(name, Some(PASSWORD))).contains("no trusted certificate entry"), "{name}");
    }
    let both = read_trusted(&bytes("server-key-password.jks"), Some(PASSWORD)).unwrap();
    assert_eq!(both, [certificate_of("other.pem")]);
}

#[test]
fn cut_stores_are_refused_at_every_byte() {
    for name in KEY_STORES {
        let whole = bytes(name);
        for end in 0..whole.len() {
            assert!(read_key(&whole[..end], PASSWORD).is_err(), "{name} {end}");
            assert!(read_trusted(&whole[..end], None).is_err(), "{name} {end}");
        }
    }
    for name in ["trust.jks", "trust.p12"] {
        let whole = bytes(name);
        for end in 0..whole.len() {
            assert!(read_trusted(&whole[..end], Some("trust-secret")).is_err(), "{name} {end}");
            assert!(read_trusted(&whole[..end], None).is_err(), "{name} {end}");
        }
    }
}

#[test]
fn damaged_stores_are_refused_at_every_byte() {
    for name in ["server.jks", "trust.jks"] {
        let whole = bytes(name);
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0xff;
            assert!(read_key(&damaged, PASSWORD).is_err(), "{name} {at}");
            assert!(read_trusted(&damaged, Some("trust-secret")).is_err(), "{name} {at}");
            let _ = read_trusted(&damaged, None);
        }
    }
    // the MAC covers what can be read without a password too
    let whole = bytes("server-sha512.p12");
    let entry = read_key(&whole, PASSWORD).unwrap();
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x81;
        if let Ok(read) = read_key(&damaged, PASSWORD) {
            assert!(read.chain == entry.chain && read.key == entry.key, "{at}");
        }
    }
    // without a MAC, and with most of it readable: nothing but a panic is wrong
    for name in ["server-rc2-128.p12", "server-sha512.p12"] {
        let whole = bytes(name);
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x81;
            let _ = read_trusted(&damaged, None);
        }
    }
}

/// A JKS file of version 2 that ends after `words`.
fn jks_of(words: &[u32]) -> Vec<u8> {
    [0xfeed_feed, 2].iter().chain(words).flat_map(|word| word.to_be_bytes()).collect()
}

#[test]
fn counts_and_lengths_are_not_believed() {
    let (no_alias, time) = (0, [0, 0]);
    let many = jks_of(&[u32::MAX]);
    assert_eq!(read_key(&many, PASSWORD).err(), Some(damaged(StoreKind::Jks, "an entry")));
    // tag 1, an alias of no bytes (two bytes, so that what follows is shifted by two)
    let mut long_key = jks_of(&[1, 1]);
    long_key.extend_from_slice(&u16::to_be_bytes(no_alias));
    long_key.extend(time.iter().flat_map(|word: &u32| word.to_be_bytes()));
    let mut long_chain = long_key.clone();
    long_key.extend_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(read_key(&long_key, PASSWORD).err(), Some(damaged(StoreKind::Jks, "a private key")));
    long_chain.extend_from_slice(&0_u32.to_be_bytes());
    long_chain.extend_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(
        read_key(&long_chain, PASSWORD).err(),
        Some(damaged(StoreKind::Jks, "the type of a certificate"))
    );
    let mut long_alias = jks_of(&[1, 2]);
    long_alias.extend_from_slice(&u16::MAX.to_be_bytes());
    assert_eq!(read_key(&long_alias, PASSWORD).err(), Some(damaged(StoreKind::Jks, "an alias")));
    for der in
        [&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..], &[0x30, 0x80], &[0x30, 0x88, 1, 1, 1, 1, 1, 1, 1, 1]]
    {
        assert_eq!(read_key(der, PASSWORD).err(), Some(damaged(StoreKind::Pkcs12, "its outer frame")));
    }
}

#[test]
fn a_store_cannot_ask_for_endless_work() {
    // the rounds of the MAC are the last number of the file
    let mut hostile = bytes("server-openssl.p12");
    let rounds = hostile.split_off(hostile.len() - 4);
    assert_eq!(rounds, [2, 2, 8, 0]);
    hostile.extend_from_slice(&[2, 3, 0x7f, 0xff, 0xff]);
    // a byte more in the file, and in the MAC, which begins with a digest of 0x31 bytes
    hostile[3] += 1;
    let mac = hostile.windows(3).rposition(|bytes| bytes == [0x41, 0x30, 0x31]).unwrap();
    hostile[mac] += 1;
    let expected = damaged(StoreKind::Pkcs12, "the rounds of a key derivation");
    assert_eq!(read_key(&hostile, PASSWORD).err(), Some(expected.clone()));
    assert_eq!(pkcs12::within_bounds(0).err(), Some(expected));
    assert_eq!(pkcs12::within_bounds(pkcs12::ROUNDS_MAX), Ok(pkcs12::ROUNDS_MAX));
}

fn damaged(kind: StoreKind, what: &'static str) -> StoreError {
    StoreError::Damaged { kind, what }
}

#[test]
fn a_changed_store_is_taken_up_and_a_broken_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("store");
    std::fs::copy(path("server.jks"), &file).unwrap();
    let tls = Tls::load(with_identity(Identity::Store(store(file.clone(), None, PASSWORD)))).unwrap();
    let first = Arc::clone(&tls.current.load().config);
    tls.reload_if_changed();
    assert!(Arc::ptr_eq(&first, &tls.current.load().config));
    std::fs::copy(path("trust.jks"), &file).unwrap();
    tls.reload_if_changed();
    assert!(Arc::ptr_eq(&first, &tls.current.load().config));
    std::fs::copy(path("server-openssl.p12"), &file).unwrap();
    tls.reload_if_changed();
    assert!(!Arc::ptr_eq(&first, &tls.current.load().config));
}

#[test]
fn a_changed_trust_store_is_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("store");
    std::fs::copy(path("trust.jks"), &file).unwrap();
    let trusted = Some(Trusted::Store(store(file.clone(), None, "trust-secret")));
    let tls = Tls::load(TlsSettings { trusted, ..trust_store("trust.jks", None) }).unwrap();
    let first = Arc::clone(&tls.current.load().config);
    std::fs::copy(path("trust.p12"), &file).unwrap();
    tls.reload_if_changed();
    assert!(!Arc::ptr_eq(&first, &tls.current.load().config));
}
