use rcgen::{CertificateParams, DistinguishedName, DnType, Issuer, KeyPair};

use super::*;

mod stores;

fn certificate(names: &[(DnType, &str)]) -> (rcgen::Certificate, KeyPair) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.distinguished_name = DistinguishedName::new();
    for (kind, value) in names {
        params.distinguished_name.push(kind.clone(), *value);
    }
    let key = KeyPair::generate().unwrap();
    (params.self_signed(&key).unwrap(), key)
}

#[test]
fn subjects_are_spelled_as_java_spells_them() {
    let names = [
        (DnType::CountryName, "DE"),
        (DnType::OrganizationName, "Gold, Silver & Co"),
        (DnType::OrganizationalUnitName, "a+b"),
        (DnType::CommonName, "orders service"),
    ];
    let (certificate, _) = certificate(&names);
    let expected = r"CN=orders service,OU=a\+b,O=Gold\, Silver & Co,C=DE";
    assert_eq!(subject::of_certificate(certificate.der()).as_deref(), Some(expected));
    let custom = DnType::CustomDnType(vec![1, 2, 840, 113_549, 1, 9, 1]);
    let (certificate, _) = self::certificate(&[(custom, "a@b"), (DnType::CommonName, " x#")]);
    let expected = r"CN=\ x#,1.2.840.113549.1.9.1=#0c03614062";
    assert_eq!(subject::of_certificate(certificate.der()).as_deref(), Some(expected));
}

#[test]
fn damaged_certificates_have_no_subject_and_do_no_harm() {
    let (certificate, _) = certificate(&[(DnType::CommonName, "x")]);
    let der = certificate.der().to_vec();
    for end in 0..der.len().min(120) {
        assert_eq!(subject::of_certificate(&der[..end]), None, "{end}");
    }
    for at in 0..der.len() {
        let mut damaged = der.clone();
        damaged[at] ^= 0xff;
        let _ = subject::of_certificate(&damaged);
    }
}

fn settings(chain: &str, key: &str) -> TlsSettings {
    with_identity(Identity::Pem { chain: Pem::from_setting(chain), key: Pem::from_setting(key) })
}

fn with_identity(identity: Identity) -> TlsSettings {
    TlsSettings {
        identity,
        key_password: None,
        trusted: None,
        client_auth: ClientAuth::None,
        versions: TlsVersions::Both,
        cipher_suites: None,
        principal_rules: PrincipalRules::default(),
    }
}

#[test]
fn unusable_settings_are_named() {
    let (one, key) = certificate(&[(DnType::CommonName, "one")]);
    let (_, other_key) = certificate(&[(DnType::CommonName, "two")]);
    let (chain, key) = (one.pem(), key.serialize_pem());
    let check = |settings: TlsSettings, part: &str| {
        let error = Tls::load(settings).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    assert!(Tls::load(settings(&chain, &key)).is_ok());
    assert!(Tls::load(settings(&chain.replace('\n', "\\n"), &key)).is_ok());
    check(settings(&chain, &other_key.serialize_pem()), "do not go together");
    check(settings("/no/such/file", &key), "ssl.keystore.certificate.chain: cannot read /no/such/file");
    check(settings(&key, &key), "no CERTIFICATE block");
    check(settings(&chain, &chain), "ssl.keystore.key: no readable PRIVATE KEY");
    let encrypted = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    check(settings(&chain, encrypted), "ssl.key.password is not set");
    let with_password = TlsSettings { key_password: Some("x".to_owned()), ..settings(&chain, encrypted) };
    check(with_password, "broken");
    let untrusting = TlsSettings { client_auth: ClientAuth::Required, ..settings(&chain, &key) };
    check(untrusting, "ssl.truststore.certificates");
}

#[test]
fn changed_files_are_taken_up_and_broken_ones_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let (chain, key) = (dir.path().join("cert.pem"), dir.path().join("key.pem"));
    let write = |name: &str| {
        let (certificate, pair) = certificate(&[(DnType::CommonName, name)]);
        std::fs::write(&chain, certificate.pem()).unwrap();
        std::fs::write(&key, pair.serialize_pem()).unwrap();
    };
    write("one");
    let tls = Tls::load(settings(chain.to_str().unwrap(), key.to_str().unwrap())).unwrap();
    let first = Arc::clone(&tls.current.load().config);
    tls.reload_if_changed();
    assert!(Arc::ptr_eq(&first, &tls.current.load().config));
    std::fs::write(&chain, "nothing").unwrap();
    tls.reload_if_changed();
    assert!(Arc::ptr_eq(&first, &tls.current.load().config));
    write("another one");
    tls.reload_if_changed();
    assert!(!Arc::ptr_eq(&first, &tls.current.load().config));
}

#[test]
fn a_chain_signed_by_somebody_else_is_accepted() {
    let (_, authority_key) = certificate(&[(DnType::CommonName, "authority")]);
    let authority = Issuer::new(CertificateParams::default(), authority_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &authority).unwrap();
    assert!(Tls::load(settings(&leaf.pem(), &key.serialize_pem())).is_ok());
}

#[test]
fn versions_come_from_kafkas_names() {
    let of = |text: &'static str| TlsVersions::from_names(text.split(','));
    assert_eq!(of("TLSv1.2,TLSv1.3"), Some(TlsVersions::Both));
    assert_eq!(of("TLSv1.1,TLSv1.2"), Some(TlsVersions::Tls12));
    assert_eq!(of("TLSv1.3"), Some(TlsVersions::Tls13));
    assert_eq!(of("TLSv1.1"), None);
}

#[test]
fn cipher_suites_are_those_that_are_listed() {
    let (certificate, key) = certificate(&[(DnType::CommonName, "one")]);
    let load = |names: &[&str], versions| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let settings = settings(&certificate.pem(), &key.serialize_pem());
        let tls = Tls::load(TlsSettings { cipher_suites: Some(names), versions, ..settings })?;
        let config = Arc::clone(&tls.current.load().config);
        let left = config.crypto_provider().cipher_suites.iter();
        Ok::<_, TlsError>(left.map(|suite| format!("{:?}", suite.suite())).collect::<Vec<_>>())
    };
    let (new, old) = ("TLS_AES_256_GCM_SHA384", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
    assert_eq!(
        load(&[old, "TLS_RSA_WITH_AES_128_CBC_SHA", new], TlsVersions::Both).unwrap(),
        ["TLS13_AES_256_GCM_SHA384", old]
    );
    assert_eq!(load(&[old, new], TlsVersions::Tls13).unwrap(), ["TLS13_AES_256_GCM_SHA384"]);
    assert_eq!(load(&[old, new], TlsVersions::Tls12).unwrap(), [old]);
    assert_eq!(load(&[old], TlsVersions::Both).unwrap(), [old]);
    for (name, versions) in [
        ("TLS_RSA_WITH_AES_128_CBC_SHA", TlsVersions::Both),
        (old, TlsVersions::Tls13),
        (new, TlsVersions::Tls12),
    ] {
        let error = load(&[name], versions).unwrap_err().to_string();
        assert!(error.starts_with(&format!("ssl.cipher.suites={name}: none of them")), "{error}");
    }
}
